"""Jobs that are killed, run out of disk, may not write, or run twice at once: nothing is lost, half-written or wrong.

    python -m tests.kills --kills 100 --out tests/results/kills.json

Each job writes into a folder. A trial starts it, kills it with SIGKILL at a random moment, starts it again in the same
folder, and so on, until it is left to end; what the folder then holds must equal what a run without kills leaves.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch

import bounds
from bounds.cli.app import write
from bounds.encoders.architectures import SmallConvNet
from bounds.encoders.checkpoints import save_encoder
from bounds.errors import BoundsError
from bounds.evidence import kept
from bounds.evidence.saved import merge_summaries, save_summaries
from bounds.heads import load_predictor
from bounds.heads.prediction_file import predict_to_file
from bounds.pretraining import pretrain
from bounds.report.report import Report
from bounds.representations.merging import merge_folders

_FORK = get_context("fork")  # a child has imported everything already, so it dies at its work
_NEVER_SAME = {
    "seconds",
    "created",
    "data",
    "versions",
    "path",
    "source",
    "save_representations",
}  # times and places, not results

Job = Callable[[Path, Path], None]


def images(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Grey squares of 10 × 10 whose brightness is their class, and the classes."""
    rng = np.random.default_rng(seed)
    y = np.arange(count) % 3
    pixels = rng.integers(0, 90, (count, 10, 10, 1)) + (60 * y)[:, None, None, None]
    return pixels.astype(np.uint8), y


def prepare(given: Path) -> None:
    """What the jobs read: an encoder, representations in two parts, summaries, a report and a predictor."""
    torch.manual_seed(0)
    save_encoder(SmallConvNet(1, 4), given / "encoder.safetensors")
    options: dict[str, Any] = {
        "fresh": True,
        "num_classes": 3,
        "bounds": ["held_out", "test_set", "vicreg_direct"],
    }
    for part in (0, 1):
        evaluated = bounds.evaluate(
            given / "encoder.safetensors",
            images(60, part),
            images(60, 10 + part),
            save_representations=given / f"part{part}",
            seed=part,
            **options,
        )
        save_summaries(given / f"part{part}.safetensors", {"classes": evaluated.evidence.classes})
    report = bounds.evaluate(
        given / "encoder.safetensors", images(90, 0), images(60, 1), test=images(60, 2), **options
    )
    report.to_json(given / "report.json")
    report["test_set"].predictor.save(given / "predictor")


def _evaluate(given: Path, out: Path) -> None:
    kept.SLOW = 0.0  # whatever the bounds keep is kept here
    report = bounds.evaluate(
        given / "encoder.safetensors",
        images(800, 3),
        images(800, 4),
        batch_size=16,
        fresh=True,
        bounds=["held_out", "vicreg_direct", "pick_to_learn"],
        save_representations=out / "kept",
    )
    write(report, out / "report")


def _pretrain(given: Path, out: Path) -> None:
    pretrain("vicreg", images(128, 5), out=out / "run", epochs=3, batch_size=32, keep_every=1, progress=False)


def _merge(given: Path, out: Path) -> None:
    merge_folders([given / "part0", given / "part1"], out / "merged")


def _merge_summaries(given: Path, out: Path) -> None:
    merge_summaries([given / "part0.safetensors", given / "part1.safetensors"], out / "merged.safetensors")


def _predict(given: Path, out: Path) -> None:
    predictor = load_predictor(given / "predictor")
    predict_to_file(predictor, images(1500, 6)[0], out / "labels.parquet", batch_size=16, progress=False)


def _export(given: Path, out: Path) -> None:
    write(Report.from_json(given / "report.json"), out / "report")


def _save_predictor(given: Path, out: Path) -> None:
    report = bounds.evaluate(
        given / "encoder.safetensors", images(90, 0), test=images(60, 2), fresh=True, bounds=["test_set"]
    )
    report["test_set"].predictor.save(out / "predictor")


JOBS: dict[str, Job] = {
    "evaluate": _evaluate,
    "pretrain": _pretrain,
    "merge": _merge,
    "merge summaries": _merge_summaries,
    "predict": _predict,
    "export": _export,
    "save predictor": _save_predictor,
}


