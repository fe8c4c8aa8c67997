"""The atlas: a page for every registered theorem and every assumption, from what the package and its studies say."""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import pandas as pd
from assumed import assumptions, read_refuters, slug
from curves import curves
from theory import used_by
from written import plain, replace, table

import bounds
from bounds.assumptions.assumption import LEVEL, TITLES
from bounds.derivations.expression import Expression
from bounds.derivations.printing import latex_of
from bounds.derivations.steps import Derivation, Step
from bounds.derivations.symbols import LATEX, MEANING
from bounds.proofs.present import steps_of
from bounds.proofs.typeset import latex as typeset
from bounds.report.families import FAMILIES, family_of
from bounds.report.format import significant
from bounds.theorems import THEOREMS
from bounds.theorems.bound import TEXTS, Bound, Theorem
from bounds.theorems.derive import provable
from bounds.theorems.duels import claims
from bounds.worlds import WORLDS

# Which tests of paper_figs/results/assumption_tests.csv speak about an assumption.
TESTS = {
    "A1": ("swap test", "nearest partner", "first against second views"),
    "A6": ("too regular",),
    "A6'": ("one law",),
    "U": ("one law",),
    "H": ("exchangeability", "too regular"),
}
# What must be at hand for an assumption to be asked for at all.
DATA = {
    "labels": "labeled items",
    "pairs": "pairs of views",
    "class pairs": "class pairs",
    "augmentation pairs": "augmentation pairs",
    "test": "labels that nothing was fitted on",
}
_AT_HAND = {
    "A2": "labels",
    "A3": "pairs",
    "A6'": "pairs",
    "A1": "class pairs",
    "A1'": "augmentation pairs",
    "H": "test",
}
_OURS = "this package"
_UNSAID = (
    "its theorem",
    "nothing",
)  # how an assumption is declared and refuted that the explanation does not list


@dataclass(frozen=True)
class Studies:
    """What was measured: the long studies as saved, and a report of the embedded real images made now."""

    results: Path

    @cached_property
    def coverage(self) -> pd.DataFrame:
        """A row per world and bound."""
        return pd.read_csv(self.results / "coverage.csv", comment="#")

    @cached_property
    def tests(self) -> pd.DataFrame:
        """A row per test of an assumption and world."""
        return pd.read_csv(self.results / "assumption_tests.csv", comment="#")

    @cached_property
    def broken(self) -> dict[str, Any]:
        """Assumption to the bounds that worlds without it exceeded."""
        found: dict[str, Any] = json.loads((self.results / "coverage.json").read_text("utf-8"))["assumptions"]
        return found

    @cached_property
    def images(self) -> dict[str, Any]:
        """The saved evaluation of CIFAR-10 through an ImageNet encoder."""
        found: dict[str, Any] = json.loads((self.results / "real_images.json").read_text("utf-8"))
        return found

    @cached_property
    def report(self) -> bounds.Report:
        """Every theorem on the embedded representations of CIFAR-10."""
        from bounds.examples.cifar10 import cifar10

        data = cifar10("VICReg")
        return bounds.evaluate(
            None,
            data.labeled,
            data.unlabeled,
            test=data.test,
            pairs="class",
            fresh=True,
            class_prior="balanced",
            delta=0.1,
        )

    def bound(self, name: str) -> Bound | None:
        """Of that report."""
        return self.report.bounds.get(name)


def write(results: Path, docs: Path) -> None:
    """All pages of the atlas."""
    studies = Studies(results)
    derivations = {name: bounds.derive(name) for name in provable()}
    refuters = read_refuters((docs / "explanation" / "certified.md").read_text("utf-8"))
    theorems: dict[str, str | bytes] = {}
    for name, theorem in THEOREMS.items():
        figure = curves(studies.bound(name))
        if figure is not None:
            theorems[f"{name}.svg"] = figure
        theorems[f"{name}.md"] = theorem_page(
            theorem, derivations.get(name), studies, refuters, figure is not None
        )
    replace(docs / "atlas" / "theorems", theorems)
    assumed = {f"{slug(name)}.md": assumption_page(name, refuters, studies) for name in assumptions()}
    replace(docs / "atlas" / "assumptions", assumed)
    for name, page in (("index", index_page()), ("worlds", worlds_page()), ("duels", duels_page())):
        (docs / "atlas" / f"{name}.md").write_text(page, "utf-8")


