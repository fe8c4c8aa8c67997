"""Naive twins of the contrastive statistics; discrete worlds where every expectation is a finite sum."""

import itertools
import math

import numpy as np


def hinge(margins):
    return max(0.0, 1.0 - min(margins))


def logistic(margins):
    return math.log2(1.0 + sum(math.exp(-v) for v in margins))


def nats(margins):
    return math.log(1.0 + sum(math.exp(-v) for v in margins))


def all_pairs(first, second, loss, scale):
    """Mean of the loss over ordered pairs, one pair at a time."""
    m = len(first)
    values = [
        loss([scale**2 * (float(first[i] @ second[i]) - float(first[i] @ first[j]))])
        for i in range(m)
        for j in range(m)
        if i != j
    ]
    return math.fsum(values) / len(values)


def one_block(first, second, loss, scale):
    """Mean over the anchors of one block of the loss with all others as negatives."""
    k = len(first)
    values = []
    for i in range(k):
        positive = float(first[i] @ second[i])
        values.append(loss([scale**2 * (positive - float(first[i] @ first[j])) for j in range(k) if j != i]))
    return math.fsum(values) / k


class DiscreteWorld:
    """K classes, each uniform over its own few points in the unit ball; nothing here is estimated."""

    def __init__(self, rng, classes=3, points=2, dim=3, prior=None, nonnegative=False):
        z = rng.normal(size=(classes, points, dim)) + 2 * rng.normal(size=(classes, 1, dim))
        z = np.abs(z) if nonnegative else z
        self.z = z / np.linalg.norm(z, axis=2, keepdims=True)
        self.prior = np.full(classes, 1 / classes) if prior is None else np.asarray(prior)
        self.means = self.z.mean(1)
        self.classes, self.points, self.dim = z.shape

    def draw(self, rng, m, labels=None):
        """Pairs whose two views are independent given the class."""
        y = rng.choice(self.classes, size=m, p=self.prior) if labels is None else labels
        return (*(self.z[y, rng.integers(self.points, size=len(y))] for _ in range(2)), y)

    def contrastive(self, loss, k, scale):
        """E ℓ over class, anchor, positive and k negatives, by enumeration."""
        items = [(c, x, self.prior[c] / self.points) for c in range(self.classes) for x in self.z[c]]
        total = 0.0
        for c in range(self.classes):
            for x, positive in itertools.product(self.z[c], self.z[c]):
                weight = self.prior[c] / self.points**2
                for negatives in itertools.product(items, repeat=k):
                    p = weight * math.prod(one[2] for one in negatives)
                    margins = [scale**2 * float(x @ (positive - one[1])) for one in negatives]
                    total += p * loss(margins)
        return total

    def anchors(self):
        """(class, x, weight) of every point."""
        return [(c, x, self.prior[c] / self.points) for c in range(self.classes) for x in self.z[c]]

    def two_class(self, loss, scale):
        """L_sup of the mean classifier: pairs c ≠ c' weighted p_c p_c'/(1 − Σp²)."""
        total = sum(
            weight * self.prior[other] * loss([scale**2 * float(x @ (self.means[c] - self.means[other]))])
            for c, x, weight in self.anchors()
            for other in range(self.classes)
            if other != c
        )
        return total / (1 - sum(self.prior**2))

    def error(self):
        """K-way error of the mean classifier; a tie counts as an error."""
        wrong = 0.0
        for c, x, weight in self.anchors():
            scores = self.means @ x
            wrong += weight * (max(np.delete(scores, c)) >= scores[c])
        return wrong

    def softmax(self, temperature):
        """Cross-entropy of softmax(f(x)ᵀμ_c/t), nats."""
        return sum(
            weight * (np.log(np.exp(self.means @ x / temperature).sum()) - self.means[c] @ x / temperature)
            for c, x, weight in self.anchors()
        )

    def scaled_means_loss(self, alpha):
        """E‖α[μ_1 .. μ_K]ᵀf − y‖²."""
        return sum(
            weight * float(((alpha * self.means @ x - np.eye(self.classes)[c]) ** 2).sum())
            for c, x, weight in self.anchors()
        )
