"""Networks, losses, kernels and embeddings in plain NumPy, as in courses and gists."""

from __future__ import annotations

import numpy as np
from scipy import special

from .registry import Table

TABLE = Table("machine learning")


def _layers(rng, sizes):
    return [
        (rng.normal(size=(m, n)) / np.sqrt(m), 0.1 * rng.normal(size=n))
        for m, n in zip(sizes[:-1], sizes[1:])
    ]


def relu(x):
    return np.maximum(x, 0)


def softmax(x, axis=-1):
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


@TABLE.add(lambda rng: (_layers(rng, [4, 8, 8, 1]), rng.normal(size=(16, 4)), rng.normal(size=16)))
def mlp_regression(params, x, y):
    for W, b in params[:-1]:
        x = np.tanh(x @ W + b)
    W, b = params[-1]
    return np.mean(((x @ W + b).squeeze() - y) ** 2)


@TABLE.add(
    lambda rng: (
        {
            "W1": rng.normal(size=(5, 7)),
            "b1": 0.1 * rng.normal(size=7),
            "W2": rng.normal(size=(7, 3)),
            "b2": 0.1 * rng.normal(size=3),
        },
        rng.normal(size=(12, 5)),
        rng.integers(0, 3, size=12),
    ),
    reg=1e-2,
)
def mlp_classifier(params, X, y, reg=0.0):
    hidden = relu(X.dot(params["W1"]) + params["b1"])
    probs = softmax(hidden.dot(params["W2"]) + params["b2"])
    nll = -np.log(probs[range(len(y)), y]).mean()
    return nll + 0.5 * reg * (np.sum(params["W1"] ** 2) + np.sum(params["W2"] ** 2))


@TABLE.add(lambda rng: (rng.normal(size=(8, 8)), rng.normal(size=(3, 3))), wrt=(0, 1))
def convolution_by_hand(image, kernel):
    kh, kw = kernel.shape
    out = np.zeros((image.shape[0] - kh + 1, image.shape[1] - kw + 1))
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = np.sum(image[i : i + kh, j : j + kw] * kernel)
    return np.sum(relu(out))


@TABLE.add(lambda rng: (rng.normal(size=(4, 2, 3, 3)), rng.normal(size=(2, 2, 7, 7))), wrt=(0, 1))
def convolution_by_windows(weights, images):
    windows = np.lib.stride_tricks.sliding_window_view(images, (3, 3), axis=(2, 3))
    out = np.einsum("nchwij,ocij->nohw", windows, weights)
    return np.mean(out**2)


@TABLE.add(
    lambda rng: (rng.normal(size=(3, 2, 3, 3)), rng.normal(size=3), rng.normal(size=(2, 6, 6))),
    wrt=(0, 1, 2),
)
def im2col_layer(W, b, x, stride=1, pad=1):
    C, H, Wd = x.shape
    F, _, HH, WW = W.shape
    xp = np.pad(x, ((0, 0), (pad, pad), (pad, pad)), mode="constant")
    cols = []
    for i in range(0, H + 2 * pad - HH + 1, stride):
        for j in range(0, Wd + 2 * pad - WW + 1, stride):
            cols.append(xp[:, i : i + HH, j : j + WW].reshape(-1))
    cols = np.array(cols).T
    out = W.reshape(F, -1) @ cols + b.reshape(-1, 1)
    return np.sum(np.tanh(out))


@TABLE.add(lambda rng: (rng.normal(size=(2, 8, 8)),))
def max_pooling(x):
    c, h, w = x.shape
    pooled = x.reshape(c, h // 2, 2, w // 2, 2).max(axis=(2, 4))
    return np.sum(pooled**2)


@TABLE.add(lambda rng: (rng.normal(size=(6, 6)),), size=2)
def average_pooling_loops(x, size=3):
    out = []
    for i in range(0, x.shape[0], size):
        for j in range(0, x.shape[1], size):
            out.append(x[i : i + size, j : j + size].mean())
    return np.exp(np.asarray(out)).sum()


@TABLE.add(
    lambda rng: (rng.normal(size=(5, 4)), rng.normal(size=(6, 4)), rng.normal(size=(6, 3))),
    wrt=(0, 1, 2),
)
def scaled_dot_product_attention(Q, K, V):
    scores = Q @ K.T / np.sqrt(K.shape[-1])
    return np.sum((softmax(scores) @ V) ** 2)


@TABLE.add(
    lambda rng: (
        {k: rng.normal(size=(8, 8)) / 3 for k in ("q", "k", "v", "o")},
        rng.normal(size=(5, 8)),
    ),
    heads=2,
)
def causal_multi_head_attention(w, x, heads):
    T, d = x.shape

    def split(z):
        return z.reshape(T, heads, d // heads).transpose(1, 0, 2)

    q, k, v = split(x @ w["q"]), split(x @ w["k"]), split(x @ w["v"])
    scores = q @ k.swapaxes(-1, -2) / np.sqrt(d / heads)
    mask = np.triu(np.ones((T, T), dtype=bool), k=1)
    scores = np.where(mask, -np.inf, scores)
    out = (softmax(scores) @ v).transpose(1, 0, 2).reshape(T, d) @ w["o"]
    return np.mean(out**2)


@TABLE.add(
    lambda rng: (rng.normal(size=(6, 10)), rng.normal(size=10), rng.normal(size=10)), wrt=(0, 1, 2)
)
def layer_norm_gelu(x, gamma, beta, eps=1e-5):
    mu = x.mean(-1, keepdims=True)
    var = x.var(-1, keepdims=True)
    z = gamma * (x - mu) / np.sqrt(var + eps) + beta
    return np.sum(0.5 * z * (1 + np.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * z**3))))


