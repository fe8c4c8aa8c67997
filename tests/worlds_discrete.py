"""A world of finitely many points, where the truth of every head is a finite sum."""

import numpy as np
import torch
from scipy.stats import binomtest

from bounds.assumptions.assumption import TITLES, Assumption
from bounds.assumptions.declaration import Declared
from bounds.evidence.evidence import Evidence
from bounds.evidence.setting import Setting
from bounds.heads.simplex import project_simplex
from bounds.representations.table import Representations
from bounds.summaries.decision import decide


class World:
    """K classes, each a distribution over the same unit vectors, so that classes overlap and every head errs."""

    def __init__(self, K=3, d=4, points=24, sharpness=4.0, seed=0, prior=None):
        rng = np.random.default_rng(seed)
        z = rng.normal(size=(points, d))
        self.z = z / np.linalg.norm(z, axis=1, keepdims=True)
        logits = sharpness * self.z @ rng.normal(size=(d, K))
        given_class = np.exp(logits - logits.max(0))
        self.given_class = (given_class / given_class.sum(0)).T
        self.prior = np.full(K, 1 / K) if prior is None else np.asarray(prior)
        self.K, self.d = K, d

    def labels(self, rng, n):
        return rng.choice(self.K, size=n, p=self.prior)

    def points(self, rng, labels):
        cumulative = self.given_class.cumsum(1)[labels]
        return (rng.uniform(size=(len(labels), 1)) < cumulative).argmax(1)

    def evidence(self, seed, n, m, n_test=None, *, augmented=False, known_prior=False, **setting):
        """S, class pairs (or two noisy views of one point each), test items."""
        rng = np.random.default_rng(seed)
        y, yp = self.labels(rng, n), self.labels(rng, m)
        a = self.points(rng, yp)
        b = a if augmented else self.points(rng, yp)
        prior = torch.tensor(self.prior) if known_prior else None
        assumptions = {name: Assumption(name, "holds", "by construction") for name in TITLES}
        test = None
        if n_test:
            yt = self.labels(rng, n_test)
            test = Representations((self.z[self.points(rng, yt)],), yt)
        return Evidence(
            Setting(
                self.K,
                1.0,
                2.0,
                assumptions,
                prior=prior,
                seed=seed,
                **{"declared": Declared(repeats="keep"), **setting},
            ),
            Representations((self.z[self.points(rng, y)],), y),
            Representations((self.z[a], self.z[b]), yp),
            test,
        )

    def joint(self):
        return torch.tensor(self.prior[:, None] * self.given_class)

    def error(self, head):
        wrong = decide(head(torch.tensor(self.z)))[None, :] != torch.arange(self.K)[:, None]
        return float((self.joint() * wrong).sum())

    def loss(self, head, projected=True):
        u = head(torch.tensor(self.z))
        u = project_simplex(u) if projected else u
        distance = torch.linalg.vector_norm(u[None] - torch.eye(self.K, dtype=u.dtype)[:, None], dim=2)
        return float((self.joint() * distance).sum())


def head_of(evidence, bound):
    """The head a bound speaks about."""
    return next(head for head in evidence.known_heads() if head.name == bound.head)


def assert_covers(truths_above, trials, delta):
    """No more violations than δ allows, by a one-sided binomial test that errs one time in a thousand."""
    assert binomtest(truths_above, trials, delta, alternative="greater").pvalue > 1e-3, (truths_above, trials)
