"""Which share of S to hold out: certified error by theorem, share and n on real images.

    python paper_figs/holdout_shares.py --data DATA                         results/holdout_shares.csv
    python paper_figs/holdout_shares.py --data DATA --fresh                 results/holdout_shares_fresh.csv

CIFAR-10 by the embedded VICReg and SimCLR representations; other images, where the folder of data has them as parquet,
by their 64 leading principal components. Draws share nothing but the pool they come from. The default shares and the
best share of each size are chosen on the first file; `--fresh` makes other draws, on which these two are judged. What
a file holds already is kept, draw by draw.
"""

from __future__ import annotations

import argparse
import io
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from bounds.assumptions.assumption import TITLES, Assumption
from bounds.assumptions.declaration import Declared
from bounds.errors import NotApplicable
from bounds.evidence.evidence import Evidence
from bounds.evidence.setting import Setting
from bounds.evidence.shares import Purpose, held_out_share
from bounds.examples.cifar10 import cifar10
from bounds.representations.normalization import Normalization
from bounds.representations.table import Representations
from bounds.theorems import select

SIZES = (50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000)
SHARES = (0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.65, 0.7, 0.8)
PURPOSES: dict[str, Purpose] = {
    "held_out": "counting",
    "reference_head": "comparing",
    "prediction_powered_betting": "correcting",
    "agreement": "siding",
}
THEOREMS = tuple(PURPOSES)
UNLABELED = 1000
DELTA = 0.05
RESULT = Path(__file__).with_name("results") / "holdout_shares.csv"
FRESH = RESULT.with_name("holdout_shares_fresh.csv")
FIRST_FRESH = 1000  # number of the first draw that chose nothing
SMALL = 1000  # labels up to which a draw says little, so that twice as many are made
SECONDS = 10.0  # between two writings of what is known
_HOLDS = {name: Assumption(name, "holds", "study") for name in TITLES}


def pools(folder: Path | None) -> Iterator[tuple[str, np.ndarray, np.ndarray, int]]:
    """(name, representations, labels, largest n)."""
    for name, most in (("mnist", 5000), ("fashion-mnist", 1000), ("clothing", 1000)):
        path = None if folder is None else folder / name / "test.parquet"
        if path is not None and path.exists():
            x, y = _pixels(path)
            yield f"{name}, principal components", x, y, most
    for method in ("VICReg", "SimCLR"):
        data = cifar10(method)  # type: ignore[arg-type]
        x = np.concatenate([data.labeled[0], data.test[0], *data.unlabeled[:2]])
        y = np.concatenate([data.labeled[1], data.test[1], data.unlabeled[2], data.unlabeled[2]])
        yield f"CIFAR-10, {method}", x, y, 20_000


def _pixels(path: Path) -> tuple[np.ndarray, np.ndarray]:
    from PIL import Image

    table = pd.read_parquet(path)
    rows = [
        np.asarray(
            Image.open(io.BytesIO(cell["bytes"])).convert("L").resize((28, 28)), dtype=np.float64
        ).ravel()
        for cell in table["img"]
    ]
    x = np.stack(rows) / 255
    x -= x.mean(0)
    basis = np.linalg.svd(x[:2000], full_matrices=False)[2][:64]
    return np.concatenate([x @ basis.T, np.ones((len(x), 1))], 1), table["label"].to_numpy()


