"""The proof of each bound, for readers."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature

from bounds.arguments import by_hints, checked, data, nearest, unknown
from bounds.derivations.steps import Derivation
from bounds.errors import InvalidOption
from bounds.proofs.conclude import Conclusion
from bounds.proofs.present import presented
from bounds.theorems import THEOREMS


@checked(name=data)
def derive(name: str, **variant: object) -> Derivation:
    """The proof of a bound: named steps, each with a check, ending in the expression the report evaluates.

    Args:
        name: A bound of the report.
        variant: Options of its proof, for instance `prior_known=True`, `conditioned_pairs=True`, or
            `collisions="classes"` (simclr).

    Returns:
        A `Derivation`: `.steps` (each with `.statement`, `.rule`, `.kind`, `.holds`), `.expression` and
        `.latex()`; printing it runs every check.

    Raises:
        InvalidOption: for an unknown name or option.

    Example:
        >>> bounds.derive("vicreg_certified").holds
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
    found = prove(**by_hints(prove, variant))
    return presented(name, found, variant)


def prover(name: str) -> Callable[..., Conclusion]:
    """The function behind `derive`; its parameters are the options of the expression.

    Raises:
        InvalidOption: for an unknown name.
    """
    if not isinstance(name, str):
        raise unknown("The derivation", name, provable())
    theorem = THEOREMS.get(name)
    if theorem is not None and theorem.proof is not None:
        return theorem.proof
    raise unknown("The derivation", name, provable())


def provable() -> list[str]:
    """Every bound with a proof, in the order of the report."""
    return [name for name, theorem in THEOREMS.items() if theorem.proof is not None]
