"""LaTeX of the terms of proofs."""

from __future__ import annotations

from typing import Any

import sympy as sp

from bounds.derivations.printing import Printer
from bounds.derivations.symbols import LATEX
from bounds.proofs.closed import Closed

# Radii too long for a line: a proof opens them where a lemma makes them, and names them where it uses them.
_NAMED = {"class_means_radius": r"g\left({5}\right)"}

# By the name of the function, with its arguments where it shows them.
_FORMS = {
    "Enc": "{}({})",
    "Dot": r"\left\langle {}, {}\right\rangle",
    "Norm": r"\left\|{}\right\|",
    "OpNorm": r"\left\|{}\right\|_2",
    "Frobenius": r"\left\|{}\right\|_F",
    "Project": r"\Pi\left({}\right)",
    "Distance": r"\left\|({0}-W_0)A\right\|_F",
    "Energy": r"\left\|A^{{-1}}{1}\right\|^2",
    "Stretch": r"\left\|A^{{-1}}\right\|_2",
    "Ramp": r"\rho_{{{3}}}\left({0}{1}\right)",
    "Near": "{0}",
    "Reach": r"\kappa\left({}\right)",
    "Wrong": r"\mathbb 1\left[{}\text{{ errs on }}{}\right]",
    "Differ": r"\mathbb 1\left[{}({})\ne {}({})\right]",
    "Outside": r"\mathbb 1\left[y\notin\mathrm{{top}}_{{{0}}}\ {1}{2}\right]",
    "Picked": r"\mathrm{{pick}}_{{{1}}}\left({0}\right)",
    "Picks": r"\#\,{}",
    "Missed": r"\mathbb 1\left[\text{{the rule of the shots errs on }}{0}\right]",
    "InCell": r"\left.{1}\right|_{{{0}}}",
    "Episode": r"\mathrm{{episode}}\left({}\right)",
    "Predicted": r"\hat g_{{{}}}\left({}\right)",
    "Correction": r"\left(\mathrm{{err}}-\hat g\right)_{{{}}}\left({}\right)",
    "Cross": r"\left\langle {0}-{2}, {1}-{2}\right\rangle",
    "ClassLimit": r"u\left({}\right)",
    "Remainder": r"\max\left(0, {0}-2{1}{0}(1-{0})\right)",
    "Spread": r"\mathrm{{spread}}\left({}\right)",
    "Least": r"\min_y {}",
    "Gibbs": r"\mathbb P_{{W'\sim {0}}}\left[W'\text{{ errs on }}{2}\right]",
    "Narrow": r"\mathbb P_{{W'\sim {0}}}\left[\text{{margin of }}W'{2}\le\gamma\right]",
    "MeanClassifier": r"L_{{\mathrm{{{0}}}}}\left(\mu_{{{1}}};\ {2}\right)",
    "Quantile": r"q_{{{}}}",
    "Divergence": r"\mathrm{{KL}}\left({}\,\|\,{}\right)",
    "Variance": r"\hat V_{{{}}}\left[{}\right]",
    "Count": r"\#_{{{}}}\left[{}\right]",
    "Bet": r"\textstyle\prod_{{{}}}\left({}\right)",
    "Copies": r"\operatorname{{mean}}_{{{}}}\left({}\right)",
    "Peak": r"\sup\,{}",
    "Largest": r"\max\left\{{{0}:\ {1}<{2}\right\}}",
    "Reached": r"\mathbb 1\left[{}\ge {}\right]",
    "Positive": r"\mathbb 1\left[{}>0\right]",
    "E": r"\mathbb E\left[{}\right]",
    "Fresh": r"\mathbb E_{{x'}}\left[{}\right]",
    "Given": r"\mathbb E\left[{}\mid y\right]",
    "Mean": r"\operatorname{{mean}}_{{{}}}\left[{}\right]",
    "UMean": r"\operatorname{{mean}}_{{{}}}\left[{}\right]",
    "TV": r"\mathrm{{TV}}_{{{}}}",
    "Sup": r"\sup_{{{}}}\left({}\right)",
    "InBall": "{}",
    "Rad": r"\tilde R_{{{}}}\left({};\ {}\right)",
    "Negatives": r"\textstyle\sum^{{{}}}{}",
    "Worst": r"\textstyle\max^{{{}}}{}",
    "Collision": r"\tau_{{{}}}",
    "MeanGap": r"\left(\textstyle\sum_y\hat p_y\left\|\hat\mu_y-\mu_y\right\|^2\right)^{{1/2}}",
    "ClassBias": r"\textstyle\sum_y\hat p_y\left\|{1}\hat\mu_y-e_y\right\|^2",
    "FarthestMean": r"\max_y M_y",
    "ClassExcess": r"\textstyle\sum_y\left(p_y-\hat p_y\right)_+M_y^2",
    "Fewest": r"\min_y n_y",
    "RootFrequencies": r"\textstyle\sum_y\left(\sqrt{{\hat p_y}}+\sqrt{{p_y}}\right)",
}
# What is declared for proofs alone; and the placeholders of lemmas.
_LETTERS = {
    "tried": "p",
    "stake": r"\lambda",
    "copies": r"|\mathcal B|",
    "class": "c",
    "rank": "i",
    "places": "k",
    "prior": r"\pi",
    "metric": "A",
    "share": r"\delta",
    "width": "r",
    "count": "N",
    "size": "n",
    "least": r"\min_y n_y",
    "spread": r"\hat V",
    "kinds": "K",
    "classes": "K",
    "ones": "k",
    "zeros": r"\bar k",
    "few": r"\tau",
    "collided": r"\mathrm{Col}",
    "differing": "D",
    "limit": "u",
    "multiplier": r"\lambda",
    "divergence": r"\mathrm{KL}",
    "quantile": "q",
    "slope": "L",
    "gained": r"\gamma",
    "left": "u",
    "right": "v",
    "variation": r"\mathrm{TV}",
}
_SAMPLES = {"P": r"\bar S", "P2": r"\bar S'"}


