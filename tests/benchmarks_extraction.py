"""Extraction through timm's ViT-S/16 beside its bare forward pass, and from files beside memory; prints JSON.

    OMP_NUM_THREADS=1 python -m tests.benchmarks_extraction [--encoded 256] [--read 64] [--rounds 2] [--out x.json]

Needs timm (the part `hubs` of .ci/run has it; PYTHONPATH as there). Processor seconds of all threads on one core, so
that reading ahead while the encoder runs hides nothing: the share is what reading and decoding add. Files hold JPEGs of
375 x 500 pixels, ImageNet's usual size, the memory the same pixels; both are brought to 224 alike. The check that the
encoder is a function of one image, ten images a call, is part of every extraction.
"""

from __future__ import annotations

import argparse
import io
import json
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from PIL import Image

import bounds
from bounds.representations.extraction import extract
from tests.benchmarks import in_turn, provenance

BATCH = 16


def pictures(count: int) -> list[bytes]:
    """Smooth noise, which JPEG takes as it takes photographs: some 40 kB each."""
    rng = np.random.default_rng(0)
    files = []
    for _ in range(count):
        coarse = rng.integers(256, size=(47, 63, 3), dtype=np.uint8)
        image = Image.fromarray(coarse).resize((500, 375), Image.Resampling.BICUBIC)
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=90)
        files.append(buffer.getvalue())
    return files


def written(folder: Path, files: list[bytes]) -> dict[str, Path]:
    """The same images as parquet, class folders and a tar."""
    kind = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    cells = pa.array([{"bytes": one, "path": None} for one in files], kind)
    pq.write_table(
        pa.table({"image": cells, "label": [i % 2 for i in range(len(files))]}), folder / "x.parquet"
    )
    with tarfile.open(folder / "x.tar", "w") as archive:
        for i, one in enumerate(files):
            place = folder / "images" / str(i % 2)
            place.mkdir(parents=True, exist_ok=True)
            (place / f"{i:05d}.jpg").write_bytes(one)
            for ending, content in (("jpg", one), ("cls", str(i % 2).encode())):
                member = tarfile.TarInfo(f"{i:05d}.{ending}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    return {"parquet": folder / "x.parquet", "folder": folder / "images", "webdataset": folder / "x.tar"}


def main() -> None:
    """Measure, print and save."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--encoded", type=int, default=256)
    parser.add_argument("--read", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    encoder = bounds.load_encoder("random:0", architecture="timm:vit_small_patch16_224")
    files = pictures(options.read)
    labels = np.arange(max(options.read, options.encoded)) % 2
    raw = np.stack([np.asarray(Image.open(io.BytesIO(one))).transpose(2, 0, 1) for one in files])
    cut = np.ascontiguousarray(np.resize(raw[:, :, 75:299, 138:362], (options.encoded, 3, 224, 224)))
    ready = torch.from_numpy(cut).float() / 255
    network: Any = encoder.network

    @torch.inference_mode()
    def bare() -> None:
        for part in torch.split(ready, BATCH):
            network(part)

    settings: dict[str, Any] = {"role": "labeled", "batch_size": BATCH, "progress": False}
    with tempfile.TemporaryDirectory() as name:
        places = written(Path(name), files)
        encoded = in_turn(
            {"bare": bare, "memory": lambda: extract(encoder, (cut, labels[: len(cut)]), **settings)},
            options.rounds,
        )
        read = in_turn(
            {
                "memory": lambda: extract(encoder, (raw, labels[: len(raw)]), **settings),
                **{
                    kind: lambda path=path: extract(encoder, path, **settings)
                    for kind, path in places.items()
                },
            },
            options.rounds,
        )
    found = {
        "share_of_bare": {key: 1 / value for key, value in encoded["ratio"].items()},
        "share_of_memory": {key: 1 / value for key, value in read["ratio"].items()},
        "encoded": options.encoded,
        "read": options.read,
        "cpu_seconds": {"encoding": encoded["cpu_seconds"], "reading": read["cpu_seconds"]},
        "provenance": provenance(),
    }
    print(json.dumps(found, indent=1))
    if options.out:
        options.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
