"""Which share of S a bound keeps aside, fixed before the data by what the part is for."""

from __future__ import annotations

from typing import Literal

Purpose = Literal["counting", "siding", "comparing"]

# Shares of S held out from the prior of the bounds that learn one: a grid paid for in δ.
PRIOR_SHARES = (0.1, 0.2, 0.5)


# By a study on real images (`paper_figs/holdout_shares.py`), in which no share of these moves with n.
_SHARES: dict[Purpose, float] = {"counting": 0.5, "siding": 0.6, "comparing": 0.2}


def held_out_share(purpose: Purpose) -> float:
    """Share of the labels to hold out.

    Args:
        purpose: "counting": the held-out labels carry the bound alone (`held_out`, `prediction_powered`).
            "siding": they only say on which side of ½ each class errs (`agreement`).
            "comparing": they certify a reference head, and a head on all of S is compared with it (`reference_head`).
    """
    return _SHARES[purpose]


def held_out_sizes(holdout: float | None, n: int) -> set[int]:
    """Sizes of all held-out parts that some bound may ask for."""
    asked = _SHARES.values() if holdout is None else (holdout,)
    return {round(share * n) for share in (*PRIOR_SHARES, *asked)}