def _plain(value: Any) -> Any:
    """JSON without times and places."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items() if key not in _NEVER_SAME}
    return [_plain(one) for one in value] if isinstance(value, list) else value


def contents(folder: Path) -> dict[str, str]:
    """Digest of each file: numbers and texts; of figures and pages only that they are whole."""
    found = {}
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        name, data = str(path.relative_to(folder)), path.read_bytes()
        if _temporary(name):
            continue
        if path.suffix == ".json":
            data = json.dumps(_plain(json.loads(data)), sort_keys=True).encode()
        elif path.suffix == ".jsonl":
            data = json.dumps([_plain(json.loads(line)) for line in data.splitlines()]).encode()
        elif path.suffix in (".pdf", ".png", ".html", ".tex", ".pt"):
            data = b"whole" if _whole(path.suffix, data) else b"cut off"
        found[name] = hashlib.sha256(data).hexdigest()
    return found


def _whole(suffix: str, data: bytes) -> bool:
    end = {".pdf": b"%%EOF", ".png": b"IEND", ".html": b"</html>", ".tex": b"\\end", ".pt": b"PK"}[suffix]
    return end in data[-200:]


def _child(job: Job, given: Path, out: Path, most: int | None, answer: Any) -> None:
    torch.set_num_threads(1)
    if most is not None:  # no file may grow beyond this, as on a disk that fills up
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))
    try:
        job(given, out)
        said = "done"
    except BoundsError as error:
        said = f"refused: {error}"
    except BaseException as error:
        said = f"raw {type(error).__name__}: {error}"
    if most is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    answer.send(said)


def run(job: Job, given: Path, out: Path, kill_after: float | None = None, most: int | None = None) -> str:
    """ "done", "refused: …", "raw …" or "killed"."""
    out.mkdir(exist_ok=True)
    listener, answer = _FORK.Pipe(duplex=False)
    process = _FORK.Process(target=_child, args=(job, given, out, most, answer))
    process.start()
    answer.close()
    process.join(kill_after)
    if process.exitcode is None:
        process.kill()
        process.join()
    return _said(listener)


def _said(listener: Any) -> str:
    try:
        return str(listener.recv())
    except EOFError:
        return "killed"


@dataclass
class Trial:
    """How one trial went; `fault` is empty where all was well."""

    job: str
    kind: str
    kills: int
    fault: str = ""


def killed(
    name: str, given: Path, folder: Path, whole: Mapping[str, str], seconds: float, rng: random.Random
) -> Trial:
    """Up to four kills at random moments, then an end; what is left must be what an undisturbed run leaves."""
    trial = Trial(name, "kill", 0)
    said = "killed"
    for _ in range(rng.randint(1, 4)):
        said = run(JOBS[name], given, folder, kill_after=rng.uniform(0, seconds))
        if said != "killed":
            break
        trial.kills += 1
    if said == "killed":
        said = run(JOBS[name], given, folder)
    left = contents(folder)
    changed = [one for one in whole if left.get(one) != whole[one]]
    if said != "done" and not (said.startswith("refused") and not changed):
        trial.fault = said  # but where the kill came after the last step, a second result may be refused
    if not trial.fault and changed:
        trial.fault = f"differs after kills: {', '.join(changed)}"
    halves = [one for one in left if one not in whole]
    if not trial.fault and halves:
        trial.fault = f"left behind: {', '.join(halves)}"
    return trial


def _temporary(name: str) -> bool:
    """Unfinished files that a kill may leave carry it in their name."""
    return any(part.endswith((".part", ".tmp")) for part in Path(name).parts)


def filled(name: str, given: Path, folder: Path, whole: Mapping[str, str], most: int) -> Trial:
    """No file may be larger than `most`: one sentence, and a second run with room gives the whole result."""
    trial = Trial(name, "full disk", 0)
    said = run(JOBS[name], given, folder, most=most)
    if said.startswith("raw"):
        trial.fault = said
        return trial
    again = said if said == "done" else run(JOBS[name], given, folder)
    left = contents(folder)
    changed = [one for one in whole if left.get(one) != whole[one]]
    if again != "done" or changed:
        trial.fault = f"after a full disk: {again}, differs: {', '.join(changed)}"
    return trial


def forbidden(name: str, given: Path, folder: Path) -> Trial:
    """The folder to write into is a file."""
    folder.mkdir(exist_ok=True)
    for inside in ("kept", "report", "run", "merged", "predictor"):
        (folder / inside).write_text("a file, not a folder")
    (folder / "merged.safetensors").mkdir()
    (folder / "labels.parquet").mkdir()
    said = run(JOBS[name], given, folder)
    return Trial(name, "no place to write", 0, "" if said.startswith("refused") else said)


def twice(name: str, given: Path, folder: Path, whole: Mapping[str, str]) -> Trial:
    """Two runs into one folder at the same time: each is done or refused, and a third gives the whole result."""
    folder.mkdir(exist_ok=True)
    pipes, processes = [], []
    for _ in range(2):
        listener, answer = _FORK.Pipe(duplex=False)
        process = _FORK.Process(target=_child, args=(JOBS[name], given, folder, None, answer))
        process.start()
        answer.close()
        pipes.append(listener)
        processes.append(process)
    for process in processes:
        process.join()
    said = [_said(one) for one in pipes]
    trial = Trial(name, "two at once", 0)
    if any(one.startswith(("raw", "killed")) for one in said) or "done" not in said:
        trial.fault = " | ".join(said)
        return trial
    again = run(JOBS[name], given, folder)
    left = contents(folder)
    changed = [one for one in whole if left.get(one) != whole[one]]
    if changed or not (again == "done" or again.startswith("refused")):
        trial.fault = f"after two at once: {again}, differs: {', '.join(changed)}"
    return trial


def trials(kills: int, seed: int, root: Path) -> list[Trial]:
    """Every job in every situation; killed at least `kills` times in all."""
    rng, given = random.Random(seed), root / "given"
    given.mkdir()
    prepare(given)
    whole, seconds, done = {}, {}, []
    for name, job in JOBS.items():
        began = time.perf_counter()
        said = run(job, given, root / f"whole {name}")
        seconds[name] = time.perf_counter() - began
        if said != "done":
            raise RuntimeError(f"{name}: {said}")
        whole[name] = contents(root / f"whole {name}")
    for index, name in enumerate(JOBS):
        sizes = sorted(path.stat().st_size for path in (root / f"whole {name}").rglob("*") if path.is_file())
        for most in (0, sizes[0] // 2, sizes[-1] // 2):
            done.append(filled(name, given, root / f"full {index} {most}", whole[name], most))
        done.append(forbidden(name, given, root / f"forbidden {index}"))
        done.append(twice(name, given, root / f"twice {index}", whole[name]))
    number = 0
    while sum(one.kills for one in done) < kills:
        name = list(JOBS)[number % len(JOBS)]
        done.append(killed(name, given, root / f"kill {number}", whole[name], seconds[name], rng))
        number += 1
        if number % 10 == 0:
            print(f"{sum(one.kills for one in done)} kills", file=sys.stderr, flush=True)
    return done


def main() -> int:
    """Run all trials, print the faults, and save the counts."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--kills", type=int, default=15)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as root:
        done = trials(chosen.kills, chosen.seed, Path(root))
    faults = [f"{one.job}, {one.kind}: {one.fault}" for one in done if one.fault]
    table: dict[str, dict[str, int]] = {}
    for one in done:
        row = table.setdefault(one.job, {})
        row[one.kind] = row.get(one.kind, 0) + 1
        row["kills"] = row.get("kills", 0) + one.kills
    record = {
        "kills": sum(one.kills for one in done),
        "seed": chosen.seed,
        "jobs": table,
        "faults": faults,
        "bounds_version": bounds.__version__,
        "torch": torch.__version__,
    }
    print("\n".join(faults) or f"{record['kills']} kills in {len(done)} trials, nothing lost")
    if chosen.out:
        chosen.out.parent.mkdir(parents=True, exist_ok=True)
        chosen.out.write_text(json.dumps(record, indent=1) + "\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
