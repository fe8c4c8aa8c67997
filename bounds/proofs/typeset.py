"""LaTeX of the terms of proofs."""

from __future__ import annotations

from typing import Any

import sympy as sp
from sympy.printing.latex import LatexPrinter

from bounds.derivations.symbols import LATEX
from bounds.proofs import terms as t
from bounds.proofs.closed import Closed

_LETTERS = {"W": "W", "V": "V", "f": "f"}
_FORMS = {
    t.Enc: "{}({})",
    t.Dot: r"\left\langle {}, {}\right\rangle",
    t.Norm: r"\left\|{}\right\|",
    t.OpNorm: r"\left\|{}\right\|_2",
    t.Frobenius: r"\left\|{}\right\|_F",
    t.Project: r"\Pi\left({}\right)",
    t.Distance: r"\left\|({0}-W_0)A\right\|_F",
    t.Energy: r"\left\|A^{{-1}}{1}\right\|^2",
    t.Stretch: r"\left\|A^{{-1}}\right\|_2",
    t.Ramp: r"\rho_{{{3}}}\left({0}{1}\right)",
    t.Near: "{0}",
    t.Reach: r"\kappa\left({}\right)",
    t.Wrong: r"\mathbb 1\left[{}\text{{ errs on }}{}\right]",
    t.Differ: r"\mathbb 1\left[{}({})\ne {}({})\right]",
    t.Outside: r"\mathbb 1\left[y\notin\mathrm{{top}}_{{{0}}}\ {1}{2}\right]",
    t.Picked: r"\mathrm{{pick}}_{{{1}}}\left({0}\right)",
    t.Picks: r"\#\,{}",
    t.Missed: r"\mathbb 1\left[\text{{the rule of the shots errs on }}{0}\right]",
    t.InCell: r"\left.{1}\right|_{{{0}}}",
    t.Episode: r"\mathrm{{episode}}\left({}\right)",
    t.Predicted: r"\hat g_{{{}}}\left({}\right)",
    t.Correction: r"\left(\mathrm{{err}}-\hat g\right)_{{{}}}\left({}\right)",
    t.Cross: r"\left\langle {0}-{2}, {1}-{2}\right\rangle",
    t.ClassLimit: r"u\left({}\right)",
    t.Remainder: r"\max\left(0, {0}-2{1}{0}(1-{0})\right)",
    t.Spread: r"\mathrm{{spread}}\left({}\right)",
    t.Least: r"\min_y {}",
    t.Gibbs: r"\mathbb P_{{W'\sim {0}}}\left[W'\text{{ errs on }}{2}\right]",
    t.Narrow: r"\mathbb P_{{W'\sim {0}}}\left[\text{{margin of }}W'{2}\le\gamma\right]",
    t.MeanClassifier: r"L_{{\mathrm{{{0}}}}}\left(\mu_{{{1}}};\ {2}\right)",
    t.Quantile: r"q_{{{}}}",
    t.Divergence: r"\mathrm{{KL}}\left({}\,\|\,{}\right)",
    t.Variance: r"\hat V_{{{}}}\left[{}\right]",
    t.Count: r"\#_{{{}}}\left[{}\right]",
    t.Bet: r"\textstyle\prod_{{{}}}\left({}\right)",
    t.Copies: r"\operatorname{{mean}}_{{{}}}\left({}\right)",
    t.Peak: r"\sup\,{}",
    t.Largest: r"\max\left\{{{0}:\ {1}<{2}\right\}}",
    t.Reached: r"\mathbb 1\left[{}\ge {}\right]",
    t.Positive: r"\mathbb 1\left[{}>0\right]",
    t.E: r"\mathbb E\left[{}\right]",
    t.Fresh: r"\mathbb E_{{x'}}\left[{}\right]",
    t.Given: r"\mathbb E\left[{}\mid y\right]",
    t.Mean: r"\operatorname{{mean}}_{{{}}}\left[{}\right]",
    t.UMean: r"\operatorname{{mean}}_{{{}}}\left[{}\right]",
    t.TV: r"\mathrm{{TV}}_{{{}}}",
    t.Sup: r"\sup_{{{}}}\left({}\right)",
    t.InBall: "{}",
    t.Rad: r"\tilde R_{{{}}}\left({};\ {}\right)",
    t.Negatives: r"\textstyle\sum^{{{}}}{}",
}


class TermPrinter(LatexPrinter):  # type: ignore[misc]
    """sympy's printer, with the terms of proofs in the notation of the theory."""

    def _print_Declared(self, symbol: t.Declared) -> str:
        name = symbol.name.rstrip("'")
        return str(LATEX.get(name, name)) + "'" * (len(symbol.name) - len(name))

    def _print_Item(self, item: t.Item) -> str:
        index = f"_{{{item.index}}}" if item.index else ""
        return ("y" if item.view is None else "x" + "'" * item.view) + index

    def _print_Sample(self, sample: t.Sample) -> str:
        whole = "\\bar S" if sample.name == "P" else sample.name.replace("0", "")
        name, _, below = whole.partition("_")
        return name + (r"^\circ" if sample.hidden else "") + (f"_{below}" if below else "")

    def _print_Apply(self, term: t.Apply) -> str:
        return f"{self._print(term.args[0])}\\,{self._print(term.args[1])}"

    def _print_Function(self, term: Any, exp: Any = None) -> str:
        form = _FORMS.get(type(term))
        if isinstance(term, Closed):
            text = "w_j" if term.role == "weight" else str(self._print(term.opened))
            text = rf"\left({text}\right)" if exp is not None else text
        elif form is not None:
            text = form.format(*(self._print(argument) for argument in term.args))
        else:
            return str(super()._print_Function(term, exp))
        return text if exp is None else f"{{{text}}}^{{{exp}}}"

    # sympy has printers of its own for classes of these names.
    _print_Cross = _print_Divergence = _print_Dot = _print_Function


def latex(term: sp.Basic) -> str:
    """LaTeX of a term or relation of a proof."""
    text: str = TermPrinter().doprint(term)
    return text
