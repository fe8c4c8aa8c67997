"""Several processes make the report of one, to rounding, whatever the shares; a process that dies is named."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.distributed as dist

import bounds
from bounds.complexity import FiniteClass, Information, LinearHead, LinearMap, Neighbourhood, SpectralNet
from bounds.errors import InvalidOption, ProcessFailed
from bounds.evidence.distributed import all_merge
from bounds.heads import LeastSquares
from bounds.information import (
    covariance,
    log_det_entropy,
    mixture_entropy,
    nearest_neighbour_entropy,
    sphere_mixture_entropy,
    uniformity,
)
from bounds.processes import ALONE, Processes
from bounds.representations.extraction import extract
from bounds.representations.store import RepresentationStore
from bounds.representations.together import range_of
from bounds.summaries import ClassMoments, Covariance, Moments, PairMoments
from bounds.summaries.spectral import SpectralMoments
from bounds.summaries.totals import Totals
from tests.processes import run_in_processes
from tests.worlds_small import gaussian_classes

WORLD = 3
pytestmark = pytest.mark.slow


def images(count, seed=0):
    """Small images of four classes, and labels."""
    rng = np.random.default_rng(seed)
    y = rng.integers(4, size=count)
    x = rng.uniform(0, 0.5, size=(count, 1, 8, 8)).astype(np.float32)
    x[np.arange(count), 0, 2 * y] += 0.5
    return x, y


def encode(x):
    """A fixed non-linear encoder of those images; in float64, as float32 products round by the batch."""
    weights = torch.randn(64, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return torch.tanh(x.flatten(1).double() @ weights)


ENCODED = {
    "labeled": images(70),
    "unlabeled": images(90, 1),
    "test": images(2, 2),  # fewer items than processes: one of them has none
}
CLASS_PAIRS = {"pairs": "class", "unlabeled_is_fresh": True, "labeled_is_fresh": True, "num_classes": 4}
VECTORS = {"labeled_is_fresh": True, "unlabeled_is_fresh": True, "class_prior": "balanced", "pairs": "class"}


def vectors():
    x, y, a, b, yp = gaussian_classes(np.random.default_rng(5), 3, 6, 101, 83, separation=3.0)
    return (x[:80], y[:80]), (a, b, yp), (x[80:], y[80:])


def reports(folder, batch_size, **options):
    """Every bound on vectors; some on images as class pairs, and on images as augmentations."""
    labeled, unlabeled, test = vectors()
    yield bounds.evaluate(None, labeled, unlabeled, test=test, progress=False, **VECTORS, **options)
    common = options | {"batch_size": batch_size, "progress": False, "test": ENCODED["test"]}
    labeled, unlabeled = ENCODED["labeled"], ENCODED["unlabeled"]
    of_pairs = ["vicreg_certified", "infonce", "supervised", "agreement", "held_out", "pac_bayes", "test_set"]
    yield bounds.evaluate(
        encode, labeled, unlabeled, save_representations=folder, bounds=of_pairs, **CLASS_PAIRS, **common
    )
    yield bounds.evaluate(
        encode, labeled, unlabeled[0], bounds=["vicreg_direct", "simclr", "augmentation_gain"], **common
    )


def start(rank, world, folder):
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=world)
    return Processes.of_group()


def worker(rank, world, folder):
    processes = start(rank, world, folder)
    same_merges(processes)
    failures_are_told(processes)
    found = dict(measures(distributed=True))
    (folder / f"measures-{rank}.json").write_text(json.dumps(found))
    for i, report in enumerate(reports(folder / "saved", 8 + 3 * rank, distributed=True)):
        (folder / f"report-{i}-{rank}.json").write_text(report.to_json())
        assert report.evidence.agreed([float(rank), float("inf")]) == [(world - 1) / 2, float("inf")]
    dist.destroy_process_group()


def measures(**options):
    """Rademacher complexities and entropies: name and number, whatever the class or the estimator reports."""
    rng = np.random.default_rng(7)
    z, y, a, b, _ = gaussian_classes(rng, 3, 6, 103, 90, separation=1.0)
    far = a + rng.normal(size=a.shape)
    network = torch.nn.Sequential(torch.nn.Linear(6, 5), torch.nn.ReLU(), torch.nn.Linear(5, 4))
    for parameter in network.parameters():
        parameter.data = torch.from_numpy(rng.normal(size=parameter.shape).astype(np.float32))
    images = (a.astype(np.float32), far.astype(np.float32))
    classes = {
        "head": (LinearHead(beta=2.0), (z, y), None),
        "gaussian head": (LinearHead(beta=2.0, contraction="gaussian"), (z, y), None),
        "map": (LinearMap(beta=2.0), (a, far), None),
        "spectral map": (LinearMap(beta=2.0, norm="spectral", outputs=2), (a, far), None),
        "finite": (FiniteClass(), [(a, b), (a, far)], None),
        "information": (Information(nats=0.5), (a, far), None),
        "neighbourhood": (Neighbourhood(rho=0.5, steps=3), images, network),
        "spectral": (SpectralNet(), images, network),
    }
    for name, (function_class, data, encoder) in classes.items():
        settings = {"encoder": encoder, "draws": 20, "search": 2, "delta": 0.1, "rows": 16} | options
        found = bounds.rademacher(data, function_class, **settings)
        for kind in ("upper", "monte_carlo", "lower"):
            value = getattr(found, kind)
            yield (
                f"{name}: {kind}",
                value if kind == "upper" else [value and value.low, value and value.value],
            )
    block = {"block": 16} | options
    for rows in (z, z[:5]):  # five rows are one block: two processes have nothing to do
        size = len(rows)
        yield f"log_det {size}", log_det_entropy(rows, rows=16, shrinkage=0.1, **options).value
        yield f"covariance {size}", covariance(rows, rows=16, **options).matrix().tolist()
        yield f"uniformity {size}", uniformity(rows, **block)
        yield f"nearest {size}", nearest_neighbour_entropy(rows, **block).value
        found = sphere_mixture_entropy(rows, 3.0, **block)
        yield f"sphere {size}", [found.lower.value, found.upper.value]
        full = np.stack([np.diag(1 + row**2) for row in rows])
        for kind, shape in {"one": 0.3, "isotropic": 0.1 + rows[:, 0] ** 2, "full": full}.items():
            found = mixture_entropy(rows, shape, **block)
            yield f"mixture {kind} {size}", [found.lower.value, found.upper.value]


def same_merges(processes):
    """Each summary, merged over shares of unequal size, one of them empty, equals that of all rows."""
    g = torch.Generator().manual_seed(1)
    z, other = torch.randn(2, 50, 5, generator=g, dtype=torch.float64)
    y = torch.randint(3, (50,), generator=g)
    own = [slice(0, 41), slice(41, 41), slice(41, 50)][processes.rank]
    made = {
        "moments": lambda s: Moments.empty(5).update(z[s]),
        "classes": lambda s: ClassMoments.empty(5, 3).update(z[s], y[s]),
        "pairs": lambda s: PairMoments.empty(5).update(z[s], other[s]),
        "spectral": lambda s: SpectralMoments.empty(5).update(z[s], other[s]),
        "totals": lambda s: Totals(z[s].sum(0)),
        "covariance": lambda s: Covariance.empty(5).update(z[s]),
    }
    for make in made.values():
        alike(all_merge(processes, make(own)), make(slice(None)))
    squares = all_merge(processes, LeastSquares.empty(5, 3).update(z[own], y[own]))
    whole = LeastSquares.empty(5, 3).update(z, y)
    torch.testing.assert_close(squares.min_norm().weight, whole.min_norm().weight, rtol=1e-11, atol=1e-11)
    seen = processes.texts(str(float(squares.reduced().factor.sum())), "comparing")
    assert len(set(seen)) == 1, "every process has the same bits"


def alike(found, expected):
    """Summaries with the same numbers, to rounding."""
    for name, value in vars(expected).items():
        if isinstance(value, Moments):
            alike(getattr(found, name), value)
        else:
            one, other = torch.as_tensor(getattr(found, name)), torch.as_tensor(value)
            torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


def failures_are_told(processes):
    """One process raises; it raises its own error, the others say whose it was."""

    def step():
        if processes.rank == 1:
            raise InvalidOption("the disk is full.")
        return processes.rank

    wanted = InvalidOption if processes.rank == 1 else ProcessFailed
    with pytest.raises(wanted, match="disk is full"):
        processes.together("extracting", step)
    assert processes.together("extracting", lambda: 7) == 7
    mine = Totals(torch.zeros(3)) if processes.rank == 0 else Moments.empty(3)
    if processes.world == 2:
        with pytest.raises(ProcessFailed, match="same options"):
            all_merge(processes, mine)


def close(one, other, where="report"):
    """Equal numbers to 1e-10, equal everything else."""
    if isinstance(one, dict):
        assert one.keys() == other.keys(), where
        for key in one:
            close(one[key], other[key], f"{where}.{key}")
    elif isinstance(one, list):
        assert len(one) == len(other), where
        for i, (a, b) in enumerate(zip(one, other, strict=True)):
            close(a, b, f"{where}[{i}]")
    elif isinstance(one, float):
        assert other == pytest.approx(one, rel=1e-10, abs=1e-10), where
    else:
        assert one == other, where


def content(text):
    report = json.loads(text)
    report.pop("provenance")
    return report


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    run_in_processes(worker, (WORLD, folder), WORLD)
    alone = tmp_path_factory.mktemp("alone")
    return folder, [report.to_json() for report in reports(alone / "saved", 64)], alone


def test_every_process_gets_the_report_of_one(run):
    folder, alone, _ = run
    for i, expected in enumerate(alone):
        for rank in range(WORLD):
            close(content(expected), content((folder / f"report-{i}-{rank}.json").read_text()))


def test_complexities_and_entropies_are_those_of_one_process(run):
    folder, _, _ = run
    alone = json.loads(json.dumps(dict(measures())))
    assert alone["head: lower"][1] > 0
    assert alone["neighbourhood: lower"][1] > 0
    for rank in range(WORLD):
        close(alone, json.loads((folder / f"measures-{rank}.json").read_text()))


def test_the_saved_folder_is_that_of_one_process_and_is_used_again(run):
    folder, _, alone = run
    for role in ("labeled", "unlabeled", "test"):
        ours, theirs = (RepresentationStore.open(path / "saved" / role) for path in (folder, alone))
        assert ours.manifest["identity"] == theirs.manifest["identity"]
        np.testing.assert_array_equal(ours.views[0][:], theirs.views[0][:])
        np.testing.assert_array_equal(ours.labels, theirs.labels)
    assert not list((folder / "saved").glob("*-parts"))

    stored = extract(None, folder / "saved" / "labeled", role="labeled").representations
    np.testing.assert_array_equal(stored.labels, ENCODED["labeled"][1])


@pytest.mark.parametrize("count", [0, 1, 2, 7, 100])
def test_shares_are_a_partition_in_rank_order(count):
    ranges = [Processes(rank, 4).share(count) for rank in range(4)]
    assert [row for low, high in ranges for row in range(low, high)] == list(range(count))
    assert max(high - low for low, high in ranges) - min(high - low for low, high in ranges) <= 1
    taken = [range_of(Processes(0, 4), rank, 10, 10 + count) for rank in range(4)]
    assert [row for one in taken if one for row in range(*one)] == list(range(10, 10 + count))


def test_data_of_unknown_length_go_to_the_first_process():
    assert range_of(Processes(0, 3), 0, 5, None) == (5, None)
    assert range_of(Processes(0, 3), 1, 5, None) is None


def test_alone_nothing_is_communicated():
    moments = Moments.empty(2)
    assert all_merge(ALONE, moments) is moments
    assert ALONE.together("x", lambda: 3) == 3
    with pytest.raises(ValueError, match="disk"):
        ALONE.together("x", lambda: (_ for _ in ()).throw(ValueError("disk")))
    with pytest.raises(InvalidOption, match="process group"):
        bounds.evaluate(None, *vectors()[:2], distributed=True)


# Real processes, through torchrun and the command line


def torchrun(world, *arguments, code=None, **environment):
    start = ["-m", "bounds"] if code is None else [str(code)]
    command = [
        *(sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(world)),
        *("--standalone", "--local-addr", "127.0.0.1"),
        *start,
        *map(str, arguments),
    ]
    extra = {
        "GLOO_SOCKET_IFNAME": "lo",
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(Path(bounds.__file__).parents[1]),
    }
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=600,
        env=os.environ | extra | environment,
        check=False,
    )


@pytest.mark.slow
def test_torchrun_writes_the_report_of_the_plain_command(tmp_path):
    labeled, unlabeled, test = vectors()
    np.savez(tmp_path / "labeled.npz", x=labeled[0], y=labeled[1])
    np.savez(tmp_path / "pairs.npz", x1=unlabeled[0], x2=unlabeled[1], y=unlabeled[2])
    np.savez(tmp_path / "test.npz", x=test[0], y=test[1])
    arguments = [
        *("evaluate", "--labeled", tmp_path / "labeled.npz", "--unlabeled", tmp_path / "pairs.npz"),
        *("--test", tmp_path / "test.npz", "--pairs", "class", "--labeled-is-fresh", "--unlabeled-is-fresh"),
        *("--save-representations", tmp_path / "saved"),
    ]
    shared = torchrun(2, *arguments, "--out", tmp_path / "shared")
    assert shared.returncode == 0, shared.stderr
    assert shared.stdout.count("bounds report ·") == 1, "one process prints"
    again = torchrun(1, *arguments, "--out", tmp_path / "again")
    assert again.returncode == 0, again.stderr
    for name in ("report.json", "report.html", "figure.pdf"):
        assert (tmp_path / "shared" / name).is_file()
    close(
        content((tmp_path / "again/report.json").read_text()),
        content((tmp_path / "shared/report.json").read_text()),
    )


DYING = """
import os, sys, time
from pathlib import Path
from bounds.errors import BoundsError
from bounds.processes import torchrun
import bounds
from tests.representations.test_distributed import ENCODED, encode