# -- a theorem


def theorem_page(
    theorem: Theorem,
    derivation: Derivation | None,
    studies: Studies,
    refuters: Mapping[str, tuple[str, str]],
    drawn: bool,
) -> str:
    """The page of one theorem."""
    bound = studies.bound(theorem.name)
    parts = [
        f"# {plain(theorem.name)}",
        f"**{plain(theorem.title[:1].upper() + theorem.title[1:])}**",
        _statement(theorem, derivation, bound),
        "## What it says, and when to use it",
        _says(theorem),
        "## Assumptions",
        _assumptions(theorem, refuters),
        "## Proof",
        _proof(derivation),
        _lemmas(theorem.name),
        "## History and source",
        _history(theorem),
        "## How it scales",
        _scaling(theorem, drawn),
        "## Coverage",
        _coverage(theorem, studies),
        "## On real images",
        _images(theorem, bound, studies),
        "## Beside the others",
        _others(theorem, bound, studies),
    ]
    return "\n\n".join(parts) + "\n"


def _statement(theorem: Theorem, derivation: Derivation | None, bound: Bound | None) -> str:
    expression = derivation.expression if derivation is not None else None
    if expression is None:
        lead = f"$${theorem.statement}$$\n\nis estimated by the sum of"
        if bound is None:
            return lead.removesuffix(" by the sum of") + "."
        items = [(term.latex, term.meaning) for term in bound.terms.values()]
        return lead + "\n\n" + _terms(items)
    how = "the square root of the sum of" if expression.combine == "root" else "the sum of"
    lead = (
        f"$${theorem.statement}$$\n\n"
        f"is at {'least' if expression.below else 'most'} {how} these terms, except with probability at most "
        f"${latex_of(derivation.failure) if derivation else ''}$."
    )
    items = [(expression.latex(name), _meaning(theorem, name)) for name in expression.terms]
    return f"{lead}\n\n{_terms(items)}\n\n{_symbols(expression)}"


def _meaning(theorem: Theorem, name: str) -> str:
    said, lowered = theorem.texts.get(name, TEXTS.get(name, (MEANING.get(name, name), "")))
    return f"*{name.replace('_', ' ')}*: {plain(said)}" + (
        f"; lowered by {plain(lowered)}" if lowered else ""
    )


def _terms(items: list[tuple[str, str]]) -> str:
    return "\n\n".join(f"- {meaning}\n\n  $${latex}$$" for latex, meaning in items)


def _symbols(expression: Expression) -> str:
    rows = [
        [f"${LATEX.get(symbol.name, symbol.name)}$", plain(MEANING.get(symbol.name, symbol.name))]
        for symbol in expression.symbols
    ]
    return ":::{dropdown} Symbols\n" + table(["symbol", "meaning"], rows) + "\n:::"


def _says(theorem: Theorem) -> str:
    module = sys.modules[_function(theorem).__module__]
    said = plain(inspect.cleandoc(module.__doc__ or ""))
    unit = plain(theorem.axis.unit)
    data = [DATA[one] for one in needed_data(theorem)]
    kind = {
        "bound": "It is a bound: certified where every assumption below holds.",
        "estimate": "It is an estimate, a plug-in relative of a bound, and never a certificate.",
        "expression": "It is an expression, not a bound.",
    }[theorem.kind]
    return (
        f"{said}\n\nIt speaks about {_predictor(theorem)}, in the unit *{unit}*. "
        f"{_converted(theorem)} {kind} Use it when you have {' and '.join(data) or 'nothing but the numbers it asks for'}. "
        f"Family: {FAMILIES[family_of(theorem)][0]} ({FAMILIES[family_of(theorem)][1]})."
    )


def _predictor(theorem: Theorem) -> str:
    said = theorem.predictor
    alone = said.startswith(("the ", "a ", "no predictor"))
    return plain(said if alone else f"the {said}")


