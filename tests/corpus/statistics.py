"""Likelihoods, regressions, state spaces and time series, as statisticians write them."""

from __future__ import annotations

import numpy as np
from scipy import special

from .registry import Table

TABLE = Table("statistics")

LOG_2PI = np.log(2 * np.pi)


def _design(rng, n=40, p=4):
    return np.column_stack([np.ones(n), rng.normal(size=(n, p - 1))])


@TABLE.add(lambda rng: (np.array([0.3, 0.1]), rng.normal(1.0, 2.0, size=50)))
def gaussian_nll(theta, data):
    mu, log_sigma = theta
    sigma = np.exp(log_sigma)
    z = (data - mu) / sigma
    return 0.5 * np.sum(z**2) + len(data) * (log_sigma + 0.5 * np.log(2 * np.pi))


@TABLE.add(lambda rng: (0.3 * rng.normal(size=4), _design(rng), rng.integers(0, 2, size=40)))
def logistic_regression(beta, X, y):
    p = 1 / (1 + np.exp(-X @ beta))
    return -np.sum(y * np.log(p) + (1 - y) * np.log(1 - p))


@TABLE.add(
    lambda rng: (0.2 * rng.normal(size=4), _design(rng), rng.poisson(2.0, size=40)), alpha=0.5
)
def poisson_regression(beta, X, y, alpha=1.0):
    eta = X.dot(beta)
    penalty = 0.5 * alpha * np.dot(beta[1:], beta[1:])
    return (np.exp(eta) - y * eta + special.gammaln(y + 1.0)).sum() + penalty


@TABLE.add(lambda rng: (0.2 * rng.normal(size=4), _design(rng), rng.integers(0, 2, size=40)))
def probit_regression(beta, X, y):
    q = 2 * y - 1
    return -np.sum(special.log_ndtr(q * (X @ beta)))


@TABLE.add(lambda rng: (rng.normal(size=(3, 4)), _design(rng), rng.integers(0, 3, size=40)))
def multinomial_logit(W, X, labels):
    scores = X @ W.T
    scores = scores - scores.max(axis=1, keepdims=True)
    log_p = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    return -log_p[np.arange(len(labels)), labels].mean()


@TABLE.add(
    lambda rng: (
        {"mu": rng.normal(size=3), "log_sigma": 0.2 * rng.normal(size=3), "logits": np.zeros(3)},
        rng.normal(size=60),
    )
)
def gaussian_mixture_1d(params, x):
    mu, sigma = params["mu"], np.exp(params["log_sigma"])
    log_w = params["logits"] - special.logsumexp(params["logits"])
    log_pdf = -0.5 * ((x[:, None] - mu) / sigma) ** 2 - np.log(sigma) - 0.5 * LOG_2PI
    return -np.sum(special.logsumexp(log_w + log_pdf, axis=1))


@TABLE.add(
    lambda rng: (
        rng.normal(size=3),
        np.tril(rng.normal(size=(3, 3))) + 2 * np.eye(3),
        rng.normal(size=(20, 3)),
    ),
    wrt=(0, 1),
)
def multivariate_normal_nll(mean, L, data):
    cov = L @ L.T
    diff = data - mean
    sign, logdet = np.linalg.slogdet(cov)
    maha = np.sum(diff * np.linalg.solve(cov, diff.T).T, axis=1)
    return 0.5 * np.sum(maha) + 0.5 * len(data) * (logdet + data.shape[1] * LOG_2PI)


def _rbf(X1, X2, length, variance):
    sq = np.sum(X1**2, 1).reshape(-1, 1) + np.sum(X2**2, 1) - 2 * np.dot(X1, X2.T)
    return variance * np.exp(-0.5 / length**2 * sq)


@TABLE.add(lambda rng: (0.3 * rng.normal(size=3), rng.normal(size=(12, 2)), rng.normal(size=12)))
def gaussian_process_nll(theta, X, y):
    length, variance, noise = np.exp(theta)
    K = _rbf(X, X, length, variance) + (noise + 1e-6) * np.eye(len(X))
    L = np.linalg.cholesky(K)
    alpha = np.linalg.solve(L.T, np.linalg.solve(L, y))
    return 0.5 * y @ alpha + np.sum(np.log(np.diagonal(L))) + 0.5 * len(X) * np.log(2 * np.pi)


@TABLE.add(
    lambda rng: (rng.normal(size=(5, 2)), rng.normal(size=(15, 2)), rng.normal(size=15)), ell=0.8
)
def gaussian_process_posterior_variance(Xs, X, y, ell=1.0, noise=0.1):
    K = _rbf(X, X, ell, 1.0) + noise**2 * np.eye(X.shape[0])
    Ks = _rbf(X, Xs, ell, 1.0)
    mu = Ks.T @ np.linalg.inv(K) @ y
    cov = _rbf(Xs, Xs, ell, 1.0) - Ks.T @ np.linalg.inv(K) @ Ks
    return np.trace(cov) + mu.dot(mu)