folder = sys.argv[1]
os.environ["VICTIM"] = sys.argv[2]  # no value that the encoder reaches: it stays the same encoder

def encoder(x):
    with open(f"{folder}/calls-{os.environ['RANK']}", "a") as file:
        file.write("x")
    victim = os.environ["VICTIM"]
    if os.environ["RANK"] == victim and os.path.getsize(f"{folder}/calls-{victim}") == 3:
        other = Path(folder, "saved", "labeled-parts", "0-of-2", "manifest.json")
        while not (other.exists() and '"complete": true' in other.read_text()):
            time.sleep(0.05)
        os._exit(9)
    return encode(x)

with torchrun() as processes:
    try:
        report = bounds.evaluate(
            encoder, ENCODED["labeled"], bounds=["supervised"], num_classes=4, distributed=True, batch_size=5,
            save_representations=f"{folder}/saved", progress=False,
        )
    except BoundsError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
print(f"value {report['supervised'].value!r} from {processes.rank}")
"""


@pytest.mark.slow
def test_a_process_that_dies_ends_the_run_and_finished_parts_are_used_again(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(DYING)
    died = torchrun(2, tmp_path, 1, code=script)
    assert died.returncode != 0
    assert "lost another one" in died.stderr or "exitcode" in died.stderr, died.stderr
    assert RepresentationStore.open(tmp_path / "saved" / "labeled-parts" / "0-of-2").count == 35
    done = (tmp_path / "calls-0").stat().st_size
    finished = torchrun(2, tmp_path, -1, code=script)
    assert finished.returncode == 0, finished.stderr
    # The part of process 0 is not extracted again: what it calls are the checks that the encoder is the same.
    assert (tmp_path / "calls-0").stat().st_size - done < 7
    x, y = ENCODED["labeled"]
    alone = bounds.evaluate(encode, (x, y), bounds=["supervised"], num_classes=4, progress=False)
    assert float(finished.stdout.split("value ")[1].split()[0]) == pytest.approx(
        alone["supervised"].value, rel=1e-10
    )