def _converted(theorem: Theorem) -> str:
    """How a value becomes an error rate, in words."""
    factor = significant(theorem.axis.factor, 3, up=True)
    return {
        "identity": "It is an error rate.",
        "norm": "The error rate is at most √2 times its value.",
        "squared": "The error rate is at most twice the square of its value.",
        "linear": f"The error rate is at most {factor} times its value.",
        "none": "It does not convert to an error rate over all items.",
    }[theorem.axis.conversion]


def _function(theorem: Theorem) -> Any:
    return theorem.inputs.func if isinstance(theorem.inputs, partial) else theorem.inputs


def needed_data(theorem: Theorem) -> list[str]:
    """What must be at hand: keys of `DATA`; class pairs and augmentation pairs in place of any pairs."""
    found = {_AT_HAND[need] for need in theorem.needs if need in _AT_HAND}
    if found & {"class pairs", "augmentation pairs"}:
        found -= {"pairs"}
    return [name for name in DATA if name in found]


def _assumptions(theorem: Theorem, refuters: Mapping[str, tuple[str, str]]) -> str:
    if not theorem.needs:
        return "None is listed: it promises nothing."
    rows = [
        [
            f"[{name}](../assumptions/{slug(name)}.md)",
            plain(TITLES.get(name, name)),
            *refuters.get(name, _UNSAID),
        ]
        for name in theorem.needs
    ]
    return (
        f"What refutes one, at p ≤ {LEVEL:g}, withdraws the certificate; how surely it does is on the assumption's page.\n\n"
        + table(["", "assumption", "declared by", "refuted by"], rows)
    )


def _proof(derivation: Derivation | None) -> str:
    if derivation is None:
        return "There is no proof in this package, so it is never certified."
    failing = [step.name for step in derivation.failing]
    verdict = "every check holds" if not failing else f"**checks fail: {', '.join(failing)}**"
    lead = (
        f'{len(derivation.steps)} steps; {verdict}. The same by `bounds.derive("{derivation.name}")`. A *symbolic* step '
        "is made or proved by the kernel, a *cited* one is a known inequality, tested where its two sides can be computed."
    )
    return f"{lead}\n\n{_steps(derivation.name, derivation.steps)}"


def _lemmas(theorem: str) -> str:
    """The lemmas that its proof uses, in any variant."""
    found = ", ".join(entry.link for entry in used_by(theorem))
    return f"Lemmas that it uses, in all its variants: {found}." if found else "It uses no lemma."


def _steps(name: str, steps: Sequence[Step]) -> str:
    return "\n\n".join(_step(name, number, step) for number, step in enumerate(steps, 1))


def _step(theorem: str, number: int, step: Step) -> str:
    rule = re.sub(
        r" \(((?:\d+, )*\d+)\)$",
        lambda found: " of " + ", ".join(f"[{one}](#{theorem}-step-{one})" for one in found[1].split(", ")),
        step.rule,
    )
    rule = rule if rule != step.rule else plain(step.rule)
    rule = rule.removeprefix(f"{plain(step.name)} ") if step.rule.startswith(f"{step.name} (") else rule
    said = [*([] if step.rule == step.name else [rule]), *([plain(step.source)] if step.source else [])]
    spends = "" if step.spends == 0 else f" May fail with probability ${typeset(step.spends)}$."
    note = f" {step.note if '$' in step.note else plain(step.note)}" if step.note else ""
    mark = "holds" if step.holds else "**fails**"
    why = f" {'; '.join(said)}." if said else ""
    return (
        f"({theorem}-step-{number})=\n**{number}. {plain(step.name)}.**{why}{note}{spends}\n\n"
        f"$${step.latex}$$\n\n"
        f"<small>{step.kind}; check {mark}: {plain(step.result.detail)}</small>"
    )


def _history(theorem: Theorem) -> str:
    same = [
        other.name for other in THEOREMS.values() if other is not theorem and origin(other) == origin(theorem)
    ]
    kin = f"\n\nFrom the same source: {', '.join(_link(name) for name in same)}." if same else ""
    source = re.sub(
        r"arXiv:(\d{4}\.\d{4,5})",
        lambda one: f"[arXiv:{one[1]}](https://arxiv.org/abs/{one[1]})",
        plain(theorem.source),
    )
    return f"{source}.{kin}"


