"""The same numbers by other libraries, each skipped with a reason where it is not installed; prints the worst difference."""

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.covariance import empirical_covariance, ledoit_wolf_shrinkage, oas

from bounds.information import adjust, covariance
from bounds.information.gaussian import ledoit_wolf_weight, shrunk
from bounds.information.sphere import VonMisesFisher
from bounds.summaries.limits import clopper_pearson_lower, clopper_pearson_upper


def agree(name, ours, theirs, tolerance):
    ours, theirs = np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float)
    worst = float(np.max(np.abs(ours - theirs) / np.maximum(np.abs(theirs), 1e-12)))
    print(f"{name}: worst relative difference {worst:.1e}")
    assert worst <= tolerance


def sample(n=80, d=5):
    return torch.randn(n, d, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def test_proportions_by_statsmodels():
    proportion = pytest.importorskip("statsmodels.stats.proportion", reason="statsmodels is not installed")
    pairs = [(k, n) for n in (1, 7, 100, 5000) for k in {0, 1, n // 3, n}]
    theirs = [proportion.proportion_confint(k, n, 0.1, method="beta") for k, n in pairs]
    ours = [(clopper_pearson_lower(k, n, 0.05), clopper_pearson_upper(k, n, 0.05)) for k, n in pairs]
    agree("statsmodels proportion_confint", ours, theirs, 1e-10)


def test_multiple_tests_by_statsmodels():
    multitest = pytest.importorskip("statsmodels.stats.multitest", reason="statsmodels is not installed")
    p = np.random.default_rng(0).uniform(size=30) ** 2
    for ours, theirs in (("holm", "holm"), ("benjamini-hochberg", "fdr_bh")):
        agree(
            f"statsmodels {theirs}",
            adjust(torch.from_numpy(p), ours),
            multitest.multipletests(p, method=theirs)[1],
            1e-12,
        )


def test_binomial_limits_by_scipy():
    pairs = [(k, n) for n in (2, 50, 1000) for k in range(1, n, max(1, n // 7))]
    theirs = [stats.binomtest(k, n, alternative="less").proportion_ci(0.95).high for k, n in pairs]
    agree("scipy binomtest", [clopper_pearson_upper(k, n, 0.05) for k, n in pairs], theirs, 1e-9)


@pytest.mark.parametrize("d", [2, 3, 10, 60])
def test_von_mises_fisher_by_scipy(d):
    direction = torch.eye(d, dtype=torch.float64)[0]
    rows = torch.nn.functional.normalize(sample(20, d))
    for kappa in (0.5, 10.0, 300.0):
        ours, theirs = VonMisesFisher(direction, kappa, 1), stats.vonmises_fisher(direction.numpy(), kappa)
        agree("scipy vonmises_fisher density", ours.log_prob(rows), theirs.logpdf(rows.numpy()), 1e-8)
        agree("scipy vonmises_fisher entropy", ours.entropy().value, theirs.entropy(), 1e-8)


def test_covariances_by_scikit_learn():
    x = sample()
    summary = covariance(x)
    agree("scikit-learn covariance", summary.matrix(unbiased=False), empirical_covariance(x.numpy()), 1e-9)
    agree("scikit-learn OAS", shrunk(summary, "oas"), oas(x.numpy())[0], 1e-9)
    agree("scikit-learn Ledoit-Wolf", ledoit_wolf_weight(summary, x), ledoit_wolf_shrinkage(x.numpy()), 1e-9)


def test_the_nearest_neighbour_entropy_by_infomeasure():
    infomeasure = pytest.importorskip("infomeasure", reason="infomeasure is not installed")
    from bounds.information import nearest_neighbour_entropy

    x = sample(200, 2)
    theirs = infomeasure.entropy(x.numpy(), approach="metric", k=3, minkowski_p=2, noise_level=0)
    agree("infomeasure Kozachenko-Leonenko", nearest_neighbour_entropy(x, 3).value, theirs, 0.02)


@pytest.mark.parametrize("temperature", [0.1, 0.5])
def test_the_contrastive_loss_by_lightly(temperature):
    loss = pytest.importorskip(
        "lightly.loss", reason="lightly is not installed (it needs torchvision)", exc_type=ImportError
    )
    from bounds.objectives import NTXent

    a, b = sample(16, 8).split(8)
    agree("lightly NTXentLoss", NTXent(temperature)(a, b), loss.NTXentLoss(temperature)(a, b), 1e-6)
