"""Heads against scikit-learn and loops, what they refuse, and which theorems speak about them."""

import numpy as np
import pytest
import torch
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from sklearn.svm import SVC, LinearSVC

import bounds
from bounds.errors import BoundsWarning, InvalidData, InvalidOption, NotApplicable
from bounds.heads import head_kind, logistic, parse_head
from bounds.heads.knn import NeighbourHead
from bounds.heads.labeled_rows import LabeledRows
from bounds.heads.linear import Head
from bounds.heads.logistic import Logistic, fit_logistic
from bounds.representations.normalization import Normalization
from bounds.representations.table import Representations
from bounds.theorems import THEOREMS
from bounds.worlds import WORLDS

pytestmark = pytest.mark.usefixtures("one_thread")


def cloud(seed=0, size=300, dim=6, classes=4, spread=1.0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(classes, size=size)
    means = rng.normal(size=(classes, dim))
    z = means[labels] + spread * rng.normal(size=(size, dim)) * np.arange(1, dim + 1) ** -0.7
    return z / np.linalg.norm(z, axis=1, keepdims=True), labels


def rows_of(z, labels, classes=None, **options):
    return LabeledRows(
        Representations((torch.as_tensor(z),), np.asarray(labels)),
        int(np.max(labels)) + 1 if classes is None else classes,
        **options,
    )


def objective(weight, bias, z, labels, penalty):
    scores = torch.as_tensor(z).double() @ torch.as_tensor(weight).double().T + torch.as_tensor(bias).double()
    loss = torch.nn.functional.cross_entropy(scores, torch.as_tensor(labels))
    return float(loss) + penalty / 2 * float((torch.as_tensor(weight).double() ** 2).sum())


# Logistic regression


@pytest.mark.parametrize("penalty", [1.0, 1e-2, 1e-4, 1e-6])
@pytest.mark.parametrize("spread", [0.2, 1.0])
def test_logistic_reaches_the_optimum_of_scikit_learn(penalty, spread):
    z, labels = cloud(spread=spread)
    theirs = LogisticRegression(C=1 / (len(z) * penalty), tol=1e-10, max_iter=100_000).fit(z, labels)
    best = objective(theirs.coef_, theirs.intercept_, z, labels, penalty)
    fit = fit_logistic(rows_of(z, labels), penalty)
    found = objective(fit.weight, fit.bias, z, labels, penalty)
    assert found <= best * (1 + 1e-6)
    assert fit.objective == pytest.approx(found, rel=1e-6)
    assert fit.converged
    assert 0.5 * fit.gradient**2 < 1e-5 * found


def test_two_classes_make_the_binary_model_of_scikit_learn():
    """Two weight vectors w₀ = −w₁ carry half the penalty of one that is their difference."""
    z, labels = cloud(classes=2)
    theirs = LogisticRegression(C=1 / (len(z) * 1e-3) * 2, tol=1e-10, max_iter=10_000).fit(z, labels)
    head = Logistic(1e-3).fit(rows_of(z, labels))
    assert (head.weight[1] - head.weight[0]).numpy() == pytest.approx(theirs.coef_[0], rel=1e-2, abs=1e-3)


def test_the_penalty_is_the_one_with_the_fewest_errors_on_a_seeded_fifth():
    z, labels = cloud(size=200)
    rows = rows_of(z, labels, seed=5)
    head = Logistic().fit(rows)
    aside, rest = rows.parted(0.2)
    assert aside.count == 40
    assert not set(aside.items) & set(rest.items)
    kept = []
    for penalty in logistic.PENALTIES:
        tried = Logistic(penalty).fit(rest)
        wrong = sum(int((tried(x).argmax(1) != y).sum()) for x, y in aside.chunks())
        kept.append(wrong)
    chosen = float(head.name.split("= ")[1])
    assert (
        kept[logistic.PENALTIES.index(chosen)] <= min(kept) + 1
    )  # candidates are fitted to a coarser tolerance
    assert head.name != Logistic(chosen).fit(rest).name or torch.allclose(
        head.weight, Logistic(chosen).fit(rows).weight, atol=1e-3
    )


def test_the_choice_of_the_penalty_never_sees_held_out_rows():
    evidence = WORLDS["gaussian"]().with_options(head="logistic").sample(np.random.default_rng(0)).evidence
    from bounds.evidence.splits import fitting_head, held_out_count

    count = held_out_count(evidence)
    before = fitting_head(evidence, count)
    changed = evidence.labeled.labels.copy()
    held = evidence.row_ranks < count
    changed[held] = (changed[held] + 1) % 3
    other = Representations(evidence.labeled.views, changed, "labeled")
    again = fitting_head(type(evidence)(evidence.setting, other, evidence.pairs, evidence.test), count)
    assert torch.equal(before.weight, again.weight)
    assert before.name == again.name


def test_rows_that_do_not_stay_in_memory_give_the_same_head(monkeypatch):
    z, labels = cloud()
    kept = Logistic(1e-3).fit(rows_of(z, labels))
    monkeypatch.setattr(logistic, "_KEPT", 10)
    assert torch.allclose(Logistic(1e-3).fit(rows_of(z, labels)).weight, kept.weight, atol=1e-3)


def test_a_fit_that_runs_out_of_passes_says_so(monkeypatch):
    z, labels = cloud()
    monkeypatch.setattr(logistic, "_MOST", 3)
    with pytest.warns(BoundsWarning, match="left to gain"):
        fit = fit_logistic(rows_of(z, labels), 1e-6)
    assert not fit.converged


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e4])
def test_logistic_copes_with_constant_columns_offsets_and_scales(scale):
    z, labels = cloud()
    z = np.concatenate([z * scale, np.full((len(z), 1), 3.0 * scale)], axis=1)
    fit = fit_logistic(rows_of(z, labels), 1e-2)
    trivial = objective(np.zeros((4, 7)), np.log(np.bincount(labels) / len(labels)), z, labels, 1e-2)
    assert objective(fit.weight, fit.bias, z, labels, 1e-2) <= trivial * (1 + 1e-6)


