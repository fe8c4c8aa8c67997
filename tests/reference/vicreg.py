"""Naive twin of the VICReg family: plain numpy, full SVD, n x n projectors and loops, from the paper's algebra."""

import itertools
import math

import numpy as np


def l2(z, radius=1.0):
    return np.array([radius * row / np.linalg.norm(row) if np.linalg.norm(row) > 0 else row for row in z])


def one_hot(y, K):
    return np.array([[1.0 if k == label else 0.0 for k in range(K)] for label in y])


def pinv(z):
    u, s, vt = np.linalg.svd(z, full_matrices=False)
    keep = s > max(1e-12, max(z.shape) * np.finfo(float).eps) * s[0]
    return vt[keep].T @ np.diag(1 / s[keep]) @ u[:, keep].T


def min_norm(z, Y):
    return (pinv(z) @ Y).T


def projected_residual_norm(z, Y):
    """||P_Z Y||_F with the projector formed, as nobody should at scale."""
    return np.linalg.norm((np.eye(len(z)) - z @ pinv(z)) @ Y)


def simplex(u):
    """Projection on the simplex by trying every support size."""
    best = None
    for size in range(1, len(u) + 1):
        top = sorted(u, reverse=True)[:size]
        theta = (sum(top) - 1) / size
        candidate = np.maximum(u - theta, 0)
        if abs(candidate.sum() - 1) < 1e-9:
            distance = np.linalg.norm(candidate - u)
            if best is None or distance < best[0]:
                best = (distance, candidate)
    return best[1]


def spectral(w):
    return np.linalg.svd(w, compute_uv=False)[0]


def grid(norm):
    for j in itertools.count(-20):
        if 2.0**j >= norm:
            return 2.0**j, 1 / ((math.pi**2 / 3 - 1) * (abs(j) + 1) ** 2)


def kl(q, p):
    out = 0.0
    if q > 0:
        out += q * math.log(q / p)
    if q < 1:
        out += (1 - q) * math.log((1 - q) / (1 - p))
    return out


def kl_up(q, budget):
    """sup{p: kl(q||p) <= budget} by scipy's root finder."""
    from scipy.optimize import brentq

    if q >= 1:
        return 1.0
    if q == 0:
        return 1 - math.exp(-budget)
    top = 1 - 1e-16
    return brentq(lambda p: kl(q, p) - budget, q, top, xtol=1e-15) if kl(q, top) > budget else 1.0


def kl_up_first(p, budget):
    from scipy.optimize import brentq

    if p >= 1 or math.log(1 / p) <= budget:
        return 1.0
    return brentq(lambda a: kl(a, p) - budget, p, 1 - 1e-15, xtol=1e-15)


