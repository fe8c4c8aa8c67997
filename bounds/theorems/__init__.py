"""One module per bound; a theorem is a pure function of evidence, and this file is their table of contents."""

from collections.abc import Iterable
from typing import Any

from bounds.arguments import checked, instance, several, unknown
from bounds.errors import InvalidOption
from bounds.theorems.bound import Bound, Term, Theorem
from bounds.theorems.contrastive.arora_2019 import ARORA_2019
from bounds.theorems.contrastive.ash_2022 import ASH_2022
from bounds.theorems.contrastive.bao_2022 import BAO_2022, BAO_2022_DEVIATION
from bounds.theorems.contrastive.haochen_2021 import HAOCHEN_2021
from bounds.theorems.contrastive.infonce import INFONCE, INFONCE_SHARP
from bounds.theorems.contrastive.lei_2023 import LEI_2023
from bounds.theorems.contrastive.nozawa_2021 import NOZAWA_2021
from bounds.theorems.contrastive.simclr import SIMCLR, SIMCLR_LOGISTIC
from bounds.theorems.contrastive.van_elst_2024 import VAN_ELST_2024
from bounds.theorems.counting.held_out import HELD_OUT_BOUND
from bounds.theorems.counting.prediction_powered import PREDICTION_POWERED, PREDICTION_POWERED_BETTING
from bounds.theorems.counting.reference_head import REFERENCE_HEAD
from bounds.theorems.counting.reference_head_loss import REFERENCE_HEAD_LOSS
from bounds.theorems.counting.test_set import TEST_SET
from bounds.theorems.counting.test_set_balanced import TEST_SET_BALANCED
from bounds.theorems.counting.test_set_classes import TEST_SET_CLASSES
from bounds.theorems.counting.test_set_loss import TEST_SET_LOSS
from bounds.theorems.counting.test_set_selective import TEST_SET_SELECTIVE
from bounds.theorems.counting.test_set_top_k import TEST_SET_TOP_K
from bounds.theorems.few_shot.few_shot import FEW_SHOT
from bounds.theorems.few_shot.luthra_2025 import LUTHRA_2025
from bounds.theorems.few_shot.luthra_2026 import LUTHRA_2026, LUTHRA_2026_CONDITIONAL, LUTHRA_2026_EXACT
from bounds.theorems.invariance.agreement import AGREEMENT, AGREEMENT_NO_HOLDOUT
from bounds.theorems.invariance.augmentation_gain import (
    AUGMENTATION_ERROR_FLOOR,
    AUGMENTATION_GAIN,
    AUGMENTATION_GAIN_LOWER,
    AUGMENTATION_RISK,
)
from bounds.theorems.memorisation.rrm import RRM, RRM_INFORMATION
from bounds.theorems.supervised.centred_head import CENTRED_HEAD, CENTRED_HEAD_ERROR
from bounds.theorems.supervised.pac_bayes import PAC_BAYES, PAC_BAYES_DETERMINISTIC
from bounds.theorems.supervised.pick_to_learn import PICK_TO_LEARN
from bounds.theorems.supervised.supervised import SUPERVISED
from bounds.theorems.supervised.supervised_projected import SUPERVISED_PROJECTED
from bounds.theorems.vicreg.trivial_reference import TRIVIAL
from bounds.theorems.vicreg.vicreg import VICREG, VICREG_SHORT
from bounds.theorems.vicreg.vicreg_best import BEST
from bounds.theorems.vicreg.vicreg_certified import CERTIFIED
from bounds.theorems.vicreg.vicreg_direct import DIRECT
from bounds.theorems.vicreg.vicreg_second_moment import SECOND_MOMENT, SECOND_MOMENT_RIDGE
from bounds.theorems.vicreg.vicreg_sharp import SHARP

__all__ = ["Bound", "Term", "Theorem", "register", "select", "THEOREMS"]

THEOREMS: dict[str, Theorem] = {
    theorem.name: theorem
    for theorem in (
        VICREG,
        CERTIFIED,
        SHARP,
        DIRECT,
        BEST,
        SECOND_MOMENT,
        SECOND_MOMENT_RIDGE,
        TRIVIAL,
        SIMCLR,
        SIMCLR_LOGISTIC,
        INFONCE,
        INFONCE_SHARP,
        HAOCHEN_2021,
        ARORA_2019,
        NOZAWA_2021,
        ASH_2022,
        BAO_2022,
        BAO_2022_DEVIATION,
        VAN_ELST_2024,
        LEI_2023,
        SUPERVISED,
        SUPERVISED_PROJECTED,
        CENTRED_HEAD,
        CENTRED_HEAD_ERROR,
        PAC_BAYES,
        PAC_BAYES_DETERMINISTIC,
        PICK_TO_LEARN,
        REFERENCE_HEAD,
        REFERENCE_HEAD_LOSS,
        AGREEMENT,
        AGREEMENT_NO_HOLDOUT,
        PREDICTION_POWERED,
        PREDICTION_POWERED_BETTING,
        AUGMENTATION_GAIN,
        AUGMENTATION_GAIN_LOWER,
        AUGMENTATION_RISK,
        AUGMENTATION_ERROR_FLOOR,
        RRM,
        RRM_INFORMATION,
        HELD_OUT_BOUND,
        FEW_SHOT,
        LUTHRA_2026,
        LUTHRA_2026_EXACT,
        LUTHRA_2026_CONDITIONAL,
        LUTHRA_2025,
        TEST_SET,
        TEST_SET_LOSS,
        TEST_SET_CLASSES,
        TEST_SET_BALANCED,
        TEST_SET_TOP_K,
        TEST_SET_SELECTIVE,
    )
}
ON_REQUEST: dict[str, Theorem] = {VICREG_SHORT.name: VICREG_SHORT}


@checked(theorem=instance(Theorem, "a `bounds.Theorem`"))
def register(theorem: Theorem) -> Theorem:
    """Add a theorem of your own to every later report.

    Raises:
        InvalidOption: if the name is taken.

    Example:
        >>> from bounds.theorems import THEOREMS
        >>> text = {"title": "an estimate of mine", "source": "me", "statement": "P(A)", "predictor": "none"}
        >>> theorem = bounds.register(bounds.Theorem(name="mine", kind="estimate", **text))
        >>> "mine" in bounds.catalogue().index
        True
        >>> del THEOREMS["mine"]  # or every later report has it
    """
    if theorem.name in THEOREMS or theorem.name in ON_REQUEST:
        raise InvalidOption(f"A bound named `{theorem.name}` exists already; choose another name.")
    THEOREMS[theorem.name] = theorem
    return theorem


def select(names: str | Iterable[str] | None) -> list[Theorem]:
    """The theorems asked for, in order; all by default.

    Args:
        names: One name or several.

    Raises:
        InvalidOption: for a name that does not exist, an empty list, or a name that is given twice.

    Example:
        >>> from bounds.theorems import select
        >>> [theorem.name for theorem in select(["test_set", "held_out"])]
        ['test_set', 'held_out']
    """
    if names is None:
        return list(THEOREMS.values())
    found: list[Theorem] = several(_theorem, "names of bounds")(
        "bounds", [names] if isinstance(names, str) else names
    )
    return found


def _theorem(argument: str, name: Any) -> Theorem:
    known = {**THEOREMS, **ON_REQUEST}
    if not isinstance(name, str) or name not in known:
        raise unknown(f"`{argument}` names unknown bounds:", name, known)
    return known[name]
