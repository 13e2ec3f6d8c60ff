"""Options, trees, fixed-draw Monte Carlo, curves, risk and portfolios."""

from __future__ import annotations

from collections import namedtuple
from functools import partial

import numpy as np
from scipy import special

from .registry import Table

TABLE = Table("finance")

Market = namedtuple("Market", "spot rate vol")


def norm_cdf(x):
    return 0.5 * (1 + special.erf(x / np.sqrt(2)))


def black_scholes(S, K, T, r, sigma, kind="call"):
    d1 = (np.log(S / K) + (r + 0.5 * sigma**2) * T) / (sigma * np.sqrt(T))
    d2 = d1 - sigma * np.sqrt(T)
    if kind == "call":
        return S * norm_cdf(d1) - K * np.exp(-r * T) * norm_cdf(d2)
    return K * np.exp(-r * T) * norm_cdf(-d2) - S * norm_cdf(-d1)


@TABLE.add(lambda rng: (100 + 10 * rng.normal(), 105.0, 0.75, 0.02, 0.25), wrt=(0, 2, 3, 4))
def black_scholes_put(S, K, T, r, sigma):
    return black_scholes(S, K, T, r, sigma, kind="put")


@TABLE.add(lambda rng: (Market(100.0 + rng.normal(), 0.03, 0.2), np.array([90.0, 100, 110])))
def option_book(market, strikes, maturity=0.5):
    d1 = np.log(market.spot / strikes) + (market.rate + market.vol**2 / 2) * maturity
    d1 = d1 / (market.vol * maturity**0.5)
    d2 = d1 - market.vol * maturity**0.5
    discount = np.exp(-market.rate * maturity)
    return np.sum(market.spot * special.ndtr(d1) - strikes * discount * special.ndtr(d2))


@TABLE.add(lambda rng: (100 + 5 * rng.normal(), 0.2, 0.03), wrt=(0, 1, 2))
def binomial_tree_american_put(S0, sigma, r, K=100.0, T=1.0, N=12):
    dt = T / N
    u = np.exp(sigma * np.sqrt(dt))
    d = 1 / u
    p = (np.exp(r * dt) - d) / (u - d)
    S = S0 * d ** np.arange(N, -1, -1) * u ** np.arange(0, N + 1)
    V = np.maximum(K - S, 0)
    for i in range(N - 1, -1, -1):
        S = S0 * d ** np.arange(i, -1, -1) * u ** np.arange(0, i + 1)
        V[: i + 1] = np.exp(-r * dt) * (p * V[1 : i + 2] + (1 - p) * V[: i + 1])
        V = np.maximum(V[: i + 1], K - S)
    return V[0]


@TABLE.add(lambda rng: (np.array([100.0, 0.2, 0.05]) * rng.uniform(0.9, 1.1, size=3),))
def binomial_tree_nested_lists(params):
    S0, vol, r = params
    steps = 6
    dt = 1 / steps
    up, down = np.exp(vol * dt**0.5), np.exp(-vol * dt**0.5)
    q = (np.exp(r * dt) - down) / (up - down)
    values = [max(S0 * up**j * down ** (steps - j) - 95.0, 0) for j in range(steps + 1)]
    for _ in range(steps):
        values = [
            np.exp(-r * dt) * (q * values[j + 1] + (1 - q) * values[j])
            for j in range(len(values) - 1)
        ]
    return values[0]


@TABLE.add(lambda rng: (np.array([100.0, 0.05, 0.2]), rng.standard_normal((200, 12))), strike=101.0)
def asian_option_monte_carlo(theta, draws, strike):
    S0, r, sigma = theta
    dt = 1 / draws.shape[1]
    steps = (r - 0.5 * sigma**2) * dt + sigma * np.sqrt(dt) * draws
    paths = S0 * np.exp(np.cumsum(steps, axis=1))
    payoff = np.maximum(paths.mean(axis=1) - strike, 0)
    return np.exp(-r) * np.mean(payoff)


@TABLE.add(lambda rng: (np.array([0.04, 2.0, 0.04, 0.3, -0.6]), rng.normal(size=(2, 15, 40))))
def heston_euler(theta, z, S0=100.0, r=0.02):
    v0, kappa, vbar, xi, rho = theta
    dt = 1 / 15
    S, v = np.full(40, S0), v0 * np.ones(40)
    for k in range(15):
        w = rho * z[0, k] + np.sqrt(1 - rho**2) * z[1, k]
        vp = np.maximum(v, 1e-6)
        S = S * np.exp((r - vp / 2) * dt + np.sqrt(vp * dt) * z[0, k])
        v = v + kappa * (vbar - vp) * dt + xi * np.sqrt(vp * dt) * w
    return np.exp(-r) * np.where(S > 95, S - 95, 0.0).mean()


