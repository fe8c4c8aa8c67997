"""Worlds made to break rules for copies: a head of known error, and what someone does to the test sample."""

import numpy as np

from bounds.evidence.kept_apart import Apart


def plain(count, leaked=None, **declared):
    """Rows without copies among them."""
    leaked = np.zeros(count, dtype=bool) if leaked is None else leaked
    return Apart(
        np.arange(count), leaked, declared.get("repeats"), declared.get("overlap"), "items", "others"
    )


def apart(component, leaked=None, **declared):
    component = np.unique(component, return_inverse=True)[1]
    leaked = np.zeros(len(component), dtype=bool) if leaked is None else leaked
    return Apart(component, leaked, declared.get("repeats"), declared.get("overlap"), "items", "others")


def naive_by_order(wrong, component):
    """Every repeat dropped, the first row of a component kept: what near copies in front break."""
    first = np.unique(component, return_index=True)[1]
    return int(wrong[first].sum()), len(first)