class TermPrinter(Printer):
    """The printer of formulas, with the terms of proofs in the notation of the theory."""

    def __init__(self, whole: bool = True) -> None:
        super().__init__()
        self.whole = whole

    def _print_Symbol(self, symbol: sp.Symbol, style: str = "plain") -> str:
        name = symbol.name.rstrip("'")
        found = _LETTERS.get(name) or LATEX.get(name)
        primes = "'" * (len(symbol.name) - len(name))
        return f"{found}{primes}" if found else str(super()._print_Symbol(symbol))

    def _print_Item(self, item: Any) -> str:
        index = f"_{{{item.index}}}" if item.index else ""
        return ("y" if item.view is None else "x" + "'" * item.view) + index

    def _print_Sample(self, sample: Any) -> str:
        name, _, below = sample.name.replace("0", "").partition("_")
        clean = r"^\circ" if sample.hidden else ""
        return f"{_SAMPLES.get(name, name)}{clean}" + (f"_{below}" if below else "")

    def _print_Apply(self, term: sp.Expr) -> str:
        return f"{self._print(term.args[0])}\\,{self._print(term.args[1])}"

    def _print_Hinge(self, term: sp.Expr, exp: Any = None) -> str:
        return str(self._print_Max(sp.Max(0, 1 - term.args[0], evaluate=False), exp))

    def _print_CollisionLimit(self, term: sp.Expr, exp: Any = None) -> str:
        return self._raised(rf"\tau_{'+' if term.args[2] else '-'}", exp)

    def _print_Worst(self, term: sp.Expr, exp: Any = None) -> str:
        return (
            str(self._print(term.args[1]))
            if term.args[0] == 1 and exp is None
            else self._print_Function(term, exp)
        )

    def _print_Function(self, term: Any, exp: Any = None) -> str:
        form = _FORMS.get(type(term).__name__) or (None if self.whole else _NAMED.get(type(term).__name__))
        if isinstance(term, Closed) and form is None:
            text = "w_j" if term.role == "weight" else str(self._print(term.opened))
            return self._raised(rf"\left({text}\right)" if exp is not None else text, exp)
        if form is None:
            return str(super()._print_Function(term, exp))
        return self._raised(form.format(*(self._print(argument) for argument in term.args)), exp)

    def _needs_mul_brackets(self, expr: Any, first: bool = False, last: bool = False) -> bool:
        # sympy knows products by the names Dot and Cross.
        return not isinstance(expr, sp.Function) and bool(super()._needs_mul_brackets(expr, first, last))

    @staticmethod
    def _raised(text: str, exp: Any) -> str:
        return text if exp is None else f"{{{text}}}^{{{exp}}}"

    # sympy has printers of its own for classes of these names.
    _print_Cross = _print_Divergence = _print_Dot = _print_Variance = _print_Function


def latex(term: sp.Basic, whole: bool = True) -> str:
    """LaTeX of a term or relation of a proof; long radii by their names where it need not be whole."""
    return str(TermPrinter(whole).doprint(term))
