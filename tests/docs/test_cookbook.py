"""Every page of the cookbook runs, with random weights and small data of the real format."""

from __future__ import annotations

import csv
import io
import re
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from bounds.data.preprocessing import Preprocessing
from bounds.encoders.architectures import SmallConvNet
from bounds.encoders.checkpoints import Encoder, save_encoder

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "cookbook"
PAGES = sorted(path.name for path in FOLDER.glob("*.md") if path.name != "README.md")
WORDS = ["ant", "bee", "cat"]
N = 30


def blocks(text: str) -> list[str]:
    """The code that is run."""
    return re.findall(r"^```python\n(.*?)^```", text, flags=re.M | re.S)


def images() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    y = np.arange(N) % 3
    x = rng.integers(0, 200, (N, 32, 32, 3), dtype=np.uint8)
    x[np.arange(N), :, :, y] = 255
    return x, y


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def shard(path, rows):
    x, y = images()
    with tarfile.open(path, "w") as archive:
        for i in rows:
            for ending, content in (("png", png(x[i])), ("cls", str(y[i]).encode())):
                member = tarfile.TarInfo(f"{i:04d}.{ending}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))


def common():
    """What every page may use: an encoder of the package, labeled and test images."""
    x, y = images()
    x = x.transpose(0, 3, 1, 2)
    np.savez("labeled.npz", x=x[:20], y=y[:20])
    np.savez("test.npz", x=x[20:], y=y[20:])
    torch.manual_seed(0)
    network = SmallConvNet(in_channels=3, width=4, dim=8).eval()
    save_encoder(Encoder(network, preprocessing=Preprocessing(channels=3)), "encoder.safetensors")


def dinov2():
    import transformers as t

    config = t.Dinov2Config(
        hidden_size=24, num_hidden_layers=2, num_attention_heads=2, image_size=28, patch_size=14
    )
    t.Dinov2Model(config).save_pretrained("dinov2-folder")


def clip():
    import open_clip

    torch.save(open_clip.create_model("ViT-S-32-alt", load_weights=False).state_dict(), "clip.pt")


def dino():
    import timm

    network = timm.create_model("vit_tiny_patch16_224", num_classes=0, img_size=32)
    state = {f"module.backbone.{name}": value for name, value in network.state_dict().items()}
    torch.save({"teacher": state, "student": dict(state)}, "dino.pth")


def parquet(name, broken=()):
    import json

    import pyarrow as pa
    import pyarrow.parquet as pq

    x, y = images()
    kind = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    cells = [{"bytes": b"no" if i in broken else png(x[i]), "path": None} for i in range(N)]
    features = {"image": {"_type": "Image"}, "label": {"names": WORDS, "_type": "ClassLabel"}}
    schema = pa.schema(
        [("image", kind), ("label", pa.int64())],
        metadata={"huggingface": json.dumps({"info": {"features": features}})},
    )
    pq.write_table(pa.table({"image": pa.array(cells, kind), "label": pa.array(y)}, schema=schema), name)


def table():
    x, y = images()
    Path("images").mkdir()
    with open("photos.csv", "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["where", "species"])
        for i in range(N):
            Path(f"images/{i}.png").write_bytes(png(x[i]))
            rows.writerow([f"images/{i}.png", WORDS[y[i]]])


def folders():
    x, y = images()
    for i in range(N):
        part = Path("photos", "unlabeled" if i < 8 else f"{'train' if i < 20 else 'val'}/{WORDS[y[i]]}")
        part.mkdir(parents=True, exist_ok=True)
        (part / f"{i}.png").write_bytes(png(x[i]))


def chunked():
    import h5py
    import zarr

    x, y = images()
    with h5py.File("photos.h5", "w") as file:
        file["x"], file["y"] = x.transpose(0, 3, 1, 2), y
    group = zarr.open_group("photos.zarr", mode="w")
    group.create_array("pixels", data=x.transpose(0, 3, 1, 2))
    group.create_array("species", data=y)


def urls():
    import fsspec

    for i, rows in enumerate((range(15), range(15, N))):
        shard("one.tar", rows)
        fsspec.filesystem("memory").pipe(f"/bucket/train-{i}.tar", Path("one.tar").read_bytes())


def shards():
    shard("train-0.tar", range(10))
    shard("train-1.tar", range(10, 20))
    shard("val.tar", range(20, N))


def maps():
    rng = np.random.default_rng(0)
    np.save("features.npy", rng.normal(size=(60, 5)))
    np.save("labels.npy", np.arange(60) % 3)


MADE = {
    "transformers.md": dinov2,
    "open-clip.md": clip,
    "published-files.md": dino,
    "huggingface-data.md": lambda: parquet("photos.parquet"),
    "broken-images.md": lambda: parquet("damaged.parquet", {4, 9}),
    "path-tables.md": table,
    "image-folders.md": folders,
    "hdf5-zarr.md": chunked,
    "urls.md": urls,
    "webdataset.md": shards,
    "memory-maps.md": maps,
}


@pytest.mark.hubs
@pytest.mark.parametrize("page", PAGES)
def test_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BOUNDS_CACHE", str(tmp_path / "cache"))
    common()
    MADE.get(page, lambda: None)()
    if page == "ray.md":
        import ray

        monkeypatch.setenv("RAY_worker_niceness", "0")  # else a busy machine leaves the workers no time
        ray.init(num_cpus=1, include_dashboard=False, object_store_memory=100 * 2**20, log_to_driver=False)
    try:
        code = "\n".join(blocks((FOLDER / page).read_text(encoding="utf-8")))
        exec(compile(code, page, "exec"), {"__name__": "__main__"})
    finally:
        if page == "ray.md":
            ray.shutdown()


def test_every_page_is_in_the_list_and_has_code():
    listed = (FOLDER / "README.md").read_text(encoding="utf-8")
    for page in PAGES:
        assert f"({page})" in listed
        assert blocks((FOLDER / page).read_text(encoding="utf-8"))
    assert set(re.findall(r"\((\S+\.md)\)", listed)) == set(PAGES)
    assert MADE.keys() <= set(PAGES)