def origin(theorem: Theorem) -> str:
    """The first work that the source names, to put theorems beside their relatives."""
    found = re.search(r"[A-Z][^;]*?\b(?:19|20)\d\d\b", theorem.source)
    return _OURS if theorem.source.startswith(_OURS) or found is None else found[0]


def year(theorem: Theorem) -> str:
    """Of the newest work that the source names; the package's own theorems stand by themselves."""
    if theorem.source.startswith(_OURS):
        return _OURS
    papers = [f"20{found}" for found in re.findall(r"arXiv:(\d\d)\d\d\.", theorem.source)]
    years = papers + re.findall(r"\b(?:19|20)\d\d\b", re.sub(r"arXiv:\S+", "", theorem.source))
    return max(years, default=_OURS)


def _scaling(theorem: Theorem, drawn: bool) -> str:
    if not drawn:
        return "It has no expression with a sample size that could be drawn."
    return (
        f"```{{image}} {theorem.name}.svg\n:alt: {theorem.name} against n, m, K and δ\n:class: curves\n```\n\n"
        "From the expression, with every mean, rate, norm and head held as measured on the embedded CIFAR-10 example "
        "(dot): a projection, not a certificate."
    )


def _coverage(theorem: Theorem, studies: Studies) -> str:
    rows = studies.coverage[(studies.coverage["bound"] == theorem.name) & (studies.coverage["trials"] > 0)]
    if rows.empty:
        return f'The saved study does not contain it; `bounds.coverage("{theorem.name}", world)` counts now.'
    lines = [
        [
            f"`{row.world}`",
            "holds"
            if row.promised
            else f"fails: {row.failing}"
            if isinstance(row.failing, str)
            else "promises nothing",
            f"{row.violations} of {row.trials}",
            f"{row.rate:.3f}",
            significant(row.mean_value, 3),
            significant(row.mean_truth, 3),
        ]
        for row in rows.itertuples()
    ]
    delta = ", ".join(f"{value:g}" for value in sorted(set(rows["delta"])))
    return (
        f"How often the truth exceeded it in [worlds of known truth](../worlds.md), at δ = {delta}. Where all assumptions "
        "hold, the rate must be at most δ.\n\n"
        + table(["world", "assumptions", "exceeded", "rate", "mean value", "mean truth"], lines)
    )


def _images(theorem: Theorem, bound: Bound | None, studies: Studies) -> str:
    parts = []
    if bound is None:
        reason = studies.report.not_applicable.get(theorem.name, "")
        parts.append(
            "It does not apply to the embedded CIFAR-10 example"
            + (f": it {plain(reason)}" if reason else ".")
        )
    else:
        measured = studies.report.measured_for(bound)
        rows = [
            [f"value, on the axis *{plain(bound.axis.name)}*", significant(bound.value, 3, up=True)],
            ["as error rate", "–" if bound.error_rate is None else significant(bound.error_rate, 3, up=True)],
            [
                "measured for its own head, on that axis",
                "–" if measured is None else significant(measured, 3),
            ],
            ["certified", "yes" if bound.certified else "no"],
            ["vacuous", "yes" if bound.vacuous else "no"],
        ]
        parts.append(
            "Representations of CIFAR-10 that ship with the package, by a VICReg encoder, at δ = 0.1:\n\n"
            + table(["", ""], rows)
        )
    saved = [row for row in studies.images["bounds"] if row["bound"] == theorem.name]
    if saved:
        one, sizes = saved[0], studies.images["sizes"]
        measured_there = "–" if one["measured"] is None else significant(one["measured"], 3)
        parts.append(
            f"Through an ImageNet encoder that never saw CIFAR-10 (n = {sizes['n']:,}, m = {sizes['m']:,}): "
            f"{significant(one['value'], 3, up=True)} on the axis *{plain(one['axis'])}*; measured for its own head: "
            f"{measured_there}. See [on real images](../../explanation/real-images.md)."
        )
    return "\n\n".join(parts)