@TABLE.add(lambda rng: (np.array([0.3, 0.04, 0.02]), 0.03 + 0.002 * rng.normal()), wrt=(0, 1))
def vasicek_path_price(params, r0):
    a, b, sigma = params
    rng = np.random.default_rng(7)
    n = 24
    r = np.zeros(n + 1)
    r[0] = r0
    for i in range(n):
        r[i + 1] = r[i] + a * (b - r[i]) / n + sigma * np.sqrt(1 / n) * rng.standard_normal()
    return np.exp(-np.trapezoid(r, dx=1 / n))


@TABLE.add(lambda rng: (np.array([3.0, -1.0, 0.5, 1.5]) * rng.uniform(0.9, 1.1, size=4),))
def nelson_siegel_fit(params):
    b0, b1, b2, tau = params
    maturities = np.array([0.25, 0.5, 1, 2, 3, 5, 7, 10, 20, 30])
    observed = np.array([2.0, 2.1, 2.2, 2.35, 2.5, 2.65, 2.75, 2.85, 2.95, 3.0])
    x = maturities / tau
    loading = (1 - np.exp(-x)) / x
    model = b0 + b1 * loading + b2 * (loading - np.exp(-x))
    return np.sum((model - observed) ** 2)


@TABLE.add(lambda rng: (0.02 + 0.005 * rng.random(5),))
def bootstrap_discount_factors(swap_rates):
    df = np.zeros(len(swap_rates))
    for i, s in enumerate(swap_rates):
        annuity = df[:i].sum()
        df[i] = (1 - s * annuity) / (1 + s)
    forwards = df[:-1] / df[1:] - 1
    return forwards.var() * 1e4 - np.log(df[-1])


@TABLE.add(lambda rng: (0.03 + 0.01 * rng.random(), 0.05), wrt=(0, 1))
def bond_duration_and_convexity(y, coupon):
    price = duration = convexity = 0.0
    for t in range(1, 11):
        cash = coupon + (1.0 if t == 10 else 0.0)
        pv = cash / (1 + y) ** t
        price += pv
        duration += t * pv
        convexity += t * (t + 1) * pv
    return duration / price + 0.01 * convexity / (price * (1 + y) ** 2)


@TABLE.add(lambda rng: (98.0 + 4 * rng.random(), 0.05))
def yield_by_newton(price, coupon):
    t = np.arange(1, 8)
    y = 0.05
    for _ in range(50):
        cash = coupon * 100 * (1 + y) ** -t
        f = cash.sum() + 100 * (1 + y) ** -7.0 - price
        df = -(t * cash).sum() / (1 + y) - 700 * (1 + y) ** -8.0
        step = f / df
        y = y - step
        if abs(step) < 1e-13:
            break
    return 100 * y


@TABLE.add(lambda rng: (8.0 + 4 * rng.random(),), K=100.0)
def implied_volatility_bisection(price, K, S=100.0, T=1.0, r=0.01):
    def objective(vol):
        return black_scholes(S, K, T, r, vol) - price

    low, high = 0.01, 1.0
    while high - low > 1e-3:
        mid = 0.5 * (low + high)
        if objective(mid) > 0:
            high = mid
        else:
            low = mid
    vol = 0.5 * (low + high)
    for _ in range(4):
        d1 = (np.log(S / K) + (r + vol**2 / 2) * T) / (vol * np.sqrt(T))
        vega = S * np.exp(-0.5 * d1**2) / np.sqrt(2 * np.pi) * np.sqrt(T)
        vol = vol - objective(vol) / vega
    return vol


@TABLE.add(lambda rng: (rng.dirichlet(np.ones(5)), 0.05 * rng.normal(size=(60, 5))))
def sharpe_ratio(weights, returns):
    w = weights / np.sum(weights)
    portfolio = returns @ w + 0.01
    return np.sqrt(252) * portfolio.mean() / portfolio.std(ddof=1)


@TABLE.add(lambda rng: (rng.normal(size=4), 0.1 * rng.normal(size=(30, 4))), risk_aversion=3.0)
def mean_variance_utility(z, returns, risk_aversion=1.0):
    w = np.exp(z) / np.exp(z).sum()
    mu, Sigma = returns.mean(axis=0), np.cov(returns.T)
    return w @ mu - 0.5 * risk_aversion * w @ Sigma @ w


@TABLE.add(lambda rng: (rng.uniform(0.1, 0.5, size=4), rng.normal(size=(4, 4))))
def risk_parity(w, A):
    cov = A @ A.T + np.eye(4)
    total = w @ cov @ w
    contribution = w * (cov @ w) / total
    return ((contribution[:, None] - contribution[None, :]) ** 2).sum()


