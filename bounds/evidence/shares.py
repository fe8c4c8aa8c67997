"""Which share of S a bound keeps aside, fixed before the data: a function of n and of what the part is for."""

from __future__ import annotations

from typing import Literal

Purpose = Literal["counting", "comparing"]

# Shares of S held out from the prior of the bounds that learn one: a grid paid for in δ.
PRIOR_SHARES = (0.1, 0.2, 0.5)


def held_out_share(purpose: Purpose, n: int) -> float:
    """Share of n labels to hold out, by a study on real images (`paper_figs/holdout_shares.py`).

    Args:
        purpose: "counting": the held-out labels carry the bound alone (`held_out`, `agreement`, `prediction_powered`).
            "comparing": they certify a reference head, and a head on all of S is compared with it (`reference_head`).
        n: Number of labels.
    """
    if purpose == "comparing":
        return 0.2
    return 0.4 if n <= 1000 else 0.5


def held_out_sizes(holdout: float | None, n: int) -> set[int]:
    """Sizes of all held-out parts that some bound may ask for."""
    asked = (held_out_share("counting", n), held_out_share("comparing", n)) if holdout is None else (holdout,)
    return {round(share * n) for share in (*PRIOR_SHARES, *asked)}