@TABLE.add(
    lambda rng: (rng.normal(size=(3, 3)), rng.normal(size=(3, 4)), rng.integers(0, 4, size=25)),
    wrt=(0, 1),
)
def hmm_forward(log_A, log_B, obs):
    A = np.exp(log_A)
    A /= A.sum(axis=1, keepdims=True)
    B = np.exp(log_B)
    B /= B.sum(axis=1, keepdims=True)
    alpha = np.full(3, 1 / 3) * B[:, obs[0]]
    loglik = 0.0
    for t in range(1, len(obs)):
        c = alpha.sum()
        loglik += np.log(c)
        alpha = (alpha / c) @ A * B[:, obs[t]]
    return loglik + np.log(alpha.sum())


@TABLE.add(
    lambda rng: (rng.normal(size=(3, 3)), rng.normal(size=(3, 5)), rng.integers(0, 5, size=12))
)
def hmm_forward_log_buffer(log_trans, log_emit, obs):
    n, T = log_trans.shape[0], len(obs)
    alpha = np.zeros((T, n))
    alpha[0] = log_emit[:, obs[0]] - np.log(n)
    for t in range(1, T):
        for j in range(n):
            alpha[t, j] = np.logaddexp.reduce(alpha[t - 1] + log_trans[:, j]) + log_emit[j, obs[t]]
    return np.logaddexp.reduce(alpha[-1])


@TABLE.add(lambda rng: (np.array([-0.3, 0.2]), np.cumsum(rng.normal(size=30))))
def kalman_local_level(log_variances, y):
    q, r = np.exp(log_variances)
    x, P = y[0], 1.0
    nll = 0.0
    for obs in y[1:]:
        P = P + q
        v = obs - x
        F = P + r
        K = P / F
        x = x + K * v
        P = (1 - K) * P
        nll += 0.5 * (np.log(2 * np.pi * F) + v**2 / F)
    return nll


@TABLE.add(lambda rng: (np.array([0.1, 0.3, 0.5]), np.cumsum(rng.normal(size=(15, 2)), axis=0)))
def kalman_constant_velocity(theta, zs):
    dt = 1.0
    F = np.array([[1, 0, dt, 0], [0, 1, 0, dt], [0, 0, 1, 0], [0, 0, 0, 1]])
    H = np.array([[1.0, 0, 0, 0], [0, 1, 0, 0]])
    Q = np.exp(theta[0]) * np.eye(4)
    R = np.diag(np.exp(theta[1:]))
    x, P = np.zeros(4), 10 * np.eye(4)
    loglik = 0
    for z in zs:
        x = F @ x
        P = F @ P @ F.T + Q
        S = H @ P @ H.T + R
        e = z - H @ x
        K = P @ H.T @ np.linalg.inv(S)
        x = x + K @ e
        P = (np.eye(4) - K @ H) @ P
        loglik += -0.5 * (e @ np.linalg.inv(S) @ e + np.log(np.linalg.det(2 * np.pi * S)))
    return -loglik


@TABLE.add(lambda rng: (np.array([0.1, 0.1, 0.8]), rng.normal(size=60)))
def garch_11(params, returns):
    omega, alpha, beta = params
    n = len(returns)
    sigma2 = np.empty(n)
    sigma2[0] = np.var(returns)
    for t in range(1, n):
        sigma2[t] = omega + alpha * returns[t - 1] ** 2 + beta * sigma2[t - 1]
    return 0.5 * np.sum(np.log(2 * np.pi) + np.log(sigma2) + returns**2 / sigma2)


@TABLE.add(lambda rng: (np.array([0.4, 0.3, 0.1]), rng.normal(size=50)))
def arma_css(theta, y):
    phi, psi, c = theta
    e = np.zeros_like(y)
    for t in range(1, y.size):
        e[t] = y[t] - c - phi * y[t - 1] - psi * e[t - 1]
    return (e[1:] ** 2).sum() / (y.size - 1)


@TABLE.add(lambda rng: (np.array([0.3, 0.2, 0.1]), 10 + np.cumsum(rng.normal(size=40))))
def holt_linear_trend(smoothing, series):
    alpha, beta, phi = smoothing
    level, trend = series[0], series[1] - series[0]
    sse = 0.0
    for value in series[2:]:
        forecast = level + phi * trend
        sse += (value - forecast) ** 2
        last = level
        level = alpha * value + (1 - alpha) * forecast
        trend = beta * (level - last) + (1 - beta) * phi * trend
    return sse


@TABLE.add(lambda rng: (np.array([0.7, -0.2]), rng.weibull(1.5, size=30), rng.random(30) < 0.7))
def weibull_censored(theta, time, event):
    shape, scale = np.exp(theta)
    z = time / scale
    log_hazard = np.log(shape / scale) + (shape - 1) * np.log(z)
    return -np.sum(np.where(event, log_hazard, 0.0) - z**shape)