@TABLE.add(lambda rng: (rng.dirichlet(np.ones(3)), rng.normal(size=(101, 3))), level=0.05)
def historical_var_and_shortfall(w, scenarios, level=0.01):
    pnl = np.sort(scenarios @ w)
    k = int(np.ceil(level * len(pnl)))
    return -np.percentile(pnl, 100 * level) - pnl[:k].mean()


@TABLE.add(lambda rng: (rng.normal(size=3), rng.normal(size=(50, 3))))
def conditional_value_at_risk(w, scenarios):
    losses = -(scenarios @ w)
    threshold = np.quantile(losses, 0.9)
    return losses[losses >= threshold].mean()


@TABLE.add(lambda rng: (0.01 * rng.normal(size=40),))
def maximum_drawdown(returns):
    wealth = np.cumprod(1 + returns)
    peak = np.maximum.accumulate(wealth)
    return np.max((peak - wealth) / peak)


@TABLE.add(lambda rng: (0.02 * rng.normal(size=30),), halflife=8)
def ewma_volatility(returns, halflife=10):
    lam = 0.5 ** (1 / halflife)
    var = returns[0] ** 2
    history = []
    for r in returns[1:]:
        var = lam * var + (1 - lam) * r * r
        history.append(np.sqrt(var))
    return sum(history) / len(history)


@TABLE.add(lambda rng: (np.array([0.05, 0.1]) * rng.uniform(0.8, 1.2, size=2),))
def credit_default_swap_spread(params, recovery=0.4):
    hazard, slope = params
    times = np.arange(0.25, 5.25, 0.25)
    survival = np.exp(-(hazard * times + 0.5 * slope * hazard * times**2))
    discount = np.exp(-0.02 * times)
    before = np.concatenate(([1.0], survival[:-1]))
    protection = (1 - recovery) * np.sum(discount * (before - survival))
    return 1e4 * protection / (0.25 * np.sum(discount * survival))


@TABLE.add(lambda rng: (100 + rng.normal(), 0.3), wrt=(0, 1))
def crank_nicolson_option(S0, sigma, K=100.0, r=0.05, T=0.5):
    M, N = 20, 10
    S = np.linspace(0, 200, M + 1)
    dt = T / N
    i = np.arange(1, M)
    a = 0.25 * dt * (sigma**2 * i**2 - r * i)
    b = -0.5 * dt * (sigma**2 * i**2 + r)
    c = 0.25 * dt * (sigma**2 * i**2 + r * i)
    left = np.diag(1 - b) - np.diag(a[1:], -1) - np.diag(c[:-1], 1)
    right = np.diag(1 + b) + np.diag(a[1:], -1) + np.diag(c[:-1], 1)
    V = np.maximum(S - K, 0)
    for n in range(N):
        rhs = right @ V[1:-1]
        rhs[-1] += c[-1] * (2 * 200 - K * np.exp(-r * n * dt) - K * np.exp(-r * (n + 1) * dt))
        V[1:-1] = np.linalg.solve(left, rhs)
        V[-1] = 200 - K * np.exp(-r * (n + 1) * dt)
    return np.interp(S0, S, V)


@TABLE.add(lambda rng: ({"alpha": 0.2, "rho": -0.3, "nu": 0.4 + 0.1 * rng.random()},))
def sabr_smile(p, beta=0.5, f=0.03, T=2.0):
    def implied(K):
        fk = (f * K) ** ((1 - beta) / 2)
        log_fk = np.log(f / K)
        z = p["nu"] / p["alpha"] * fk * log_fk
        chi = np.log((np.sqrt(1 - 2 * p["rho"] * z + z**2) + z - p["rho"]) / (1 - p["rho"]))
        stretch = fk * (1 + (1 - beta) ** 2 / 24 * log_fk**2)
        time = (1 - beta) ** 2 / 24 * p["alpha"] ** 2 / fk**2
        time += p["rho"] * beta * p["nu"] * p["alpha"] / (4 * fk)
        time += (2 - 3 * p["rho"] ** 2) / 24 * p["nu"] ** 2
        return p["alpha"] / stretch * z / chi * (1 + time * T)

    return sum(implied(K) for K in (0.02, 0.025, 0.035, 0.04))


@TABLE.add(lambda rng: (rng.uniform(80, 120, size=3), 0.2), wrt=(0, 1))
def basket_with_partial(spots, sigma):
    price = partial(black_scholes, K=100.0, T=1.0, r=0.01, sigma=sigma)
    book = {"a": 1.0, "b": -0.5, "c": 2.0}
    total = 0.0
    for (name, units), spot in zip(book.items(), spots):
        total += units * price(spot, kind="put" if name == "b" else "call")
    return total