@TABLE.add(lambda rng: (rng.normal(size=(10, 4)), np.ones(4), np.zeros(4)), wrt=(0, 1, 2))
def batch_norm(x, gamma, beta):
    mean, var = np.mean(x, axis=0), np.var(x, axis=0)
    xhat = (x - mean) / np.sqrt(var + 1e-5)
    return np.sum(np.sin(gamma * xhat + beta))


@TABLE.add(
    lambda rng: (
        {"Wx": rng.normal(size=(3, 5)), "Wh": 0.3 * rng.normal(size=(5, 5)), "b": np.zeros(5)},
        rng.normal(size=(8, 3)),
    )
)
def vanilla_rnn(p, xs):
    h = np.zeros(5)
    total = 0
    for x in xs:
        h = np.tanh(x @ p["Wx"] + h @ p["Wh"] + p["b"])
        total += np.sum(h**2)
    return total / len(xs)


@TABLE.add(lambda rng: (0.4 * rng.normal(size=(16, 7)), rng.normal(size=(6, 3))))
def lstm(W, xs):
    n = 4
    h, c = np.zeros(n), np.zeros(n)
    outputs = np.zeros((len(xs), n))
    for t in range(xs.shape[0]):
        gates = W @ np.concatenate([xs[t], h])
        i, f, o, g = np.split(gates, 4)
        c = sigmoid(f + 1) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        outputs[t, :] = h
    return np.linalg.norm(outputs)


class GRUCell:
    """A gated recurrent unit with its weights as attributes."""

    def __init__(self, weights):
        self.Wz, self.Wr, self.Wh = weights

    def __call__(self, x, h):
        both = np.hstack((x, h))
        z = sigmoid(self.Wz @ both)
        r = sigmoid(self.Wr @ both)
        candidate = np.tanh(self.Wh @ np.hstack((x, r * h)))
        return (1 - z) * h + z * candidate


@TABLE.add(lambda rng: (0.5 * rng.normal(size=(3, 4, 6)), rng.normal(size=(5, 2))))
def gru_sequence(weights, xs):
    cell = GRUCell(weights)
    h = np.zeros(4)
    for x in xs:
        h = cell(x, h)
    return h.sum() ** 2


@TABLE.add(lambda rng: (rng.normal(size=(12, 3)), rng.integers(0, 3, size=12)), smoothing=0.1)
def cross_entropy_label_smoothing(logits, labels, smoothing=0.0):
    n, k = logits.shape
    target = np.full((n, k), smoothing / k)
    target[np.arange(n), labels] += 1 - smoothing
    log_p = special.log_softmax(logits, axis=1)
    return -(target * log_p).sum() / n


@TABLE.add(lambda rng: (rng.normal(size=20), rng.integers(0, 2, size=20)), gamma=2.0)
def focal_loss(logits, y, gamma):
    p = special.expit(logits)
    pt = np.where(y == 1, p, 1 - p)
    alpha = np.where(y == 1, 0.25, 0.75)
    return np.mean(-alpha * (1 - pt) ** gamma * np.log(np.clip(pt, 1e-7, 1.0)))


@TABLE.add(lambda rng: (rng.normal(size=4), rng.normal(size=(30, 4)), rng.choice([-1, 1], size=30)))
def svm_hinge(w, X, y, C=1.0):
    margins = 1 - y * (X @ w)
    return 0.5 * w @ w + C * np.sum(margins[margins > 0])


@TABLE.add(
    lambda rng: (rng.normal(size=(10, 3)), rng.normal(size=(4, 3)), rng.integers(0, 4, 10)),
    wrt=(0, 1),
)
def multiclass_svm(X, W, y):
    scores = X @ W.T
    correct = scores[np.arange(len(y)), y][:, None]
    margins = np.maximum(0, scores - correct + 1.0)
    margins[np.arange(len(y)), y] = 0
    return margins.sum() / len(y)


@TABLE.add(lambda rng: (rng.normal(size=(3, 6)),), margin=0.5)
def triplet_loss(embeddings, margin=1.0):
    anchor, positive, negative = embeddings
    d_pos = np.linalg.norm(anchor - positive)
    d_neg = np.linalg.norm(anchor - negative)
    return max(d_pos - d_neg + 5 * margin, 0.0)