@TABLE.add(
    lambda rng: (
        0.4 * rng.normal(size=3),
        rng.normal(size=(25, 3)),
        rng.exponential(size=25),
        rng.random(25) < 0.8,
    )
)
def cox_partial_likelihood(beta, X, times, died):
    order = np.argsort(-times)
    eta = (X @ beta)[order]
    risk = np.log(np.cumsum(np.exp(eta)))
    return -np.sum((eta - risk)[died[order]])


@TABLE.add(lambda rng: (np.array([0.5, 0.8]), rng.beta(2.0, 3.0, size=40)))
def beta_distribution_nll(log_ab, x):
    a, b = np.exp(log_ab)
    return -np.mean(special.xlogy(a - 1, x) + special.xlog1py(b - 1, -x) - special.betaln(a, b))


@TABLE.add(lambda rng: (np.array([0.2, 1.0, 0.4]), rng.standard_t(4, size=40)))
def student_t_nll(theta, x):
    mu, nu, sigma = theta[0], 1 + np.exp(theta[1]), np.exp(theta[2])
    z = (x - mu) / sigma
    log_pdf = (
        special.gammaln((nu + 1) / 2)
        - special.gammaln(nu / 2)
        - 0.5 * np.log(nu * np.pi)
        - np.log(sigma)
        - (nu + 1) / 2 * np.log1p(z**2 / nu)
    )
    return -log_pdf.sum()


@TABLE.add(lambda rng: (rng.gamma(2.0, size=4) + 0.2, rng.dirichlet(np.ones(4), size=20)))
def dirichlet_nll(alpha, P):
    n = P.shape[0]
    norm = special.gammaln(np.sum(alpha)) - np.sum(special.gammaln(alpha))
    return -n * norm - np.sum((alpha - 1) * np.log(P))


@TABLE.add(lambda rng: (rng.normal(size=30), rng.normal(size=30)), wrt=(0, 1))
def pearson_correlation(x, y):
    xm = x - x.mean()
    ym = y - y.mean()
    return (xm * ym).sum() / np.sqrt((xm**2).sum() * (ym**2).sum())


@TABLE.add(lambda rng: (rng.normal(size=(20, 4)),))
def covariance_condition(X):
    C = np.cov(X, rowvar=False, ddof=1)
    w = np.linalg.eigvalsh(C)
    return np.log(w[-1] / w[0])


@TABLE.add(lambda rng: (rng.normal(size=40),))
def skewness_and_kurtosis(x):
    s = np.std(x, ddof=1)
    z = (x - np.mean(x)) / s
    return np.mean(z**3) ** 2 / 6 + (np.mean(z**4) - 3) ** 2 / 24


@TABLE.add(
    lambda rng: (rng.normal(size=4), _design(rng), 3 * rng.normal(size=40)), wrt=0, delta=1.35
)
def huber_regression(beta, X, y, delta=1.0):
    r = np.abs(y - X @ beta)
    small = r <= delta
    loss = np.empty_like(r)
    loss[small] = 0.5 * r[small] ** 2
    loss[~small] = delta * (r[~small] - 0.5 * delta)
    return loss.sum()


@TABLE.add(lambda rng: (rng.normal(size=4), _design(rng), rng.normal(size=40)), tau=0.25)
def quantile_regression(beta, X, y, tau):
    u = y - X @ beta
    return np.mean(np.maximum(tau * u, (tau - 1) * u))


@TABLE.add(lambda rng: (np.array(0.4), rng.normal(size=50), np.linspace(-2, 2, 9)))
def kernel_density(h, data, grid):
    u = (grid.reshape(-1, 1) - data.reshape(1, -1)) / h
    density = np.exp(-(u**2) / 2).sum(axis=1) / (len(data) * h * np.sqrt(2 * np.pi))
    return np.trapezoid(density**2, grid)


@TABLE.add(lambda rng: (rng.gamma(3.0, size=30) + 0.1, 0.4))
def boxcox_loglik(x, lam):
    y = np.log(x) if lam == 0 else (x**lam - 1) / lam
    return (lam - 1) * np.log(x).sum() - len(x) / 2 * np.log(np.var(y))


@TABLE.add(
    lambda rng: (rng.normal(size=8), 1.5, rng.normal(size=8), rng.uniform(0.5, 2, size=8)),
    wrt=(0, 1),
)
def eight_schools_log_posterior(theta, tau, y, sigma):
    def normal_lpdf(x, mu, sd):
        return -0.5 * ((x - mu) / sd) ** 2 - np.log(sd) - 0.5 * LOG_2PI

    lp = normal_lpdf(theta, theta.mean(), tau).sum()
    lp += normal_lpdf(y, theta, sigma).sum()
    lp -= np.log(1 + (tau / 5) ** 2)
    return lp
