"""The paper's findings on training, tested on runs of two cores: tables for the page, from saved results alone.

Shwartz-Ziv et al. (2023) train ResNets on whole data sets for hundreds of epochs; the runs here are smaller, and each table
says on what it rests. Runs of train_cifar10.py, p-values of normality.py.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import runs
from trust import RESULTS, markdown

ESTIMATES = {
    "embedding_entropy": "LogDet, embeddings as they are",
    "embedding_entropy_unit": "LogDet, embeddings of one length",
    "embedding_entropy_pairwise": "pairwise, embeddings of one length",
    "representation_entropy_unit": "LogDet, representations of one length",
    "representation_entropy_pairwise": "pairwise, representations of one length",
}
COMPARED = ("vicreg", "simclr", "byol")
BETTER = {
    "vicreg": ("vicreg_logdet", "vicreg_pairwise"),
    "byol": ("byol_logdet", "byol_pairwise"),
}  # an objective, and the same with an estimator of entropy in place of what keeps its embeddings apart


def looks(records: list[dict[str, Any]]) -> pd.DataFrame:
    """A row per objective, seed and measured epoch."""
    return pd.DataFrame(
        [
            {"objective": one["objective"], "seed": one["seed"], "epoch": index + 1, **row}
            for one in records
            for index, row in enumerate(one["history"])
            if "embedding_entropy_unit" in row
        ]
    )


def _range(values: pd.Series, form: str = ".1f") -> str:
    mean, low, high = values.mean(), values.min(), values.max()
    return f"{mean:{form}}" + (f" ({low:{form}} to {high:{form}})" if len(values) > 1 else "")


def entropy_order() -> str:
    """Which of SimCLR, VICReg and BYOL has the highest and the lowest entropy, at every look at every seed."""
    parts = []
    for label, records in runs.studies(quick=False, seed=0):
        found = looks([one for one in records if one["objective"] in COMPARED])
        last = found[found["epoch"] == found["epoch"].max()]
        rows = []
        for column, title in ESTIMATES.items():
            table = found.pivot(index=["seed", "epoch"], columns="objective", values=column).dropna()
            highest, lowest = table.idxmax(axis=1) == "vicreg", table.idxmin(axis=1) == "simclr"
            form = ".2f" if column.endswith("pairwise") else ".1f"
            ends = [_range(last.loc[last["objective"] == name, column], form) for name in COMPARED]
            rows.append([title, *ends, f"{highest.sum()} of {len(table)}", f"{lowest.sum()} of {len(table)}"])
        columns = [
            "entropy in nats",
            *(runs.TITLES[name] for name in COMPARED),
            "VICReg's highest",
            "SimCLR's lowest",
        ]
        count = found["seed"].nunique()
        head = f"{label}, {count} seed{'s' * (count > 1)}; after the last epoch, mean (lowest to highest), and at all looks:"
        parts.append(f"{head}\n\n{markdown(columns, rows)}")
    return "\n\n".join(parts)


def gains() -> pd.DataFrame:
    """A row per run and seed of an objective with an estimator of entropy: its probe, that of the same without, in %."""
    rows = []
    for label, records in runs.studies(quick=False, seed=0):
        probes = pd.DataFrame(records).pivot(index="seed", columns="objective", values="test_probe") * 100
        for base, others in BETTER.items():
            for other in others:
                if {base, other} <= set(probes):
                    pair = probes[[base, other]].dropna().set_axis(["without", "with"], axis=1)
                    rows.append(
                        pair.assign(
                            gain=pair["with"] - pair["without"], base=base, objective=other, run=label
                        )
                    )
    return pd.concat(rows)


def better_estimators() -> str:
    """What an estimator of entropy in the objective changes in the probe, seed by seed."""
    rows = [
        [
            runs.TITLES[name],
            *(_range(part[column]) for column in ("without", "with")),
            _range(part["gain"], "+.1f"),
            f"{(part['gain'] > 0).sum()} of {len(part)}",
            label.removeprefix("CIFAR-10, "),
        ]
        for (label, name), part in gains().groupby(["run", "objective"], sort=False)
    ]
    return markdown(
        ["objective", "probe without, %", "with, %", "gain in points", "seeds that gain", "run"], rows
    )


def p_values() -> pd.DataFrame:
    """Rows of normality.py for the encoders of CIFAR-10, on both sets of test images."""
    return pd.concat(
        [pd.read_csv(path, comment="#") for path in sorted(RESULTS.glob("normality_cifar*.csv"))]
    )


def normality() -> str:
    """Median p-value of outputs under input noise."""
    saved = p_values()
    levels = sorted(saved["noise"].unique())
    rows = []
    for (data, name), part in saved.groupby(["data", "encoder"], sort=False):
        mean = part.groupby("noise")["median_p"].mean()
        rows.append(
            [name, f"{data}, {part['image'].nunique()} images", *(f"{mean[level]:.2g}" for level in levels)]
        )
    return markdown(["encoder", "images", *(f"{level:g}" for level in levels)], rows)
