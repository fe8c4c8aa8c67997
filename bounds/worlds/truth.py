r"""The true value of what a theorem bounds: its own predictor, on its own axis, over the population.

Which value that is follows from the left-hand side a theorem prints, its `statement`; a new one is added to
`TARGETS`. The numbers are computed by other means than the bounds use, from all inputs of a world.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from itertools import combinations_with_replacement

import numpy as np
import torch
from torch import Tensor

from bounds.errors import NotApplicable
from bounds.evidence.gaussian_heads import candidates
from bounds.evidence.memo import memo
from bounds.heads.decision import score_gap
from bounds.heads.fitted import FittedHead
from bounds.heads.simplex import project_simplex
from bounds.summaries.decision import decide, named
from bounds.summaries.episodes import share_of_errors
from bounds.theorems import Theorem
from bounds.theorems.bound import Inputs
from bounds.theorems.few_shot.few_shot import STATEMENT as FEW_SHOT_ERROR
from bounds.theorems.few_shot.few_shot import asked
from bounds.worlds.world import Sample

Target = Callable[[Inputs, Sample], float]

_MULTISETS = 1000
_BATCHES = 20_000  # whose mean stands for an expected contrastive loss, the one value that is no short sum


def mean_loss(head: FittedHead, sample: Sample) -> float:
    """E‖W f − y‖."""
    return sample.mean(_residual(head(sample.z), sample.labels))


def root_mean_square(head: FittedHead, sample: Sample) -> float:
    """√E‖W f − y‖²."""
    return math.sqrt(sample.mean(_residual(head(sample.z), sample.labels).square()))


def projected_loss(head: FittedHead, sample: Sample) -> float:
    """E‖Π(W f) − y‖."""
    return sample.mean(_residual(project_simplex(head(sample.z)), sample.labels))


def error(head: FittedHead, sample: Sample) -> float:
    """P(the largest score is not strictly that of the class)."""
    return sample.mean((decide(head(sample.z)) != sample.labels).double())


def class_errors(head: FittedHead, sample: Sample) -> Tensor:
    """The same given each class that exists, (classes,)."""
    wrong = (decide(head(sample.z)) != sample.labels).double()
    chosen = torch.nn.functional.one_hot(sample.labels).double() * sample.weights[:, None]
    prior = chosen.sum(0)
    return (wrong @ chosen)[prior > 0] / prior[prior > 0]


def worst_class_error(head: FittedHead, sample: Sample) -> float:
    """max_y P(error | y)."""
    return float(class_errors(head, sample).max())


def balanced_error(head: FittedHead, sample: Sample) -> float:
    """Mean over classes of P(error | y)."""
    return float(class_errors(head, sample).mean())


def top_error(found: Inputs, sample: Sample) -> float:
    """P(the class is not among those with the `top` largest scores, ties counted against)."""
    sets = named(_head(found)(sample.z), found.decision.top)
    return sample.mean((sets != sample.labels[:, None]).all(1).double())


def answered_error(found: Inputs, sample: Sample) -> float:
    """P(error | the gap of the two largest scores exceeds the threshold)."""
    scores, threshold = _head(found)(sample.z), found.decision.threshold
    answered = score_gap(scores) > (-math.inf if threshold is None else threshold)
    wrong = decide(scores) != sample.labels
    return sample.mean((wrong & answered).double()) / sample.mean(answered.double())


def _head(found: Inputs) -> FittedHead:
    if found.head is None:
        raise NotApplicable("names no head, so its true loss is not known.")
    return found.head


def _residual(scores: Tensor, labels: Tensor) -> Tensor:
    target = torch.nn.functional.one_hot(labels, scores.shape[1])
    norms: Tensor = torch.linalg.vector_norm(scores - target, dim=1)
    return norms


def _of_head(measure: Callable[[FittedHead, Sample], float], found: Inputs, sample: Sample) -> float:
    head = _head(found)
    # The head is kept with the number, so that no other one takes its place in memory, and its key.
    return memo(sample.evidence, (measure, id(head)), lambda: (head, measure(head, sample)))[1]


def gibbs_error(found: Inputs, sample: Sample) -> float:
    """P(arg max W′f ≠ y) over W′ ~ N(W, σ²·I ⊗ A⁻²) and the population, by quadrature in one dimension."""
    chosen = [
        one
        for one in candidates(sample.evidence)
        if (one.sigma, one.distance, one.count)
        == (found.values["sigma"], found.values["head_shift"], found.values["n_Q"])
    ]
    head = chosen[0]
    scores = sample.evidence.head(sample.z)
    spread = head.sigma * head.metric.spread(sample.z)
    margins = (scores.gather(1, sample.labels[:, None]) - scores) / spread[:, None].clamp_min(1e-300)
    margins.scatter_(1, sample.labels[:, None], torch.inf)
    correct = torch.zeros_like(spread)
    nodes = torch.linspace(-8.0, 8.0, 41, dtype=torch.float64)
    for t in nodes.tolist():
        density = math.exp(-t * t / 2) * float(nodes[1] - nodes[0]) / math.sqrt(2 * math.pi)
        correct += density * (0.5 + 0.5 * torch.erf((margins + t) / math.sqrt(2))).prod(1)
    return sample.mean(1 - correct)


def _mean_scores(sample: Sample) -> tuple[Tensor, Tensor]:
    """f(x)ᵀμ_c (M, K) with the true class means, and the prior (K,)."""

    def make() -> tuple[Tensor, Tensor]:
        chosen = torch.nn.functional.one_hot(sample.labels).double() * sample.weights[:, None]
        prior = chosen.sum(0)
        return sample.z @ (chosen.T @ sample.z / prior[:, None]).T, prior

    return memo(sample.evidence, _mean_scores, make)


def mean_classifier_loss(found: Inputs, sample: Sample) -> float:
    """E ℓ(s²f(x)ᵀ(μ_y − μ_{c_1}), …, s²f(x)ᵀ(μ_y − μ_{c_k})) over c_j ~ p i.i.d. given that none is y.

    ℓ, named by the axis, is (1 − min v)₊ or log₂(1 + Σe^{−v}). The sum is over all multisets of k classes.
    """
    if found.axis is None:
        raise NotApplicable("names no loss.")
    k = round(found.values["negatives"])
    scores, prior = _mean_scores(sample)
    if math.comb(len(prior) + k - 1, k) > _MULTISETS:
        raise NotApplicable("has too many tasks to go through them all.")
    margins = found.values["scale"] ** 2 * (scores.gather(1, sample.labels[:, None]) - scores)
    total, weight = 0.0, 0.0
    for chosen in combinations_with_replacement(range(len(prior)), k):
        orders = math.factorial(k) // math.prod(math.factorial(chosen.count(c)) for c in set(chosen))
        none_is_y = torch.isin(sample.labels, torch.tensor(chosen), invert=True)
        share = orders * float(prior[list(chosen)].prod())
        v = margins[:, list(chosen)]
        losses = (
            (1 - v).amax(1).clamp_min(0)
            if "hinge" in found.axis.name
            else torch.nn.functional.pad(-v, (1, 0)).logsumexp(1) / math.log(2)
        )
        total += share * sample.mean(torch.where(none_is_y, losses, 0.0))
        weight += share * sample.mean(none_is_y.double())
    return total / weight


def mean_softmax_loss(found: Inputs, sample: Sample) -> float:
    """E −ln softmax(f(x)ᵀμ_c/t)_y."""
    temperature = found.values["temperature"]

    def make() -> float:
        scores = _mean_scores(sample)[0] / temperature
        return sample.mean(scores.logsumexp(1) - scores.gather(1, sample.labels[:, None]).squeeze(1))

    return memo(sample.evidence, (mean_softmax_loss, temperature), make)


def scaled_means_root_square(found: Inputs, sample: Sample) -> float:
    """√E‖α[μ_1 .. μ_K]ᵀf − y‖²."""
    scores = found.values["head_scale"] * _mean_scores(sample)[0]
    return math.sqrt(sample.mean(_residual(scores, sample.labels).square()))


def infonce_loss(found: Inputs, sample: Sample) -> float:
    """E ln(1 + Σ_j e^{f(x⁺)ᵀ(f(x_j⁺) − f(x⁺⁺))/t}) over 20,000 batches drawn with a seed of their own."""
    k, temperature = round(found.values["negatives"]), found.values["temperature"]
    if (k, temperature) not in sample.kept:
        first, second = sample.fresh_pairs(_BATCHES * (k + 1))
        z = sample.z[torch.from_numpy(first)].reshape(_BATCHES, k + 1, -1)
        anchor, positive = z[:, 0], sample.z[torch.from_numpy(second[:: k + 1])]
        margins = torch.einsum("nd,nkd->nk", anchor, z[:, 1:]) - (anchor * positive).sum(1, keepdim=True)
        terms = torch.nn.functional.pad(margins / temperature, (1, 0))
        sample.kept[k, temperature] = float(terms.logsumexp(1).mean())
    return sample.kept[k, temperature]


def few_shot_error(found: Inputs, sample: Sample) -> float:
    """The few-shot error that was asked for, over 20,000 episodes of the population drawn with a seed of their own."""
    option, prior = asked(sample.evidence), sample.evidence.setting.prior
    classes, shots = sample.evidence.setting.num_classes, option.shots[0]
    if ("few shot", option) not in sample.kept:
        rng, index = np.random.default_rng(0), []
        for y in range(classes):
            own = np.flatnonzero(sample.labels.numpy() == y)
            chances = sample.weights.numpy()[own]
            index.append(rng.choice(own, (_BATCHES, shots + 1), p=chances / chances.sum()))
        episodes = np.stack(index, axis=1)
        if isinstance(option.ways, int):
            keys = rng.random((_BATCHES, classes))
            episodes = np.take_along_axis(episodes, keys.argsort(1)[:, : option.ways, None], axis=1)
        rows = option.rule.prepare(sample.z)
        weights = prior if option.ways == "all" else None
        shares = share_of_errors(option.rule, rows, torch.from_numpy(episodes), option.ways, weights)
        sample.kept["few shot", option] = float(shares.mean())
    return sample.kept["few shot", option]


def _image_mean(values: Tensor, sample: Sample) -> tuple[Tensor, Tensor]:
    """Mean of values (M, K) over the views of each image, (I, K), and the weight of each image (I,)."""
    weight = torch.zeros(int(sample.images.max()) + 1, dtype=torch.float64).index_add_(
        0, sample.images, sample.weights
    )
    total = torch.zeros(len(weight), values.shape[1], dtype=torch.float64)
    total.index_add_(0, sample.images, sample.weights[:, None] * values)
    return total / weight[:, None].clamp_min(1e-300), weight


def averaging_gain(head: FittedHead, sample: Sample) -> float:
    """E‖g(x) − e_y‖² − E‖ḡ(u) − e_y‖², g = Π(W f), ḡ its average over the views of an image u."""
    g = project_simplex(head(sample.z))
    averaged = _image_mean(g, sample)[0][sample.images]
    squares = (_residual(one, sample.labels).square() for one in (g, averaged))
    return float(sample.weights @ (next(squares) - next(squares)))


def squared_projected_loss(head: FittedHead, sample: Sample) -> float:
    """E‖g(x) − e_y‖²."""
    return sample.mean(_residual(project_simplex(head(sample.z)), sample.labels).square())


# The left-hand side of a theorem -> its true value.
TARGETS: dict[str, Target] = {
    FEW_SHOT_ERROR: few_shot_error,
    r"\mathbb{E}\|W_S f(x) - y\|": partial(_of_head, mean_loss),
    r"\sqrt{\mathbb{E}\|W f(x) - y\|^2}": partial(_of_head, root_mean_square),
    r"\sqrt{\mathbb{E}\|W f(x) + b - y\|^2}": partial(_of_head, root_mean_square),
    r"\mathbb{E}\|\Pi(W_S f(x)) - y\|": partial(_of_head, projected_loss),
    r"\mathbb{P}(\arg\max W_S f(x) \ne y)": partial(_of_head, error),
    r"\mathbb{P}(\arg\max W f(x) \ne y)": partial(_of_head, error),
    r"\mathbb{E}_{W'\sim N(W_S,\sigma^2A^{-2})}\,\mathbb{P}(\arg\max W' f(x) \ne y)": gibbs_error,
    r"\mathbb{E}\|g(x)-e_y\|^2-\mathbb{E}\|\bar g(u)-e_y\|^2": partial(_of_head, averaging_gain),
    r"\mathbb{E}\|g(x)-e_y\|^2": partial(_of_head, squared_projected_loss),
    r"\max_y\mathbb{P}(\arg\max W_S f(x) \ne y \mid y)": partial(_of_head, worst_class_error),
    r"\tfrac1K\sum_y\mathbb{P}(\arg\max W_S f(x) \ne y \mid y)": partial(_of_head, balanced_error),
    r"\mathbb{P}(y \notin \mathrm{top}_k W_S f(x))": top_error,
    r"\mathbb{P}(\arg\max W_S f(x) \ne y \mid s(f(x)) > t)": answered_error,
    r"L_{sup}^{\mu}(s f)": mean_classifier_loss,
    r"L_{softmax}^{\mu}(f)": mean_softmax_loss,
    r"L_{nce}(f)": infonce_loss,
    r"\sqrt{\mathbb{E}\|\alpha[\mu_1 \dots \mu_K]^{\top} f(x) - y\|^2}": scaled_means_root_square,
}


def target(theorem: Theorem) -> Target:
    """How to compute what `theorem` bounds.

    Raises:
        NotApplicable: for a left-hand side that is not in `TARGETS`.
    """
    if theorem.statement not in TARGETS:
        raise NotApplicable(
            f"`{theorem.name}` bounds {theorem.statement}, whose true value is not known here."
        )
    return TARGETS[theorem.statement]