@pytest.mark.parametrize("choice", ["logistic", ("logistic", 1e-2), "nearest_mean", ("knn", 1)])
def test_one_row_one_class_and_absent_classes(choice):
    head = head_kind(choice).fit(rows_of([[1.0, 2.0]], [1], classes=3))
    scores = head(torch.tensor([[1.0, 2.0], [0.5, -1.0]]).double())
    assert scores.shape == (2, 3)
    assert torch.isfinite(scores).all()
    assert scores.argmax(1).tolist() == [1, 1]


@pytest.mark.parametrize("choice", ["logistic", "nearest_mean", ("knn", 5), LinearSVC(), SVC(), GaussianNB()])
def test_classes_without_a_row_are_never_named_on_rows_like_those_seen(choice):
    z, labels = cloud(classes=3)
    head = head_kind(choice).fit(rows_of(z, 2 * labels, classes=6))
    assert set(head(torch.from_numpy(z)).argmax(1).tolist()) <= {0, 2, 4}


# Nearest neighbours and means


@pytest.mark.parametrize("k", [1, 5, 20])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_neighbours_are_those_of_scikit_learn(k, kind):
    z, labels = cloud(size=500, dim=16, classes=7)
    z = z.astype(kind)
    new, _ = cloud(1, size=400, dim=16, classes=7)
    theirs = KNeighborsClassifier(
        k, metric="cosine", algorithm="brute", weights=lambda distance: np.exp((1 - distance) / 0.07)
    ).fit(z.astype(np.float64), labels)
    head = head_kind(("knn", k)).fit(rows_of(z, labels))
    scores = head(torch.from_numpy(new))
    assert np.array_equal(scores.argmax(1).numpy(), theirs.predict(new))
    assert scores.numpy() == pytest.approx(theirs.predict_proba(new), abs=1e-9)