@TABLE.add(lambda rng: (rng.normal(size=(10, 2)), rng.dirichlet(np.ones(100)).reshape(10, 10)))
def tsne_kl(Y, P):
    P = (P + P.T) / 2
    sum_Y = np.sum(np.square(Y), 1)
    num = -2.0 * np.dot(Y, Y.T)
    num = 1.0 / (1.0 + np.add(np.add(num, sum_Y).T, sum_Y))
    num[range(10), range(10)] = 0.0
    Q = num / np.sum(num)
    Q = np.maximum(Q, 1e-12)
    return np.sum(P * np.log(P / Q))


@TABLE.add(
    lambda rng: (
        0.5 * rng.normal(size=(12, 4)),
        0.5 * rng.normal(size=(12, 4)),
        rng.integers(0, 12, size=(20, 2)),
        rng.integers(0, 12, size=(20, 3)),
    ),
    wrt=(0, 1),
)
def word2vec_negative_sampling(U, V, pairs, negatives):
    loss = 0.0
    for (center, context), negs in zip(pairs, negatives):
        loss -= np.log(sigmoid(U[center] @ V[context]))
        loss -= np.sum(np.log(sigmoid(-V[negs] @ U[center])))
    return loss / len(pairs)


@TABLE.add(
    lambda rng: (
        0.3 * rng.normal(size=(6, 3)),
        0.3 * rng.normal(size=(5, 3)),
        rng.integers(1, 6, size=(6, 5)) * (rng.random((6, 5)) < 0.6),
    ),
    wrt=(0, 1),
)
def matrix_factorisation(P, Q, R):
    rows, cols = np.nonzero(R)
    error = R[rows, cols] - np.sum(P[rows] * Q[cols], axis=1)
    return np.sum(error**2) + 0.1 * (np.linalg.norm(P) ** 2 + np.linalg.norm(Q) ** 2)


@TABLE.add(lambda rng: (rng.normal(size=(15, 4)) * np.array([3.0, 2.0, 1.0, 0.5]),))
def pca_explained_variance(X):
    centred = X - X.mean(axis=0)
    s = np.linalg.svd(centred, compute_uv=False)
    ratio = s**2 / np.sum(s**2)
    return ratio[:2].sum()


@TABLE.add(lambda rng: (np.linalg.qr(rng.normal(size=(5, 2)))[0], rng.normal(size=(20, 5))))
def linear_autoencoder(W, X):
    Z = X @ W
    return np.mean(np.sum((X - Z @ W.T) ** 2, axis=1)) + np.abs(Z).mean()


@TABLE.add(
    lambda rng: (
        {"mu": rng.normal(size=(4, 3)), "logvar": rng.normal(size=(4, 3))},
        rng.normal(size=(4, 5)),
        rng.normal(size=(3, 5)),
    )
)
def vae_elbo(q, x, decoder):
    eps = np.random.default_rng(0).standard_normal(q["mu"].shape)
    z = q["mu"] + np.exp(0.5 * q["logvar"]) * eps
    recon = np.sum((x - z @ decoder) ** 2)
    kl = -0.5 * np.sum(1 + q["logvar"] - q["mu"] ** 2 - np.exp(q["logvar"]))
    return recon + kl


@TABLE.add(lambda rng: (rng.normal(size=(3, 2)), rng.normal(size=(25, 2))))
def kmeans_distortion(centres, points):
    distances = np.linalg.norm(points[:, None] - centres[None], axis=2)
    nearest = distances.argmin(axis=1)
    total = 0.0
    for k in range(len(centres)):
        members = points[nearest == k]
        if len(members):
            total += np.sum((members - centres[k]) ** 2)
    return total


@TABLE.add(lambda rng: (0.3 * rng.normal(size=6), rng.normal(size=(6, 3)), rng.normal(size=(9, 3))))
def rbf_network(weights, centres, X, gamma=0.5):
    Phi = np.exp(-gamma * ((X[:, np.newaxis] - centres) ** 2).sum(-1))
    target = np.sin(X[:, 0])
    return ((Phi @ weights - target) ** 2).mean()


@TABLE.add(
    lambda rng: (rng.normal(size=(6, 6)), rng.normal(size=(6, 4)), rng.normal(size=(4, 2))),
    wrt=(1, 2),
)
def graph_convolution(A, H, W):
    A = (A + A.T > 0.5).astype(float)
    np.fill_diagonal(A, 1.0)
    d = A.sum(axis=1) ** -0.5
    A_hat = d[:, None] * A * d
    return np.sum(np.tanh(A_hat @ H @ W) ** 2)


@TABLE.add(lambda rng: (rng.normal(size=(4, 5)), rng.normal(size=(4, 5))), wrt=(0, 1))
def contrastive_nt_xent(z1, z2, temperature=0.5):
    z = np.concatenate([z1, z2])
    z = z / np.linalg.norm(z, axis=1, keepdims=True)
    sim = z @ z.T / temperature
    n = len(z1)
    loss = 0.0
    for i in range(2 * n):
        j = (i + n) % (2 * n)
        others = np.delete(sim[i], i)
        loss += special.logsumexp(others) - sim[i, j]
    return loss / (2 * n)
