"""CIFAR-10 through the ImageNet encoder, once: shards that survive an interruption, then one array a split.

    python paper_figs/extract_imagenet_features.py --data DIR [--size 160] [--out paper_figs/cache]

DIR holds cifar10/{train,test}-*.parquet (default: the environment variable BOUNDS_DATA). Writes, under
OUT/efficientnet_lite0_{size}px/, `train_features.npy` (50,000 x 1,280 float16), `train_labels.npy` (int64),
and the same for test. Row i is row i of the parquet files in the order of their names.
"""

from __future__ import annotations

import argparse
import io
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from imagenet_encoder import ImageNetEncoder, load_efficientnet_lite0
from tqdm import tqdm

_SHARD = 2_000


def read_cifar10(folder: Path, split: str, limit: int | None = None) -> tuple[torch.Tensor, np.ndarray]:
    """Images uint8 (N, 3, 32, 32) and labels int64 (N,), the first `limit` of a split."""
    import pyarrow.parquet as pq
    from PIL import Image

    files = sorted((folder / "cifar10").glob(f"{split}-*.parquet"))
    if not files:
        raise SystemExit(f"No cifar10/{split}-*.parquet under {folder}; give --data or set BOUNDS_DATA.")
    pixels, labels = [], []
    for file in files:
        table = pq.read_table(file).slice(0, limit)
        for row in table["img"].to_pylist():
            pixels.append(np.asarray(Image.open(io.BytesIO(row["bytes"])).convert("RGB")))
        labels.append(table["label"].to_numpy())
    images = torch.from_numpy(np.stack(pixels[:limit])).permute(0, 3, 1, 2)
    return images, np.concatenate(labels)[:limit].astype(np.int64)


def _save(path: Path, array: np.ndarray) -> None:
    part = path.with_suffix(".part")
    with part.open("wb") as stream:
        np.save(stream, array)
    os.replace(part, path)


def _shards(
    encoder: ImageNetEncoder, images: torch.Tensor, folder: Path, split: str, batch: int
) -> Iterator[Path]:
    for start in tqdm(range(0, len(images), _SHARD), desc=split, unit=f"x{_SHARD}", mininterval=10):
        path = folder / f"{split}_{start:06d}.npy"
        if not path.exists():
            block = images[start : start + _SHARD]
            _save(path, torch.cat([encoder(part) for part in block.split(batch)]).half().numpy())
        yield path


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=os.environ.get("BOUNDS_DATA"))
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "cache")
    parser.add_argument("--size", type=int, default=160, help="side of the resized images in pixels")
    parser.add_argument("--batch", type=int, default=32, help="small batches stay in the processor's cache")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--float32", action="store_true", help="exact, and half as fast as bfloat16")
    options = parser.parse_args()
    if options.data is None:
        parser.error("give --data or set BOUNDS_DATA to the folder that holds cifar10/")

    torch.set_num_threads(options.threads)
    folder = options.out / f"efficientnet_lite0_{options.size}px{'_float32' if options.float32 else ''}"
    folder.mkdir(parents=True, exist_ok=True)
    encoder = load_efficientnet_lite0(options.size, bfloat16=not options.float32)
    for split in ("test", "train"):
        done = folder / f"{split}_features.npy"
        if done.exists():
            print(f"{done} is already there", flush=True)
            continue
        images, labels = read_cifar10(options.data, split)
        shards = list(_shards(encoder, images, folder, split, options.batch))
        _save(folder / f"{split}_labels.npy", labels)
        _save(done, np.concatenate([np.load(shard) for shard in shards]))
        for shard in shards:
            shard.unlink()
        print(f"wrote {done}", flush=True)


if __name__ == "__main__":
    main()
