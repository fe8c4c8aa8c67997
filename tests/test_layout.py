"""Tests lie as the package does: who reads a file of the package finds its test by the file's name.

The test of `bounds/<folder>/<file>.py` is `tests/<folder>/test_<file>.py`, else the test of its folder,
`tests/<folder>/test_<folder>.py`, else what `ELSEWHERE` says. A lemma has a test of its own; the test of a theorem
names it. What is about several rooms lies at the top: leaks, hostile inputs, edges of numbers, old files.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import bounds
from bounds.theorems import ON_REQUEST, THEOREMS

PACKAGE = Path(bounds.__file__).parent
TESTS = Path(__file__).parent
MODULES = sorted(
    path.relative_to(PACKAGE).with_suffix("")
    for path in PACKAGE.rglob("*.py")
    if path.name not in ("__init__.py", "__main__.py")
)

# Test -> files of the package that it is the test of, where their name does not lead to it.
ELSEWHERE = {
    "test_hostile.py": "arguments errors memory",
    "test_package.py": "rendering version",
    "test_leaks.py": "evaluation/best evidence/distinct evidence/kept_apart evidence/setting report/folders report/ledger",
    "test_metrics.py": "evidence/summary_metric",
    "test_edges_numbers.py": "summaries/weights",
    "cli/test_cli.py": "examples/demo",
    "complexity/test_networks.py": "complexity/layers complexity/neighbourhood complexity/operator_norm "
    "complexity/spectral_net",
    "data/test_situations.py": "data/class_names data/fingerprints evaluation/classes representations/inputs "
    "representations/shared",
    "data/test_formats.py": "data/remote data/webdataset representations/arrays",
    "duels/test_compare.py": "duels/paired evaluation/comparing report/comparison report/tested evaluation/tested",
    "duels/test_files.py": "duels/sheet",
    "duels/test_signs.py": "duels/sequences",
    "encoders/test_one_image.py": "encoders/code_digest",
    "heads/test_predictors.py": "heads/predictor heads/decision heads/saved heads/prediction_file report/deployment",
    "heads/test_ties.py": "heads/losses",
    "information/test_describe.py": "information/measures information/measure information/records "
    "information/information_table information/rows",
    "information/test_embedding_quality.py": "information/coherence information/neural_collapse "
    "information/self_cluster information/vicreg_terms",
    "information/test_entropy.py": "information/bessel information/gaussian information/knn information/mixtures "
    "information/pairwise information/sphere",
    "information/test_normality.py": "information/multiple_testing",
    "information/test_distances.py": "information/pixels",
    "pretraining/test_pretraining.py": "examples/cifar10 examples/digits",
    "proofs/lemmas/test_class_means.py": "derivations/inequalities",
    "derivations/lemmas/test_lemmas.py": "derivations/quantities",
    "report/test_html.py": "report/mathml",
    "report/test_planning.py": "report/few_shot report/plans",
    "report/test_report.py": "evaluation/assumptions evaluation/evaluation evaluation/options "
    "evaluation/provenance evaluation/quantities evaluation/theorems evidence/memo",
    "report/test_verdict.py": "report/contradictions",
    "representations/test_extraction.py": "data/prefetch data/preprocessing representations/normalization "
    "representations/table evaluation/loading",
    "representations/test_distributed.py": "processes evidence/distributed representations/together summaries/totals",
    "representations/test_merging.py": "evidence/saved",
    "representations/test_store.py": "representations/resuming",
    "selection/test_select.py": "selection/score",
    "evidence/test_contrastive.py": "evidence/negatives evidence/thinning summaries/collisions summaries/mean_classifier "
    "summaries/spectral",
    "summaries/test_edges_levels.py": "summaries/binomial theorems/axes",
    "summaries/test_episodes.py": "summaries/few_shot_rules",
    "theorems/test_properties.py": "evidence/evidence",
    "theorems/contrastive/test_contrastive.py": "derivations/ash_2022 derivations/bao_2022 derivations/haochen_2021 "
    "derivations/lei_2023 theorems/contrastive_inputs",
    "theorems/contrastive/test_infonce.py": "derivations/infonce",
    "theorems/contrastive/test_simclr.py": "derivations/contrastive",
    "theorems/counting/test_counting.py": "derivations/test_set evidence/outcomes",
    "theorems/counting/test_prediction_powered.py": "derivations/prediction_powered evidence/votes summaries/betting",
    "theorems/counting/test_reference_head.py": "theorems/counting/reference_head_loss evidence/splits evidence/shares",
    "theorems/few_shot/test_few_shot.py": "evaluation/shots",
    "theorems/few_shot/test_luthra.py": "derivations/luthra_2025 derivations/luthra_2026 theorems/few_shot/luthra_2025 "
    "theorems/few_shot/luthra_2026 summaries/class_distances summaries/class_shapes",
    "theorems/invariance/test_agreement.py": "derivations/agreement",
    "theorems/invariance/test_augmentation_gain.py": "derivations/augmentation_gain",
    "theorems/memorisation/test_rrm.py": "derivations/rrm evidence/noisy_fits",
    "theorems/supervised/test_centred_head.py": "derivations/centred_head",
    "theorems/supervised/test_pac_bayes.py": "derivations/pac_bayes evidence/gaussian_heads heads/margins",
    "theorems/supervised/test_pick_to_learn.py": "heads/picked summaries/picks",
    "theorems/supervised/test_supervised.py": "theorems/head_class",
    "theorems/vicreg/test_vicreg.py": "derivations/vicreg evidence/half_invariance",
    "worlds/test_coverage.py": "theorems/repeated",
}
LISTED = {Path(file): TESTS / test for test, named in ELSEWHERE.items() for file in named.split()}


def by_name(module: Path) -> Path | None:
    """The test that a file's name, or the name of its folder, leads to."""
    folder = TESTS / module.parent
    found = (folder / f"test_{name}.py" for name in (module.name, module.parent.name))
    return next((path for path in found if path.exists()), None)