def test_neighbours_that_float32_cannot_tell_apart_are_found_in_float64():
    base = torch.nn.functional.normalize(torch.ones(1, 8).double())
    step = torch.linspace(0, 1e-9, 60).double()[:, None] * torch.eye(8).double()[:1]
    rows = torch.nn.functional.normalize(base - step)
    head = NeighbourHead(rows, torch.arange(60), 3, 60, "near")
    cosines, near = head._nearest(torch.nn.functional.normalize(base + 1e-3 * torch.eye(8).double()[:1]), 3)
    exact = (torch.nn.functional.normalize(base + 1e-3 * torch.eye(8).double()[:1]) @ rows.T)[0]
    assert torch.equal(cosines[0], exact.topk(3).values)
    assert set(near[0].tolist()) == set(exact.topk(3).indices.tolist())


def test_the_nearest_mean_is_scikit_learns_centroid():
    z, labels = cloud()
    head = head_kind("nearest_mean").fit(rows_of(z, labels))
    assert isinstance(head, Head)
    assert np.array_equal(
        head(torch.from_numpy(z)).argmax(1).numpy(), NearestCentroid().fit(z, labels).predict(z)
    )


# Classifiers of scikit-learn, and functions


@pytest.mark.parametrize(
    "estimator",
    [
        LinearSVC(),
        LogisticRegression(),
        RidgeClassifier(),
        LinearDiscriminantAnalysis(),
        SVC(),
        SVC(probability=False, decision_function_shape="ovo"),
        GaussianNB(),
        RandomForestClassifier(20, random_state=0),
        KNeighborsClassifier(3),
        NearestCentroid(),
    ],
    ids=lambda one: type(one).__name__,
)
@pytest.mark.parametrize("classes", [2, 4])
def test_the_largest_score_is_what_the_classifier_predicts(estimator, classes):
    z, labels = cloud(classes=classes, spread=2.0)
    head = head_kind(estimator).fit(rows_of(z, labels))
    from sklearn.base import clone

    theirs = clone(estimator).fit(z, labels)
    assert np.array_equal(head(torch.from_numpy(z)).argmax(1).numpy(), theirs.predict(z))
    linear = isinstance(
        estimator, LinearSVC | LogisticRegression | RidgeClassifier | LinearDiscriminantAnalysis
    )
    assert isinstance(head, Head) == linear


def test_a_classifier_is_fitted_anew_on_each_set_of_rows():
    z, labels = cloud()
    kind = head_kind(GaussianNB().fit(z[:50], labels[:50]))
    first, second = kind.fit(rows_of(z[:100], labels[:100])), kind.fit(rows_of(z[100:], labels[100:]))
    assert not torch.equal(first(torch.from_numpy(z)), second(torch.from_numpy(z)))


def test_a_classifier_that_cannot_be_fitted_is_not_applicable():
    with pytest.raises(NotApplicable, match="LinearSVC"):
        head_kind(LinearSVC()).fit(rows_of([[1.0], [2.0]], [0, 0], classes=2))


@pytest.mark.parametrize(
    "function", [lambda z: z[:, :1], lambda z: torch.full((len(z), 4), torch.nan), lambda z: z.sum(1)]
)
def test_functions_with_wrong_scores_are_refused(function):
    z, labels = cloud()
    with pytest.raises(InvalidData, match="finite scores"):
        head_kind(function).fit(rows_of(z, labels))(torch.from_numpy(z))


# Choices


@pytest.mark.parametrize(
    "choice",
    [
        "no_such",
        "ridge",
        ("ridge",),
        ("ridge", -1),
        ("ridge", 0),
        ("ridge", "a"),
        ("ridge", True),
        ("logistic", 0),
        ("logistic", float("inf")),
        ("logistic", float("nan")),
        ("knn", 0),
        ("knn", 2.5),
        ("min_norm", 1),
        ("nearest_mean", 1),
        ("logistic", 1, 2),
        (),
        None,
        3,
        LinearRegression(),
        LinearSVC,
    ],
    ids=repr,
)
def test_anything_else_is_refused_in_one_sentence(choice):
    with pytest.raises(InvalidOption):
        head_kind(choice)


def test_the_command_line_names_heads():
    assert parse_head("logistic") == "logistic"
    assert parse_head("ridge:1e-3") == ("ridge", 1e-3)
    assert parse_head("knn:20") == ("knn", 20)
    for text in ("knn:2.5", "ridge:", "ridge", "forest", "ridge:-1", "min_norm:2"):
        with pytest.raises(InvalidOption):
            parse_head(text)


