"""How a bound scales: curves of its expression in n, m, K and δ."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass

import matplotlib
from matplotlib.figure import Figure

from bounds.derivations.expression import Expression
from bounds.errors import BoundsError, NotApplicable
from bounds.report.planning import LABELED, PAIRS, expression_of
from bounds.theorems.bound import Bound

_STEPS = [2.0 ** (k / 2) for k in range(-8, 21)]
_CLASSES = (2, 3, 5, 10, 20, 50, 100, 200, 500, 1000)
_DELTAS = [10.0 ** (k / 4) for k in range(-32, -1)]


def curves(bound: Bound | None) -> bytes | None:
    """An SVG with one panel for each size that the expression contains; None where it contains none."""
    if bound is None:
        return None
    try:
        expression = expression_of(bound)
    except NotApplicable:
        return None
    lines = [(panel, _line(bound, expression, panel)) for panel in _panels(bound)]
    lines = [(panel, line) for panel, line in lines if len(line) > 1]
    if not lines:
        return None
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "bounds", "font.size": 9}):
        figure = Figure(figsize=(2.3 * len(lines), 2.2), layout="constrained")
        for axes, (panel, line) in zip(
            figure.subplots(1, len(lines), sharey=True, squeeze=False)[0], lines, strict=True
        ):
            axes.plot(*zip(*line, strict=True), color="#0072B2")
            axes.plot([panel.now], [bound.value], "o", color="black", markersize=4)
            axes.set(xscale="log", xlabel=panel.label)
            axes.spines[["top", "right"]].set_visible(False)
            if bound.trivial_value is not None:
                axes.axhline(bound.trivial_value, color="#9AA0A6", linestyle=":")
        figure.axes[0].set_ylabel(bound.axis.name)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()


@dataclass(frozen=True)
class _Panel:
    """What an axis shows, where the bound is now, and the symbols at each place of the axis."""

    label: str
    now: float
    places: list[tuple[float, dict[str, float]]]


def _panels(bound: Bound) -> list[_Panel]:
    symbols = bound.symbols
    found = []
    for what, powers in (("labels", LABELED), ("pairs", PAIRS)):
        size = next((one for one, power in powers.items() if power == 1 and one in symbols), None)
        if size is not None:
            places = [
                (
                    symbols[size] * factor,
                    {name: number * factor ** powers.get(name, 0) for name, number in symbols.items()},
                )
                for factor in _STEPS
            ]
            found.append(_Panel(f"{what}, {size.replace('_', ' ')}", symbols[size], places))
    if "K" in symbols:
        sizes = sorted({*_CLASSES, round(symbols["K"])})
        found.append(
            _Panel("classes K", symbols["K"], [(float(K), {**symbols, "K": float(K)}) for K in sizes])
        )
    shares = {name: number / bound.delta for name, number in symbols.items() if name.startswith("delta")}
    if shares:
        places = [
            (delta, {**symbols, **{name: share * delta for name, share in shares.items()}})
            for delta in _DELTAS
        ]
        found.append(_Panel("δ", bound.delta, places))
    return found


def _line(bound: Bound, expression: Expression, panel: _Panel) -> list[tuple[float, float]]:
    """Where the expression has a number."""
    line = []
    for place, symbols in panel.places:
        try:
            number = expression.combined(expression.evaluate(symbols), bound.axis.most)
        except (BoundsError, ValueError, ZeroDivisionError, OverflowError):
            continue
        if math.isfinite(number):
            line.append((place, number))
    return line