def _others(theorem: Theorem, bound: Bound | None, studies: Studies) -> str:
    if bound is None or not bound.certified:
        return "It is compared only where it is certified."
    rivals = [
        other
        for other in studies.report
        if other.certified
        and other.name != bound.name
        and other.axis.name == bound.axis.name
        and other.head == bound.head
    ]
    sign = -1 if "from below" in bound.axis.name else 1
    better = [one for one in rivals if sign * bound.value < sign * one.value]
    worse = [one for one in rivals if sign * bound.value > sign * one.value]
    if not rivals:
        return "No other certified bound speaks about the same head on the same axis."
    said = []
    for verb, group in (("Improves on", better), ("Improved by", worse)):
        if group:
            group.sort(key=lambda one: one.value)
            said.append(
                f"{verb} "
                + ", ".join(f"{_link(o.name)} ({significant(o.value, 3, up=True)})" for o in group)
                + "."
            )
    return "On the embedded CIFAR-10 example, for the same head and on the same axis. " + "\n\n".join(said)


def _link(name: str, folder: str = "") -> str:
    return f"[`{name}`]({folder}{name}.md)"


# -- an assumption


def assumption_page(name: str, refuters: Mapping[str, tuple[str, str]], studies: Studies) -> str:
    """What it says, how it is declared, what refutes it and how surely, and who needs it."""
    declared, refuted = refuters.get(name, _UNSAID)
    needing = [theorem.name for theorem in THEOREMS.values() if name in theorem.needs]
    parts = [
        f"# {name}",
        f"**{plain(TITLES.get(name, name))}**",
        table(["", ""], [["declared by", declared], [f"refuted, at p ≤ {LEVEL:g}, by", refuted]]),
        "## Size and power of what refutes it",
        _power(name, studies),
        "## What breaks without it",
        _broken(name, studies),
        "## Needed by",
        ", ".join(_link(one, "../theorems/") for one in needing) + "."
        if needing
        else "No registered theorem.",
    ]
    return "\n\n".join(parts) + "\n"


def _power(name: str, studies: Studies) -> str:
    rows = studies.tests[studies.tests["test"].isin(TESTS.get(name, ()))]
    if rows.empty:
        return (
            "No statistical test refutes it: what refutes it, if anything, is found by looking (records, files, rows, "
            "norms)."
        )
    lines = [
        [
            row.test,
            plain(row.world),
            "size" if row.null else "power",
            f"{row.draws:,}",
            f"{five:.3f}",
            f"{row.level:g}",
            f"{own:.3f}",
        ]
        for row, five, own in zip(rows.itertuples(), rows["at 5 %"], rows["at its level"], strict=True)
    ]
    return (
        "Shares of the draws in which the null is refuted: *size* where it is true, *power* where it is not; at 5 % for "
        f"comparison, and at the test's own level: {LEVEL:g} withdraws the certificate, a larger one only warns.\n\n"
        + table(["test", "world", "", "draws", "at 5 %", "its level", "at its level"], lines)
    )


def _broken(name: str, studies: Studies) -> str:
    seen = studies.broken.get(name)
    if seen is None:
        return "The saved study has no world that breaks it alone."
    rows = [
        [_link(bound, "../theorems/"), f"`{one['world']}`", f"{one['violations']} of {one['trials']}"]
        for bound, one in seen["exceeded"].items()
    ]
    closest = ", ".join(
        f"{_link(bound, '../theorems/')} ({one['ratio']:.2f})"
        for bound, one in seen["not exceeded, closest ratio"].items()
    )
    parts = (
        [table(["exceeded", "in the world", "trials"], rows)]
        if rows
        else ["No bound was exceeded without it."]
    )
    if closest:
        parts.append(f"Not exceeded, with the largest ratio of truth to bound: {closest}.")
    return "\n\n".join(parts)


# -- worlds and duels


def worlds_page() -> str:
    """What each world is, and what fails in it."""
    rows = []
    for name, make in WORLDS.items():
        world = make()
        fails = "; ".join(f"{one}: {plain(why)}" for one, why in world.violated.items()) or "nothing"
        rows.append([f"`{name}`", plain(world.description), str(world.num_classes), fails])
    return (
        "# Worlds of known truth\n\n"
        "A world has finitely many inputs, so that every risk is a sum; its samples are drawn as its text says. A1' (two "
        "views of one image) fails wherever pairs are class pairs. `bounds.coverage(name, world)` counts a bound in one.\n\n"
        + table(["world", "what it is", "K", "what fails by construction"], rows)
        + "\n"
    )


