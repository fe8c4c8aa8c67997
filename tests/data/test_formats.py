"""Shards, tables of paths, memory maps, URLs, column names, and images that cannot be decoded."""

from __future__ import annotations

import csv
import io
import json
import sys
import tarfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

import bounds
from bounds.errors import InvalidData, InvalidInput, InvalidOption, MissingDependency
from bounds.representations.inputs import open_source
from tests.data.test_data import GREY, RGB, N, Y, png, read, write_folder, write_parquet

PICTURES = [png(x) for x in RGB.transpose(0, 2, 3, 1)]
WORDS = ["ant", "bee", "cat", "dog"]


def write_tar(path, items):
    """Items are {extension: bytes}."""
    with tarfile.open(path, "w") as archive:
        for i, item in enumerate(items):
            for ending, content in item.items():
                member = tarfile.TarInfo(f"part/{i:06d}.{ending}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    return path


def shard(path, rows=range(N), label="cls"):
    items = [{"png": PICTURES[i], label: str(Y[i]).encode()} for i in rows]
    return write_tar(path, items)


def write_csv(path, labels=Y, names=("path", "label")):
    folder = path.parent / "images"
    folder.mkdir(exist_ok=True)
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(names)
        for i, picture in enumerate(PICTURES):
            (folder / f"{i}.png").write_bytes(picture)
            rows.writerow([f"images/{i}.png", labels[i]])
    return path


def same(source, images=RGB, labels=Y, **options):
    (x,), y = read(source, **options)
    assert np.array_equal(x, images)
    assert np.array_equal(y, labels)


def test_shards_of_webdataset(tmp_path):
    same(open_source(shard(tmp_path / "a.tar"), name="labeled"))
    first, second = shard(tmp_path / "s-0.tar", range(9)), shard(tmp_path / "s-1.tar", range(9, N))
    both = open_source([first, second], name="labeled")
    same(both)
    assert both.count == N
    (x,), _ = read(open_source(str(tmp_path / "s-*.tar"), name="labeled"), start=7, stop=12)
    assert np.array_equal(x, RGB[7:12])


def test_shards_with_json_and_words(tmp_path):
    items = [{"json": json.dumps({"label": WORDS[Y[i]]}).encode(), "png": p} for i, p in enumerate(PICTURES)]
    source = open_source(write_tar(tmp_path / "a.tar", items), name="labeled")
    same(source)
    assert source.class_names == tuple(WORDS)
    odd = [{"target.txt": str(Y[i]).encode(), "photo.png": p} for i, p in enumerate(PICTURES)]
    described = bounds.load_data(write_tar(tmp_path / "b.tar", odd), image="photo.png", label="target.txt")
    same(open_source(described, name="labeled"))


def test_damaged_shards(tmp_path):
    path = shard(tmp_path / "a.tar")
    (tmp_path / "cut.tar").write_bytes(path.read_bytes()[:4000])
    (tmp_path / "no.tar").write_bytes(b"nothing" * 300)
    for name in ("cut.tar", "no.tar"):
        with pytest.raises(InvalidData, match=r"read as an uncompressed tar|cut short"):
            open_source(tmp_path / name, name="labeled")
    with pytest.raises(InvalidData, match="no images; its items have txt"):
        open_source(write_tar(tmp_path / "text.tar", [{"txt": b"a"}]), name="labeled")
    with pytest.raises(InvalidData, match="no label for item 'part/000001'"):
        open_source(
            write_tar(tmp_path / "l.tar", [{"png": PICTURES[0], "cls": b"1"}, {"png": PICTURES[1]}]), name="x"
        )


def test_tables_of_paths(tmp_path):
    same(open_source(write_csv(tmp_path / "a.csv"), name="labeled"))
    source = open_source(write_csv(tmp_path / "b.csv", [WORDS[y] for y in Y]), name="labeled")
    same(source)
    assert source.class_names == tuple(WORDS)
    table = pa.table({"file_name": [f"images/{i}.png" for i in range(N)], "label": Y})
    pq.write_table(table, tmp_path / "c.parquet")
    same(open_source(tmp_path / "c.parquet", name="labeled"))
    described = bounds.load_data(
        write_csv(tmp_path / "d.csv", names=("where is it", "what")), image="where is it", label="what"
    )
    same(open_source(described, name="labeled"))


def test_tables_that_name_no_file(tmp_path):
    path = write_csv(tmp_path / "a.csv")
    (tmp_path / "images" / "3.png").unlink()
    with pytest.raises(InvalidData, match=r"images/3\.png'.*which is no file"):
        open_source(path, name="labeled")
    (tmp_path / "e.csv").write_text("path,label\n")
    with pytest.raises(InvalidData, match="empty"):
        open_source(tmp_path / "e.csv", name="labeled")


def test_memory_maps(tmp_path):
    np.save(tmp_path / "x.npy", RGB)
    np.save(tmp_path / "y.npy", Y)
    source = open_source((tmp_path / "x.npy", tmp_path / "y.npy"), name="labeled")
    same(source)
    assert isinstance(source.arrays[0], np.memmap)
    same(open_source((str(tmp_path / "x.npy"), Y), name="labeled"))
    views, none = read(open_source(tmp_path / "x.npy", name="unlabeled"))
    assert np.array_equal(views[0], RGB)
    assert none is None
    np.save(tmp_path / "o.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(InvalidData, match=r"cannot be read as \.npy"):
        open_source(tmp_path / "o.npy", name="labeled")
    with pytest.raises(InvalidInput, match="no file"):
        open_source((tmp_path / "none.npy", Y), name="labeled")


def test_urls_are_copied_once(tmp_path, monkeypatch):
    import fsspec

    monkeypatch.setenv("BOUNDS_CACHE", str(tmp_path / "cache"))
    files = fsspec.filesystem("memory")
    path = shard(tmp_path / "a.tar")
    files.pipe("/bucket/a.tar", path.read_bytes())
    same(open_source("memory://bucket/a.tar", name="labeled"))
    copies = list((tmp_path / "cache").rglob("*.tar"))
    before = copies[0].stat().st_mtime_ns
    same(open_source("memory://bucket/*.tar", name="labeled"))
    same(open_source("memory://bucket/a.tar", name="labeled"))
    assert copies[0].stat().st_mtime_ns == before
    with pytest.raises(InvalidInput, match="nothing is at"):
        open_source("memory://bucket/b.tar", name="labeled")


def test_column_names(tmp_path):
    path = write_parquet(tmp_path / "a.parquet", column="photo", label="kind")
    same(open_source(bounds.load_data(path, image="photo", label="kind"), name="labeled"))
    with pytest.raises(InvalidOption, match=r"`label` names .knd.*kind"):
        open_source(bounds.load_data(path, image="photo", label="knd"), name="labeled")
    with pytest.raises(InvalidInput, match="no columns"):
        open_source(bounds.load_data(RGB, image="photo"), name="labeled")
    with pytest.raises(InvalidOption, match="`broken`"):
        bounds.load_data(path, broken="ignore")


def test_a_folder_of_parquet_files(tmp_path):
    (tmp_path / "data").mkdir()
    write_parquet(tmp_path / "data" / "train-00000-of-00001.parquet")
    same(open_source(tmp_path, name="labeled"))
    write_parquet(tmp_path / "data" / "test-00000-of-00001.parquet")
    with pytest.raises(InvalidInput, match="splits test, train"):
        open_source(tmp_path, name="labeled")
    same(open_source(str(tmp_path / "data" / "train-*.parquet"), name="labeled"))


def test_class_folders_beside_a_table_stay_class_folders(tmp_path):
    write_folder(tmp_path, RGB.transpose(0, 2, 3, 1), Y)
    write_parquet(tmp_path / "index.parquet")
    source = open_source(tmp_path, name="labeled")
    assert source.class_names == tuple(f"class{k}" for k in range(4))


BAD = [2, 7, 8, N - 1]
GOOD = np.setdiff1d(np.arange(N), BAD)


@pytest.mark.parametrize("form", ["tar", "parquet", "csv", "folder"])
def test_broken_images(form, tmp_path):
    pictures = [b"broken" if i in BAD else p for i, p in enumerate(PICTURES)]
    if form == "tar":
        path = write_tar(
            tmp_path / "a.tar", [{"png": p, "cls": str(Y[i]).encode()} for i, p in enumerate(pictures)]
        )
    elif form == "parquet":
        path = write_parquet(tmp_path / "a.parquet", images=pictures)
    elif form == "csv":
        path = write_csv(tmp_path / "a.csv")
        for i in BAD:
            (tmp_path / "images" / f"{i}.png").write_bytes(b"broken")
    else:
        path = tmp_path / "a"
        for i, picture in enumerate(pictures):
            folder = path / WORDS[Y[i]]
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{i:03d}.png").write_bytes(picture)
    with pytest.raises(InvalidData, match="cannot be decoded"):
        read(open_source(path, name="labeled"))
    source = open_source(bounds.load_data(path, broken="skip"), name="labeled")
    order = GOOD if form != "folder" else np.concatenate([GOOD[Y[GOOD] == k] for k in range(4)])
    same(source, RGB[order], Y[order])
    same(source, RGB[order], Y[order], batch_size=1)
    (x,), y = read(source, start=3, stop=9)
    assert np.array_equal(x, RGB[order[3:9]])
    assert np.array_equal(y, Y[order[3:9]])
    assert "4 of 23 items (0.17 of all) cannot be decoded" in source.notes[-1]
    assert source.count == len(GOOD)


def test_the_report_says_which_share_was_left_out(tmp_path):
    pictures = [b"broken" if i in BAD else p for i, p in enumerate(PICTURES)]
    items = [{"png": p, "cls": str(Y[i]).encode()} for i, p in enumerate(pictures)]
    path = write_tar(tmp_path / "a.tar", items)

    def evaluated(data):
        return bounds.evaluate(lambda x: x.flatten(1).float(), data, bounds=["held_out"], progress=False)

    with pytest.raises(InvalidData, match=r"part/000002.*cannot be decoded"):
        evaluated(path)
    report = evaluated(bounds.load_data(path, broken="skip"))
    said = [note for note in report.notes if "4 of 23 items (0.17 of all) cannot be decoded" in note]
    assert "part/000002" in said[0]
    assert "cannot be decoded" in report.to_html()
    assert "cannot be decoded" in report.to_text()


@pytest.mark.parametrize(
    ("name", "module", "extra"),
    [
        ("a.h5", "h5py", "h5py"),
        ("a.zarr", "zarr", "zarr"),
        ("memory://bucket/a.tar", "fsspec", "remote"),
        ("saved", "datasets", "datasets"),
    ],
)
def test_a_missing_library_is_one_sentence(name, module, extra, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    if name == "saved":
        (tmp_path / name).mkdir()
        (tmp_path / name / "dataset_info.json").write_text("{}")
        (tmp_path / name / "state.json").write_text("{}")
    elif name == "a.h5":
        (tmp_path / name).write_bytes(b"x")
    elif name == "a.zarr":
        (tmp_path / name).mkdir()
    path = name if "://" in name else tmp_path / name
    with pytest.raises(MissingDependency) as error:
        open_source(path, name="labeled")
    assert f"ssl-bounds[{extra}]" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.slow
def test_more_broken_images_than_python_has_stack(tmp_path):
    items = [{"png": PICTURES[0] if i % 300 == 7 else b"no", "cls": b"0"} for i in range(1500)]
    source = open_source(
        bounds.load_data(write_tar(tmp_path / "a.tar", items), broken="skip"), name="labeled"
    )
    assert source.count == 5
    same(source, RGB[[0] * 5], np.zeros(5))


def test_nothing_broken_says_nothing_and_all_broken_is_refused(tmp_path):
    source = open_source(bounds.load_data(shard(tmp_path / "a.tar"), broken="skip"), name="labeled")
    same(source)
    assert source.notes == ()
    bad = write_tar(tmp_path / "b.tar", [{"png": b"no", "cls": b"0"}] * 3)
    with pytest.raises(InvalidData, match="no item that can be decoded"):
        open_source(bounds.load_data(bad, broken="skip"), name="labeled")


def test_grey_shards_stay_grey(tmp_path):
    items = [{"png": png(x), "cls": b"0"} for x in GREY]
    (x,), _ = read(open_source(write_tar(tmp_path / "a.tar", items), name="labeled"))
    assert np.array_equal(x[:, 0], GREY)


@pytest.mark.hubs
def test_data_sets_of_hugging_face(tmp_path):
    import datasets

    features = datasets.Features({"photo": datasets.Image(), "label": datasets.ClassLabel(names=WORDS)})
    images = [Image.open(io.BytesIO(p)) for p in PICTURES]
    made = datasets.Dataset.from_dict({"photo": images, "label": Y.tolist()}, features=features)
    described = bounds.load_data(made, image="photo")
    source = open_source(described, name="labeled")
    same(source)
    assert source.class_names == tuple(WORDS)
    made.save_to_disk(tmp_path / "saved")
    same(open_source(bounds.load_data(tmp_path / "saved", image="photo"), name="labeled"))
    (tmp_path / "layout" / "data").mkdir(parents=True)
    made.rename_column("photo", "image").to_parquet(tmp_path / "layout" / "data" / "train-0.parquet")
    layout = open_source(tmp_path / "layout", name="labeled")
    same(layout)
    assert layout.class_names == tuple(WORDS)
    same(open_source(made.rename_column("photo", "image").select(range(5, N)), name="x"), RGB[5:], Y[5:])
    with pytest.raises(InvalidInput, match="splits train"):
        open_source(datasets.DatasetDict(train=made), name="labeled")


@pytest.mark.hubs
@pytest.mark.parametrize("form", ["h5", "zarr"])
def test_chunked_arrays(form, tmp_path):
    path = tmp_path / f"a.{form}"
    if form == "h5":
        import h5py

        with h5py.File(path, "w") as file:
            file["x"], file["y"] = RGB, Y
    else:
        import zarr

        group = zarr.open_group(str(path), mode="w")
        group.create_array("x", data=RGB)
        group.create_array("y", data=Y)
    same(open_source(path, name="labeled"))


def test_folders_are_as_before(tmp_path):
    write_folder(tmp_path / "a", RGB.transpose(0, 2, 3, 1), Y)
    (x,), _ = read(open_source(tmp_path / "a", name="labeled"))
    assert x.shape == RGB.shape