# Which theorems speak about which head

ANY = {
    "reference_head",
    "reference_head_loss",
    "agreement",
    "prediction_powered",
    "prediction_powered_betting",
    "augmentation_gain",
    "augmentation_gain_lower",
    "augmentation_error_floor",
    "held_out",
    "test_set",
    "test_set_loss",
    "test_set_classes",
    "test_set_balanced",
    "test_set_top_k",
    "test_set_selective",
}
AFFINE = ANY | {"vicreg_direct", "vicreg_second_moment", "supervised", "supervised_projected"}
GIVEN = {name for name in ANY if name.startswith("test_set")}
LINEAR = AFFINE | {
    "vicreg_certified",
    "vicreg_sharp",
    "vicreg_best",
    "trivial_reference",
    "centred_head",
    "centred_head_error",
    "pac_bayes",
    "pac_bayes_deterministic",
    "agreement_no_holdout",
}
LEAST_SQUARES = LINEAR | {"rrm", "rrm_information"}


KINDS = {
    "min_norm": ("min_norm", LEAST_SQUARES),
    "ridge": (("ridge", 0.1), LEAST_SQUARES),
    "logistic": ("logistic", AFFINE),
    "nearest_mean": ("nearest_mean", AFFINE),
    "linear_svc": (LinearSVC(), AFFINE),
    "linear_svc_at_zero": (LinearSVC(fit_intercept=False), AFFINE),
    "knn": (("knn", 5), ANY),
    "naive_bayes": (GaussianNB(), ANY),
    "given": (lambda z: z[:, :3], GIVEN),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_theorem_speaks_about_its_heads_and_gives_the_reason_for_others(kind):
    choice, expected = KINDS[kind]
    world = WORLDS["gaussian"]().with_options(head=choice, options={"top_k": 1})
    evidence = world.sample(np.random.default_rng(0), 120, 100, 100).evidence
    applicable, reasons = set(), {}
    for name, theorem in THEOREMS.items():
        try:
            theorem.evaluate(evidence, 0.05)
            applicable.add(name)
        except NotApplicable as reason:
            reasons[name] = str(reason)
    assert applicable & LEAST_SQUARES == expected
    assert all("head" in reasons[name] for name in LEAST_SQUARES - applicable)


def test_an_intercept_is_a_coordinate_that_is_one_for_every_item():
    """`supervised` on z with an intercept equals itself on (z, 1) at radius √2 without one."""
    z, labels = cloud()
    plain = bounds.evaluate(
        None,
        (z, labels),
        head="nearest_mean",
        labeled_is_fresh=True,
        bounds=["supervised", "supervised_projected"],
    )
    head = plain.evidence.head
    wide = np.concatenate([z, np.ones((len(z), 1))], axis=1)
    joined = torch.cat([head.weight, head.bias[:, None]], dim=1)
    table = Normalization(None, 2**0.5).apply(Representations((wide,), labels))
    evidence = type(plain.evidence)(plain.evidence.setting, table)
    evidence.__dict__["head"] = Head(joined, None, "joined")
    object.__setattr__(
        evidence, "setting", type(evidence.setting)(**{**vars(evidence.setting), "radius": 2**0.5})
    )
    for name in ("supervised", "supervised_projected"):
        assert THEOREMS[name].evaluate(evidence, 0.05).value == pytest.approx(plain[name].value, rel=1e-9)


@pytest.mark.parametrize("choice", [("logistic", 1e-3), "nearest_mean", ("knn", 5)])
@pytest.mark.parametrize(
    "name", ["held_out", "test_set", "vicreg_second_moment", "supervised_projected", "reference_head"]
)
def test_certificates_of_other_heads_cover_in_a_world_with_known_truth(choice, name):
    if choice == ("knn", 5) and name in ("vicreg_second_moment", "supervised_projected"):
        pytest.skip("speaks about linear heads")
    found = bounds.coverage(
        name, WORLDS["gaussian"]().with_options(head=choice), delta=0.2, trials=8, sizes={"n": 60, "m": 40}
    )
    assert found.trials == 8
    assert found.violations <= 6