CLAIMS = {
    "The first errs less": claims.better,
    "The first is not worse by more than a margin": claims.not_worse,
    "An error rate below a target": claims.below,
    "An error rate at or above a target": claims.above,
}


def duels_page() -> str:
    """What a duel, a ranking and a certificate to a target claim, with the proof of each claim."""
    parts = [
        "# Duels and targets",
        plain(inspect.cleandoc(claims.__doc__ or "")),
        "These are claims, not numbers: `bounds.duel`, `bounds.rank` and `bounds.certify` make them, and are believed "
        "whenever one stops: sup is over all stops, and u is the stake, over which the wealth is an average. The second "
        "predictor has the mirror images of the first two claims. Each follows in one step. "
        "See [the calls](../api/bounds.duels.rst).",
    ]
    for title, claim in CLAIMS.items():
        steps = steps_of(claim())
        named = [dataclasses.replace(step, name=step.name.split(" on ")[0]) for step in steps]
        parts += [f"## {title}", _steps(f"claim-{title.lower().replace(' ', '-')}", named)]
    return "\n\n".join(parts) + "\n"


# -- the map


def index_page() -> str:
    """Map, timeline, and what each theorem assumes."""
    families = {name: [t for t in THEOREMS.values() if family_of(t) == name] for name in FAMILIES}
    families = {name: members for name, members in families.items() if members}
    where = "theorems/"
    kinds = {theorem.name: tuple(needed_data(theorem)) for theorem in THEOREMS.values()}
    combinations = sorted(
        set(kinds.values()), key=lambda one: (len(one), [list(DATA).index(key) for key in one])
    )
    grid = [
        [
            " and ".join(DATA[one] for one in needs) or "none of these",
            *(
                ", ".join(_link(t.name, where) for t in members if kinds[t.name] == needs)
                for members in families.values()
            ),
        ]
        for needs in combinations
    ]
    years = sorted({year(theorem) for theorem in THEOREMS.values()})
    timeline = [
        [when, ", ".join(_link(t.name, where) for t in THEOREMS.values() if year(t) == when)]
        for when in years
    ]
    names = [name for name in assumptions() if any(name in t.needs for t in THEOREMS.values())]
    assumed = [
        [
            _link(t.name, where),
            t.kind,
            plain(t.axis.name),
            *("●" if name in t.needs else "" for name in names),
        ]
        for members in families.values()
        for t in members
    ]
    proven = len([name for name in THEOREMS if name in provable()])
    return (
        "\n\n".join(
            [
                "# Atlas",
                f"{len(THEOREMS)} generalization bounds for self-supervised learning, {proven} of them with a proof that is "
                "checked step by step. Each page has statement, assumptions, proof, source, how it scales, how often it "
                "failed where the truth is known, and its value on real images. Beside them: the claims of "
                "[duels](duels.md), and the [worlds](worlds.md) in which bounds are counted.",
                "## Map: by family and by the data needed",
                table(["needs", *(FAMILIES[name][0] for name in families)], grid),
                "## Timeline",
                "By the newest work that its source names.",
                table(["", "theorems"], timeline),
                "## What each assumes",
                table(
                    [
                        "theorem",
                        "kind",
                        "axis",
                        *(f"[{name}](assumptions/{slug(name)}.md)" for name in names),
                    ],
                    assumed,
                ),
                "## Assumptions",
                table(
                    ["", "assumption"],
                    [
                        [f"[{name}](assumptions/{slug(name)}.md)", plain(TITLES.get(name, name))]
                        for name in assumptions()
                    ],
                ),
                "```{toctree}\n:hidden:\n\nduels\nworlds\n```",
                "```{toctree}\n:hidden:\n:caption: Theorems\n\n"
                + "\n".join(f"theorems/{name}" for name in THEOREMS)
                + "\n```",
                "```{toctree}\n:hidden:\n:caption: Assumptions\n\n"
                + "\n".join(f"assumptions/{slug(name)}" for name in assumptions())
                + "\n```",
            ]
        )
        + "\n"
    )