class Twin:
    """All quantities and bounds for l2-normalised data, unknown prior, min-norm heads."""

    def __init__(self, x, y, x1, x2, yp, K, delta, B=1.0, tau=2.0):
        z, a, b = l2(x.astype(float), B), l2(x1.astype(float), B), l2(x2.astype(float), B)
        Y, Yp = one_hot(y, K), one_hot(yp, K)
        n, m = len(z), len(a)
        W, V = min_norm(z, Y), min_norm(a, Yp)
        self.z, self.W, self.V, self.K, self.n, self.m = z, W, V, K, n, m
        c = spectral(W - V)
        invariance = np.mean([np.linalg.norm(p - q) for p, q in zip(a, b)])
        py, pyp = projected_residual_norm(z, Y), projected_residual_norm(a, Yp)
        kS, kR = 1 + spectral(W) * B, 1 + spectral(V) * B
        beta, weight = grid(np.linalg.norm(V))
        kappa = 1 + beta * B
        phat = np.array([np.mean(np.array(y) == k) for k in range(K)])
        root = sum(math.sqrt(p) for p in phat) + math.sqrt(K)
        self.quantities = {
            "c": c,
            "W_S_norm": spectral(W),
            "W_S_frobenius": np.linalg.norm(W),
            "invariance": invariance,
            "PY_S": py,
            "PY_S_bar": pyp,
            "rank_S": np.linalg.matrix_rank(z, tol=1e-10 * np.linalg.norm(z, 2)),
        }

        def vicreg(d, w):
            return {
                "invariance": c * invariance,
                "unlabeled_residual": 2 / math.sqrt(m) * pyp,
                "labeled_residual": py / math.sqrt(n),
                "representation_complexity": 0.0,
                "head_complexity": 4 / math.sqrt(m) * math.sqrt(2) * beta * math.sqrt(K) * B,
                "class_frequencies": kS * math.sqrt(2 * math.log(6 * K / d) / (2 * n)) * root,
                "confidence": c
                * tau
                * (math.sqrt(math.log(3 / d) / (2 * m)) + math.sqrt(math.log(3 / d) / (2 * n)))
                + 2 * kappa * math.sqrt(math.log(4 / (d * w)) / (2 * m))
                + 2 * kR * math.sqrt(math.log(4 / d) / (2 * n)),
            }

        self.vicreg = vicreg(delta, 1.0)
        self.vicreg_counted = vicreg(0.75 * delta, weight)
        mean_S = np.mean([np.linalg.norm(W @ zi - yi) for zi, yi in zip(z, Y)])
        mean_P = np.mean([np.linalg.norm(V @ zi - yi) for zi, yi in zip(a, Yp)])
        d5 = delta / 5
        tv5 = (
            math.sqrt((math.log(2**K - 2) + math.log(1 / d5)) / (2 * n))
            if K < 1000
            else math.sqrt((K * math.log(2) + math.log(1 / d5)) / (2 * n))
        )
        self.certified = {
            "invariance": c * invariance,
            "unlabeled_residual": 2 * mean_P,
            "labeled_residual": mean_S,
            "representation_complexity": 0.0,
            "head_complexity": 4 * math.sqrt(2) * beta * math.sqrt(K) * B / math.sqrt(m),
            "class_frequencies": kS * tv5,
            "confidence": c
            * tau
            * (math.sqrt(math.log(1 / d5) / (2 * m)) + math.sqrt(math.log(1 / d5) / (2 * n)))
            + 2 * kappa * math.sqrt(math.log(1 / (d5 * weight)) / (2 * m))
            + 2 * kR * math.sqrt(math.log(1 / d5) / (2 * n)),
        }
        d3 = delta / 3
        w2 = spectral(W)
        tv3 = math.sqrt(
            (math.log(2**K - 2) if K < 1000 else K * math.log(2)) / (2 * n) + math.log(1 / d3) / (2 * n)
        )
        hoeff3 = tau * math.sqrt(math.log(1 / d3) / 2) * (1 / math.sqrt(m) + 1 / math.sqrt(n))
        self.direct = {
            "invariance": w2 * invariance,
            "labeled_residual": mean_S,
            "representation_complexity": 0.0,
            "class_frequencies": kS * tv3,
            "confidence": w2 * hoeff3,
        }
        self.trivial = (
            mean_P
            + c * B
            + 2 * math.sqrt(2) * beta * math.sqrt(K) * B / math.sqrt(m)
            + kappa * math.sqrt(math.log(1 / (delta * weight)) / (2 * m))
        )

        # Sharp: six equal shares.
        d6 = delta / 6
        radius = min(
            math.sqrt(((math.log(2**K - 2) if K < 1000 else K * math.log(2)) + math.log(1 / d6)) / 2),
            0.5 * math.sqrt(K - 1) + math.sqrt(math.log(1 / d6) / 2),
        )
        projected = (
            np.mean([np.linalg.norm(simplex(W @ zi) - yi) for zi, yi in zip(z, Y)]) if K < 50 else None
        )
        if projected is not None:
            expected_I = tau * kl_up(invariance / tau, math.log(1 / d6) / m)
            average = tau * kl_up_first(expected_I / tau, math.log(1 / d6) / n)
            second = np.mean([np.linalg.norm(V @ zi - yi) for zi, yi in zip(b, Yp)])
            phi = kR * kl_up(min(1, second / kR), math.log(1 / d6) / m) + kR * radius / math.sqrt(m)
            other = kR * kl_up_first(min(1, phi / kR), math.log(1 / d6) / n)
            on_S = np.mean([np.linalg.norm(V @ zi - yi) for zi, yi in zip(z, Y)])
            self.sharp = projected + c * average + on_S + other + math.sqrt(2) * radius / math.sqrt(n)

        # Second moment, thirds of delta.
        counts = [sum(1 for label in y if label == k) for k in range(K)]
        L = math.log(2 / d3)
        step = tau / math.sqrt(n * min(k for k in counts if k))
        spread, one = math.sqrt(K * min(B**2, tau**2 / 2) / n), math.log(1 / d3)
        pinelis = step * L / 3 + math.sqrt((step * L / 3) ** 2 + 2 * L * spread**2)
        weak = tau**2 / (4 * n) + 2 * step * spread
        klein_rio = spread + 1.5 * step * one + math.sqrt((1.5 * step * one) ** 2 + 2 * weak * one)
        g = min(pinelis, klein_rio)
        bias, reach = 0.0, 0.0
        for k in range(K):
            if not counts[k]:
                reach = max(reach, 1 + w2 * B)
                continue
            mu = np.mean([z[i] for i in range(n) if y[i] == k], axis=0)
            target = np.zeros(K)
            target[k] = 1
            distance = np.linalg.norm(W @ mu - target)
            bias += counts[k] / n * distance**2
            reach = max(reach, min(1 + w2 * B, distance + w2 * g / math.sqrt(counts[k] / n)))
        half = [0.5 * np.linalg.norm(W @ (p - q)) ** 2 for p, q in zip(a, b)]
        mean_half = sum(half) / m
        variance = sum((h - mean_half) ** 2 for h in half) / (m - 1)
        R = 0.5 * w2**2 * tau**2
        self.second_moment = math.sqrt(
            (math.sqrt(bias) + w2 * g) ** 2
            + mean_half
            + math.sqrt(2 * variance * L / m)
            + 7 * R * L / (3 * (m - 1))
            + reach**2 * tv3
        )
