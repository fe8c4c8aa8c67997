"""Which share of S a bound keeps aside, fixed before the data by what the part is for and by how many labels there are."""

from __future__ import annotations

from typing import Literal

Purpose = Literal["counting", "correcting", "siding", "comparing"]

# Shares of S held out from the prior of the bounds that learn one: a grid paid for in δ.
PRIOR_SHARES = (0.1, 0.2, 0.5)


# By a study on real images (`paper_figs/holdout_shares.py`): from so many labels on, this share of them.
_SHARES: dict[Purpose, tuple[tuple[int, float], ...]] = {
    "counting": ((0, 0.4),),
    "correcting": ((0, 0.6), (150, 0.5)),
    "siding": ((0, 0.65),),
    "comparing": ((0, 0.2), (350, 0.15)),
}


def held_out_share(purpose: Purpose, n: int) -> float:
    """Share of n labels to hold out.

    Args:
        purpose: "counting": the held-out labels carry the bound alone (`held_out`). "correcting": they correct what is
            predicted on unlabeled items (`prediction_powered`). "siding": they only say on which side of ½ each class errs
            (`agreement`). "comparing": they certify a reference head, and a head on all of S is compared with it
            (`reference_head`).
        n: Labels in all.
    """
    return next(share for least, share in reversed(_SHARES[purpose]) if n >= least)


def held_out_sizes(holdout: float | None, n: int) -> set[int]:
    """Sizes of all held-out parts that some bound may ask for."""
    asked = [held_out_share(purpose, n) for purpose in _SHARES] if holdout is None else [holdout]
    return {round(share * n) for share in (*PRIOR_SHARES, *asked)}
