"""Symbols, samples and terms of the tests of the kernel, and numbers for its formulas."""

import sympy as sp

from bounds.derivations.functions import NUMERIC
from bounds.proofs.closed import Closed
from bounds.proofs.terms import Apply, Declared, Enc, Norm, Sample, Wrong, label, view

n, m, k = (Declared(name, "count") for name in ("n", "m", "k"))
d1, d2, d3 = (Declared(f"delta_{i}", "level") for i in (1, 2, 3))
t = Declared("t", "constant")
a, b, c, free = (Declared(name, "other") for name in ("a", "b", "c", "free"))
f = Declared("f", "encoder", ("f",))
W, V = Declared("W", "head", ("S", "f")), Declared("V", "head", ("P", "f"))
S = Sample("S", n, (("f", "A2"), ("P", "A7")))
P = Sample("P", m, (("f", "A3"), ("S", "A7")), paired=True)
FIXED = Sample("P", m, (("f", "A3"), ("S", "A7")), paired=True, fixed=True)
x, x2, y = view(0, 0), view(0, 1), label(0)
z, z2 = Enc(f, x), Enc(f, x2)
apart = Norm(z - z2)
residual = Norm(Apply(W, z) - y)
wrong = Wrong(V, z, y)


def opened(term):
    """The term with every closed formula replaced by what it stands for."""
    while found := term.atoms(Closed):
        term = term.xreplace({one: one.opened for one in found})
    return term


def number(term, **values):
    """A formula's number, to forty digits."""
    formula = opened(term)
    known = {symbol: values[symbol.name] for symbol in formula.free_symbols}
    return sp.N(formula.subs(known), 40)


def double(term, **values):
    """The same in double precision, for formulas with functions that sympy cannot evaluate."""
    formula = opened(term)
    symbols = sorted(formula.free_symbols, key=str)
    function = sp.lambdify(symbols, formula, modules=[NUMERIC, "math"])
    return float(function(*(float(values[symbol.name]) for symbol in symbols)))