def study(
    draws: range,
    folder: Path | None,
    sizes: Sequence[int] = SIZES,
    result: Path = RESULT,
    chosen: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Certified error of each theorem in each draw at each share; what the result holds already is kept.

    Every share sees the same draws, so that differences of shares are differences of pairs. Up to `SMALL` labels twice
    the draws are made. With the draws that chose, only the default share and the one that was best there.
    """
    rows = pd.read_csv(result).to_dict("records") if result.exists() else []
    done = {(row["data"], row["n"], row["draw"]) for row in rows}
    known, written = list(pools(folder)), time.monotonic()
    for n in sizes:
        made = range(draws.start, draws.stop + (len(draws) if n <= SMALL else 0))
        for name, x, y, most in known:
            missing = [draw for draw in made if (name, n, draw) not in done]
            if n > most or not missing:
                continue
            asked = dict.fromkeys(THEOREMS, SHARES) if chosen is None else judged(chosen, name, n)
            for draw in missing:
                found = {
                    share: _errors(x, y, n, draw, share, [one for one in asked if share in asked[one]])
                    for share in SHARES
                }
                rows += [
                    {"data": name, "n": n, "theorem": theorem, "draw": draw}
                    | {str(share): errors.get(theorem, np.nan) for share, errors in found.items()}
                    for theorem in asked
                ]
                if draw == missing[-1] or time.monotonic() - written > SECONDS:
                    partial, written = result.with_suffix(".part"), time.monotonic()
                    pd.DataFrame(rows).to_csv(partial, index=False, float_format="%.5f")
                    os.replace(partial, result)
            print(name, n, flush=True)
    return pd.DataFrame(rows)


def judged(chosen: pd.DataFrame, data: str, n: int) -> dict[str, tuple[float, ...]]:
    """The default share of each theorem, and the best one on the draws that chose."""
    part = chosen[(chosen["data"] == data) & (chosen["n"] == n)]
    means = part.groupby("theorem")[[str(one) for one in SHARES]].mean()
    return {
        theorem: (held_out_share(PURPOSES[theorem], n), float(means.loc[theorem].idxmin()))
        for theorem in THEOREMS
    }


def _errors(
    x: np.ndarray, y: np.ndarray, n: int, draw: int, share: float, theorems: list[str]
) -> dict[str, float]:
    """Certified error of each of the theorems; 1 where it does not apply."""
    if not theorems:
        return {}
    evidence, found = _drawn(x, y, n, draw, share, int(y.max()) + 1), {}
    for theorem in select(theorems):
        try:
            found[theorem.name] = min(1.0, theorem.evaluate(evidence, DELTA).value)
        except NotApplicable:
            found[theorem.name] = 1.0
    return found


def _drawn(x: np.ndarray, y: np.ndarray, n: int, seed: int, share: float, classes: int) -> Evidence:
    rng = np.random.default_rng([seed, n])
    order = rng.permutation(len(x))
    labeled, rest = order[:n], order[n:]
    rest = rest[np.argsort(y[rest], kind="stable")]
    counts = np.bincount(y[rest], minlength=classes)
    rank = np.arange(len(rest)) - (np.cumsum(counts) - counts)[y[rest]]
    used = rank < (counts // 2 * 2)[y[rest]]
    first, second = rest[used & (rank % 2 == 0)], rest[used & (rank % 2 == 1)]
    some = rng.permutation(len(first))[:UNLABELED]
    l2 = Normalization("l2", 1.0)
    setting = Setting(
        classes,
        1.0,
        2.0,
        _HOLDS,
        prior=torch.full((classes,), 1 / classes, dtype=torch.float64),
        head=("ridge", 0.01),
        holdout=share,
        seed=seed,
        declared=Declared(repeats="keep"),
    )
    return Evidence(
        setting,
        l2.apply(Representations((x[labeled],), y[labeled])),
        l2.apply(Representations((x[first[some]], x[second[some]]))),
    )


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """For each theorem and n: mean loss of each share, in %, against the best fixed share of each data set."""
    shares = [str(share) for share in SHARES]
    means = frame.groupby(["theorem", "n", "data"])[shares].mean()
    return (100 * (means.div(means.min(axis=1), axis=0) - 1)).groupby(["theorem", "n"]).mean()


def default_loss(frame: pd.DataFrame, chosen: pd.DataFrame | None = None) -> pd.DataFrame:
    """Certified error at the default share against the best fixed share, in %, with the standard error of the pairs.

    The best share is that of the draws `chosen`, by default the same ones: then it is the best by luck too.
    """
    names = [str(one) for one in SHARES]
    best_of = (frame if chosen is None else chosen).groupby(["data", "n", "theorem"])[names].mean()
    rows = []
    for (data, n, theorem), part in frame.groupby(["data", "n", "theorem"]):
        if (data, n, theorem) not in best_of.index:
            continue
        share = held_out_share(PURPOSES[theorem], n)
        means, best = part[names].mean(), str(best_of.loc[(data, n, theorem)].idxmin())
        gain = part[str(share)] - part[best]
        rows.append(
            {"data": data, "n": n, "theorem": theorem, "draws": len(part), "share": share}
            | {"error": means[str(share)], "best share": float(best), "best": means[best]}
            | {"loss, %": 100 * gain.mean() / means[best], "its s.e.": 100 * gain.sem() / means[best]}
        )
    return pd.DataFrame(rows)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder of data sets")
    parser.add_argument(
        "--draws", type=int, default=24, help="of more than 1,000 labels; twice as many below"
    )
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES)
    parser.add_argument("--fresh", action="store_true", help="draws that chose no share")
    options = parser.parse_args(argv)
    first, result = (FIRST_FRESH, FRESH) if options.fresh else (0, RESULT)
    chosen = pd.read_csv(RESULT) if options.fresh else None
    found = study(range(first, first + options.draws), options.data, options.sizes, result, chosen)
    if chosen is None:
        print(summary(found).round(1).to_string())
    print(default_loss(found, chosen).round(3).to_string())


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
