"""Every bound's expression, built once, and its proof as a chain of checked steps."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from inspect import signature
from typing import TYPE_CHECKING

from bounds.arguments import by_hints, checked, data, nearest, unknown
from bounds.errors import InvalidOption

if TYPE_CHECKING:
    from bounds.derivations.steps import Derivation

__all__ = ["PROOFS", "derive", "prover"]

# Bound name to the module of `bounds.derivations.proofs` and the function that proves it.
PROOFS = {
    "vicreg": ("vicreg", "proof"),
    "vicreg_certified": ("vicreg_certified", "certified"),
    "vicreg_sharp": ("vicreg_sharp", "proof"),
    "vicreg_direct": ("vicreg_certified", "direct"),
    "vicreg_best": ("vicreg_certified", "best"),
    "vicreg_second_moment": ("vicreg_second_moment", "proof"),
    "vicreg_second_moment_ridge": ("vicreg_second_moment", "ridge"),
    "trivial_reference": ("vicreg_certified", "trivial"),
    "simclr": ("simclr", "proof"),
    "simclr_logistic": ("simclr", "logistic"),
    "infonce": ("infonce", "proof"),
    "infonce_sharp": ("infonce", "sharp"),
    "haochen_2021": ("literature", "haochen"),
    "arora_2019": ("literature", "arora"),
    "nozawa_2021": ("literature", "nozawa"),
    "bao_2022": ("literature", "bao"),
    "van_elst_2024": ("literature", "van_elst"),
    "supervised": ("supervised", "proof"),
    "supervised_projected": ("supervised", "projected"),
    "centred_head": ("centred_head", "loss"),
    "centred_head_error": ("centred_head", "error_rate"),
    "pac_bayes": ("pac_bayes", "randomised"),
    "pac_bayes_deterministic": ("pac_bayes", "deterministic"),
    "agreement": ("agreement", "held_out"),
    "agreement_no_holdout": ("agreement", "no_holdout"),
    "reference_head": ("reference_head", "error_rate"),
    "reference_head_loss": ("reference_head", "loss"),
    "prediction_powered": ("prediction_powered", "proof"),
    "prediction_powered_betting": ("prediction_powered", "betting"),
    "augmentation_gain": ("augmentation_gain", "upper"),
    "augmentation_gain_lower": ("augmentation_gain", "lower"),
    "augmentation_risk": ("augmentation_gain", "risk"),
    "augmentation_error_floor": ("augmentation_gain", "floor"),
    "test_set": ("test_set", "proof"),
    "test_set_loss": ("test_set", "loss"),
    "held_out": ("test_set", "held_out"),
    "test_set_classes": ("test_set", "worst_class"),
    "test_set_balanced": ("test_set", "balanced"),
    "test_set_top_k": ("test_set", "top_k"),
    "test_set_selective": ("test_set", "selective"),
}


@checked(name=data)
def derive(name: str, **variant: object) -> Derivation:
    """The proof of a bound: named steps, each with a check, ending in the expression the report evaluates.

    Args:
        name: A bound of the report.
        variant: Options of its expression, for instance `prior_known=True`, `conditioned_pairs=True`,
            `constants="counted"` (vicreg) or `concentration="klein_rio"` (vicreg_second_moment).

    Returns:
        A `Derivation`: `.steps` (each with `.statement`, `.rule`, `.kind`, `.holds`), `.expression` and
        `.latex()`; printing it runs every check.

    Raises:
        InvalidOption: for an unknown name or option.

    Example:
        >>> derive("vicreg_certified")["labeled items"].holds
        True
    """
    prove = prover(name)
    taken = list(signature(prove).parameters)
    for option in variant:
        if option not in taken:
            raise InvalidOption(
                f"The derivation of `{name}` does not take the options {[option]}; "
                f"it takes {', '.join(taken) or 'none'}{nearest(option, taken) or '.'}"
            )
    return prove(**by_hints(prove, variant))


def prover(name: str) -> Callable[..., Derivation]:
    """The function behind `derive`; its parameters are the options of the expression.

    Raises:
        InvalidOption: for an unknown name.
    """
    if not isinstance(name, str) or name not in PROOFS:
        raise unknown("The derivation", name, PROOFS)
    module, function = PROOFS[name]
    proof: Callable[..., Derivation] = getattr(import_module(f"bounds.derivations.proofs.{module}"), function)
    return proof