def home_of(module: Path) -> Path | None:
    """The test of a file of the package."""
    return LISTED.get(module) or by_name(module)


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_a_reader_finds_the_test_of_a_file(module: Path) -> None:
    found = home_of(module)
    assert found is not None, f"write tests/{module.parent}/test_{module.name}.py"
    assert found.exists()


def test_the_table_lists_files_that_are_here_and_have_no_test_of_their_own() -> None:
    assert [str(module) for module in LISTED if module not in MODULES] == []
    own = [str(one) for one in LISTED if (TESTS / one.parent / f"test_{one.name}.py").exists()]
    assert own == []
    assert sum(len(named.split()) for named in ELSEWHERE.values()) == len(LISTED)


def test_every_lemma_file_has_a_test_of_its_own() -> None:
    lemmas = [one.name for one in MODULES if one.parent == Path("proofs/lemmas")]
    assert [name for name in lemmas if not (TESTS / f"proofs/lemmas/test_{name}.py").exists()] == []


@pytest.mark.parametrize("name", sorted({*THEOREMS, *ON_REQUEST}))
def test_the_test_of_a_theorem_names_it(name: str) -> None:
    files = [one for one in MODULES if one.parts[0] == "theorems" and len(one.parts) == 3]
    homes = [one for one in files if f'"{name}"' in (PACKAGE / one).with_suffix(".py").read_text("utf-8")]
    texts = [path.read_text("utf-8") for one in homes if (path := home_of(one)) is not None]
    assert any(f'"{name}"' in text for text in texts), homes


def test_folders_of_tests_are_folders_of_the_package() -> None:
    others = {"docs", "paper_figs", "reference", "results", "stubs", "v0_1_0"}
    folders = {
        path.relative_to(TESTS)
        for path in TESTS.rglob("*")
        if path.is_dir() and not {*path.relative_to(TESTS).parts} & {*others, "__pycache__"}
    }
    assert [str(one) for one in folders if not (PACKAGE / one).is_dir()] == []
