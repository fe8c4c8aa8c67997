"""Every accepted form of data gives the same items; every form of bad data gives one clear sentence."""

import io
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.numpy import save_file
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from bounds.errors import CorruptStore, InvalidData, InvalidInput
from bounds.representations.inputs import open_source
from bounds.representations.store import StoreWriter

N = 23
RNG = np.random.default_rng(0)
RGB = RNG.integers(0, 256, (N, 3, 12, 10), dtype=np.uint8)
GREY = RNG.integers(0, 256, (N, 12, 10), dtype=np.uint8)
Y = np.arange(N) % 4
Z1, Z2 = RNG.normal(size=(2, N, 6)).astype(np.float32)


def read(source, **options):
    """All items of a source: views, labels."""
    batches = list(source.batches(**({"batch_size": 5} | options)))
    start = options.get("start", 0)
    assert [b.first_row for b in batches] == (
        start + np.cumsum([0] + [b.count for b in batches])[:-1]
    ).tolist()
    views = tuple(torch.cat(view).numpy() for view in zip(*(b.views for b in batches), strict=True))
    labels = None if batches[0].labels is None else torch.cat([b.labels for b in batches]).numpy()
    return views, labels


def png(array, mode=None, form="PNG", **options):
    buffer = io.BytesIO()
    image = Image.fromarray(array)
    (image if mode is None else image.convert(mode)).save(buffer, form, **options)
    return buffer.getvalue()


def write_parquet(path, images=None, labels=Y, column="img", label="label", binary=False, **options):
    import pyarrow as pa
    import pyarrow.parquet as pq

    images = [png(x) for x in RGB.transpose(0, 2, 3, 1)] if images is None else images
    kind = pa.binary() if binary else pa.struct({"bytes": pa.binary(), "path": pa.string()})
    cells = images if binary else [None if x is None else {"bytes": x, "path": None} for x in images]
    columns = {column: pa.array(cells, kind)}
    if labels is not None:
        columns[label] = pa.array(labels)
    pq.write_table(pa.table(columns), path, **options)
    return path


def write_folder(path, images, labels=None):
    for i, image in enumerate(images):
        folder = path if labels is None else path / f"class{labels[i]}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{i:03d}.png").write_bytes(png(image))
    return path


class Items(Dataset):
    def __init__(self, items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


class Stream(IterableDataset):
    def __init__(self, items):
        self.items = items

    def __iter__(self):
        return iter(self.items)


def hwc(x):
    return x.transpose(0, 2, 3, 1)


def forms(tmp):
    """name -> (data, expected views, expected labels)."""
    np.savez(tmp / "xy.npz", x=RGB, y=Y)
    np.savez_compressed(tmp / "pairs.npz", x1=Z1, x2=Z2, y=Y)
    save_file({"x": RGB, "y": Y}, tmp / "xy.safetensors")
    memmap = np.memmap(tmp / "raw.bin", np.uint8, "w+", shape=RGB.shape)
    memmap[:] = RGB
    write_parquet(tmp / "a.parquet", row_group_size=7)
    write_parquet(tmp / "b.parquet", column="image", binary=True, labels=None)
    order = np.argsort(Y, kind="stable")
    write_folder(tmp / "classes", hwc(RGB), Y)
    write_folder(tmp / "flat", hwc(RGB))
    store = StoreWriter(tmp / "store", {}, shard_rows=7)
    for i in range(0, N, 4):
        store.append((Z1[i : i + 4], Z2[i : i + 4]), Y[i : i + 4])
    store.finish()
    as_torch = torch.from_numpy
    rgb, grey, float_rgb = (RGB,), (GREY[:, None],), (RGB / np.float32(255),)
    pil = [Image.fromarray(x) for x in hwc(RGB)]
    pairs = TensorDataset(as_torch(Z1), as_torch(Z2), as_torch(Y))
    return {
        "array": (RGB, rgb, None),
        "tensor": (as_torch(RGB), rgb, None),
        "memmap": (memmap, rgb, None),
        "nhwc": ((hwc(RGB), Y), rgb, Y),
        "grey": ((GREY, Y), grey, Y),
        "grey nhwc": (GREY[..., None], grey, None),
        "float64": ((RGB / 255, list(Y)), (RGB / 255,), Y),
        "float16": (RGB.astype(np.float16) / 256, (RGB.astype(np.float16) / 256,), None),
        "big-endian": ((Z1.astype(">f4"), Y.astype(">i2")), (Z1,), Y),
        "negative strides": (RGB[::-1], (RGB[::-1],), None),
        "vectors": (Z1, (Z1,), None),
        "integer vectors": (np.arange(12).reshape(4, 3), (np.arange(12.0).reshape(4, 3),), None),
        "requires grad": (as_torch(Z1).clone().requires_grad_(), (Z1,), None),
        "pair": ((Z1, Z2), (Z1, Z2), None),
        "pair of tensors with labels": ((as_torch(Z1), as_torch(Z2), as_torch(Y)), (Z1, Z2), Y),
        "pair of images": ((RGB, RGB[::-1]), (RGB, RGB[::-1]), None),
        "npz": (tmp / "xy.npz", rgb, Y),
        "compressed npz": (str(tmp / "pairs.npz"), (Z1, Z2), Y),
        "safetensors": (tmp / "xy.safetensors", rgb, Y),
        "parquet": (tmp / "a.parquet", rgb, Y),
        "binary parquet": (tmp / "b.parquet", rgb, None),
        "list of files": (
            [tmp / "xy.npz", tmp / "a.parquet"],
            (np.concatenate([RGB, RGB]),),
            np.concatenate([Y, Y]),
        ),
        "glob": (str(tmp / "x*.npz"), rgb, Y),
        "folder of classes": (tmp / "classes", (RGB[order],), Y[order]),
        "flat folder": (tmp / "flat", rgb, None),
        "store": (tmp / "store", (Z1, Z2), Y),
        "data set": (TensorDataset(as_torch(RGB), as_torch(Y)), rgb, Y),
        "data set of x alone": (TensorDataset(as_torch(Z1)), (Z1,), None),
        "data set of PIL images": (Items(list(zip(pil, Y.tolist(), strict=True))), rgb, Y),
        "data set of nested pairs": (
            Items([((a, b), int(y)) for a, b, y in zip(Z1, Z2, Y, strict=True)]),
            (Z1, Z2),
            Y,
        ),
        "data set of mappings": (
            Items([{"img": x, "label": y} for x, y in zip(pil, Y, strict=True)]),
            rgb,
            Y,
        ),
        "data set of triples": (pairs, (Z1, Z2), Y),
        "data set of vectors with labels": (Items(list(zip(Z1, Y, strict=True))), (Z1,), Y),
        "loader": (
            DataLoader(TensorDataset(as_torch(RGB / np.float32(255)), as_torch(Y)), batch_size=4),
            float_rgb,
            Y,
        ),
        "loader of pairs": (DataLoader(pairs, batch_size=7), (Z1, Z2), Y),
        "loader of x alone": (DataLoader(as_torch(Z1), batch_size=7), (Z1,), None),
        "iterable": (Stream(list(zip(RGB, Y, strict=True))), rgb, Y),
        "loader of an iterable": (DataLoader(Stream(list(zip(RGB, Y, strict=True))), batch_size=3), rgb, Y),
    }


_FOLDER = tempfile.TemporaryDirectory()
FORMS = forms(Path(_FOLDER.name))


@pytest.mark.parametrize("form", FORMS)
def test_each_form_gives_its_items_in_order_and_from_any_row(form):
    data, expected, expected_labels = FORMS[form]
    source = open_source(data, name="labeled")
    assert source.views == len(expected)
    assert source.has_labels == (expected_labels is not None)
    assert source.kind == ("vectors" if expected[0].ndim == 2 else "images")
    n = len(expected[0])
    assert source.count in (n, None)
    if source.count is None:
        assert "iterable" in form
    for options in (
        {},
        {"batch_size": 100},
        {"start": 9},
        {"start": 3, "stop": 8},
        {"start": 2, "stop": n + 50},
    ):
        if options.get("start", 0) >= n:
            continue
        rows = slice(options.get("start", 0), options.get("stop"))
        views, labels = read(source, **options)
        for view, want in zip(views, expected, strict=True):
            np.testing.assert_array_equal(view, want[rows])
            assert view.dtype == want.dtype.newbyteorder("=")
        if expected_labels is not None:
            assert labels.dtype == np.int64
            np.testing.assert_array_equal(labels, expected_labels[rows])
    first = source.fingerprint()
    assert first == source.fingerprint() == open_source(data, name="labeled").fingerprint()


def test_fingerprints_tell_data_apart():
    changed = RGB.copy()
    changed[-1, -1, -1, -1] ^= 1
    prints = [
        open_source(x, name="x").fingerprint() for x in (RGB, changed, RGB[:-1], (RGB, Y), (RGB, Y + 1))
    ]
    assert all(a != b for i, a in enumerate(prints) for b in prints[:i])


def test_a_glob_sorts_its_matches(tmp_path):
    for i in (2, 0, 1):
        np.savez(tmp_path / f"part{i}.npz", x=Z1[i : i + 1])
    (views,), _ = read(open_source(tmp_path / "part*.npz", name="unlabeled"))
    np.testing.assert_array_equal(views, Z1[:3])


def test_looking_at_a_shuffled_loader_leaves_its_order_and_the_random_state_alone():
    loader = DataLoader(TensorDataset(torch.from_numpy(Z1)), batch_size=4, shuffle=True)
    torch.manual_seed(7)
    expected = torch.cat([batch[0] for batch in loader]).numpy()
    torch.manual_seed(7)
    source = open_source(loader, name="unlabeled")
    np.testing.assert_array_equal(read(source)[0][0], expected)


def test_images_of_unequal_sizes_are_brought_to_one_size(tmp_path):
    sizes = [(20, 30), (16, 16), (40, 20)]
    images = [np.full((h, w, 3), 40 * (i + 1), np.uint8) for i, (h, w) in enumerate(sizes)]
    for data in (write_folder(tmp_path / "f", images), Items([torch.from_numpy(x) for x in images])):
        source = open_source(data, name="unlabeled")
        for batch_size in (1, 2, 3):
            views = [view for b in source.batches(batch_size, size=16) for view in b.views[0]]
            for i, view in enumerate(views):
                assert view.ndim == 3
                if view.dtype == torch.float32:
                    assert view.shape == (3, 16, 16)
                    torch.testing.assert_close(view, torch.full((3, 16, 16), 40 * (i + 1) / 255))
        for batch_size in (1, 3):
            with pytest.raises(InvalidData, match=r"unequal sizes, 20x30 and 16x16 \(row 1\); .*`size`"):
                list(source.batches(batch_size))


def test_grey_images_among_rgb_ones_become_rgb(tmp_path):
    images = [np.full((8, 8), 51, np.uint8), np.full((8, 8, 3), 102, np.uint8)]
    (view,), _ = read(open_source(write_folder(tmp_path, images), name="unlabeled"))
    assert view.dtype == np.uint8
    np.testing.assert_array_equal(view, np.stack([np.full((3, 8, 8), 51), np.full((3, 8, 8), 102)]))


@pytest.mark.parametrize(
    ("array", "mode", "shape"),
    [
        (RGB[0].transpose(1, 2, 0), "RGBA", (3,)),
        (GREY[0], "1", ()),
        (GREY[0], "P", (3,)),
        (GREY[0], "LA", ()),
    ],
)
def test_palettes_and_transparency_are_decoded(tmp_path, array, mode, shape):
    path = write_parquet(tmp_path / "p.parquet", [png(array, mode)], None)
    (view,), _ = read(open_source(path, name="unlabeled"))
    assert view.shape == (1, *(shape or (1,)), 12, 10)


def test_class_names_in_the_metadata_count_as_classes(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(write_parquet(tmp_path / "p.parquet"))
    note = b'{"info": {"features": {"label": {"names": ["a", "b", "c", "d", "e"], "_type": "ClassLabel"}}}}'
    pq.write_table(table.replace_schema_metadata({b"huggingface": note}), tmp_path / "q.parquet")
    assert open_source(tmp_path / "p.parquet", name="x").num_classes is None
    assert open_source(tmp_path / "q.parquet", name="x").num_classes == 5
    assert isinstance(table, pa.Table)


def nan_at(row, shape=(N, 6), value=np.nan):
    x = np.zeros(shape, np.float32)
    x[row].flat[1] = value
    return x


BAD_ARRAYS = {
    "one axis": (np.zeros(5), r"`labeled` has shape \(5,\); images are"),
    "five axes": (np.zeros((2, 3, 4, 5, 6)), r"has shape \(2, 3, 4, 5, 6\)"),
    "no items": (np.zeros((0, 4)), r"`labeled` is empty: shape \(0, 4\)"),
    "no dimensions": (np.zeros((4, 0)), r"is empty: shape \(4, 0\)"),
    "two channels": (np.zeros((4, 2, 8, 8), np.uint8), r"images need 1 channel \(grey\) or 3 \(RGB\)"),
    "objects": (np.array([[1, "a"]], dtype=object), "type object; vectors must be real numbers"),
    "complex": (np.zeros((3, 4), complex), "type complex128"),
    "strings": (np.array([["a", "b"]]), "type str"),
    "integer images": (
        np.zeros((3, 8, 8), np.int64),
        r"type int64; images must be uint8 \(0 to 255\) or floats",
    ),
    "NaN": (nan_at(7), "`labeled` has NaN or infinity in row 7"),
    "infinity": (nan_at(22, value=np.inf), "NaN or infinity in row 22"),
    "NaN pixel": (nan_at(9, (N, 8, 8)), "NaN or infinity in row 9"),
    "float 0 to 255": (
        nan_at(6, (N, 8, 8), 255),
        r"values from 0 to 255 in row 6; floats must lie in \[0, 1\]",
    ),
    "normalised": (nan_at(6, (N, 8, 8), -2), "values from -2 to 0 in row 6"),
    "labels too few": ((Z1, Y[:-1]), r"one label for each of 23 items, got labels of shape \(22,\)"),
    "labels one-hot": (
        (Z1, np.eye(4)[Y]),
        r"labels of shape \(23, 4\), several classes for one item; give one class index .*argmax",
    ),
    "labels fractional": (
        (Z1, np.where(np.arange(N) == 4, 0.5, Y)),
        r"label 0\.5 in row 4; .*integers from 0",
    ),
    "labels NaN": ((Z1, np.where(np.arange(N) == 3, np.nan, Y)), r"no label \(NaN\) in row 3"),
    "labels negative": ((Z1, Y - 2), "label -2 in row 0"),
    "labels strings": ((Z1, np.array(["cat"] * N)), "labels of type <U3; give class indices"),
    "labels missing": ((Z1, [0, None] + [1] * (N - 2)), "no label in row 1"),
    "labels complex": ((Z1, Y + 0j), "labels of type complex128"),
    "views of two lengths": ((Z1, Z2[:-1]), r"shapes \(23, 6\) and \(22, 6\)"),
    "views of two kinds": ((Z1, RGB), "two views need one shape"),
    "empty data set": (Items([]), "empty data set"),
    "empty loader": (DataLoader(Items([])), "`labeled` is empty"),
    "empty iterable": (Stream([]), "`labeled` is empty"),
    "data set of strings": (Items(["a"]), "Row 0 of `labeled` is str; items must be"),
    "data set of ragged vectors": (Items([np.zeros(3), np.zeros(4)]), "vectors of unequal lengths"),
    "data set with a missing label": (Items([(Z1[0], 1), (Z1[1], None)]), "no label in row 1"),
    "data set with four parts": (Items([(1, 2, 3, 4)]), "tuple of 4; items are"),
    "data set with NaN": (Items(list(nan_at(5))), "NaN or infinity in row 5"),
    "loader with a bad label": (
        DataLoader(Items([(z, -i) for i, z in enumerate(Z1)]), 4),
        "label -2 in row 2",
    ),
}


@pytest.mark.parametrize("name", BAD_ARRAYS)
def test_bad_arrays_and_data_sets_are_refused_with_a_reason(name):
    data, message = BAD_ARRAYS[name]
    with pytest.raises(InvalidData, match=message):
        read(open_source(data, name="labeled"))


def test_labels_beyond_the_stated_classes_are_refused():
    with pytest.raises(InvalidData, match=r"label 3 in row 3; .*integers from 0 to 2\."):
        open_source((Z1, Y), name="labeled", num_classes=3)


@pytest.mark.parametrize("data", [None, 5, (Z1,), [Z1, Z2, Y, Y], iter([Z1]), ("a", 5), ([[1.0]], [0]), {}])
def test_things_that_are_no_data_are_refused(data):
    with pytest.raises(InvalidInput, match=r"`labeled` (is|holds) a .*; give arrays or tensors"):
        open_source(data, name="labeled")


def test_the_dataset_s_own_errors_say_which_row():
    class Broken(Items):
        def __getitem__(self, i):
            return super().__getitem__(i) if i < 2 else 1 / 0

    with pytest.raises(
        InvalidData, match=r"`unlabeled` cannot give row 2 \(ZeroDivisionError: division by zero\)"
    ) as caught:
        read(open_source(Broken(list(Z1)), name="unlabeled"))
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_missing_files_are_named(tmp_path):
    with pytest.raises(InvalidInput, match=r"`test`: there is no file or folder '.*nothing\.npz'"):
        open_source(tmp_path / "nothing.npz", name="test")
    with pytest.raises(InvalidInput, match=r"`test`: nothing matches '.*\*\.npz'"):
        open_source(tmp_path / "*.npz", name="test")
    (tmp_path / "a.xyz").write_text("1,2")
    with pytest.raises(InvalidInput, match=r"a\.xyz\) is of no known type; give \.npz"):
        open_source(tmp_path / "a.xyz", name="test")


class Bomb:
    def __reduce__(self):
        return (print, ("this must never run",))


def hostile(tmp):
    """name -> (path, message)."""
    jpeg = png(hwc(RGB)[0], form="JPEG")
    good = [png(x) for x in hwc(RGB)]
    deep = io.BytesIO()
    Image.fromarray(RNG.integers(0, 60000, (4, 4), dtype=np.uint16)).save(deep, "PNG")
    np.savez(tmp / "ok.npz", x=RGB, y=Y)
    whole = (tmp / "ok.npz").read_bytes()
    save_file({"x": RGB}, tmp / "ok.safetensors")
    tensors = (tmp / "ok.safetensors").read_bytes()
    parquet = write_parquet(tmp / "ok.parquet").read_bytes()
    files = {
        "cut.npz": (whole[: len(whole) // 2], r"cut\.npz\) cannot be read as \.npz"),
        "empty.npz": (b"", r"empty\.npz\) cannot be read as \.npz"),
        "cut.safetensors": (
            tensors[: len(tensors) // 2],
            r"cut\.safetensors\) cannot be read as \.safetensors",
        ),
        "noise.safetensors": (b"\xff" * 64, "cannot be read as .safetensors"),
        "cut.parquet": (parquet[: len(parquet) // 2], r"cut\.parquet\) cannot be read as \.parquet"),
        "noise.parquet": (b"PAR1 no", "cannot be read as .parquet"),
    }
    for name, (content, _) in files.items():
        (tmp / name).write_bytes(content)
    bad = {name: (tmp / name, message) for name, (_, message) in files.items()}

    def npz(name, message, **arrays):
        np.savez(tmp / name, **arrays)
        bad[name] = (tmp / name, message)

    npz("pickle.npz", "Python objects in 'x', which is refused", x=np.array([Bomb()], dtype=object))
    npz("pickled_labels.npz", "Python objects in 'y'", x=Z1, y=np.array([Bomb()] * N, dtype=object))
    npz("keys.npz", "has 'images', 'labels'; it needs `x`", images=RGB, labels=Y)
    npz("fortran.npz", "'x' in Fortran order", x=np.asfortranarray(Z1))
    npz("nan.npz", "NaN or infinity in row 4", x=nan_at(4), y=Y)
    npz("lengths.npz", "one label for each of 23 items", x=RGB, y=Y[1:])
    body = bytearray(whole)
    body[len(body) // 3] ^= 0xFF
    (tmp / "flipped.npz").write_bytes(body)
    bad["flipped.npz"] = (tmp / "flipped.npz", r"flipped\.npz\) cannot be read .*CRC")
    with zipfile.ZipFile(tmp / "short.npz", "w") as archive:
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(
            header, {"descr": "<f4", "fortran_order": False, "shape": (N, 6)}
        )
        archive.writestr("x.npy", header.getvalue() + Z1[:4].tobytes())
    bad["short.npz"] = (tmp / "short.npz", r"short\.npz\) cannot be read as \.npz")

    def table(name, message, *args, **kwargs):
        bad[name] = (write_parquet(tmp / name, *args, **kwargs), message)

    table("columns.parquet", r"has 'picture', 'label'; it needs `x` \(or `img`, `image`\)", column="picture")
    table(
        "null.parquet",
        r"Row 3 of `labeled` \(null\.parquet\) has no image bytes",
        [*good[:3], None, *good[4:]],
    )
    table(
        "jpeg.parquet",
        r"Row 2 of .*jpeg\.parquet\) cannot be decoded",
        [*good[:2], jpeg[: len(jpeg) // 2], *good[3:]],
    )
    table("noise_image.parquet", "Row 1 of .* cannot be decoded as an image", [good[0], b"noise"], Y[:2])
    table(
        "deep.parquet",
        "Row 0 of .* is an image of 16 bits or more a channel \\(mode I;16\\)",
        [deep.getvalue()],
        Y[:1],
    )
    table("missing_label.parquet", "no label in row 1", good[:3], [0, None, 2])
    table("negative.parquet", "label -2 in row 2", good[:3], [0, 1, -2])
    table("text_label.parquet", "labels of type", good[:2], ["cat", "dog"])
    table("none.parquet", "is empty: no rows", [], np.zeros(0, np.int64))
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"img": ["a", "b"], "label": [0, 1]}), tmp / "string.parquet")
    bad["string.parquet"] = (
        tmp / "string.parquet",
        r"names .*, which is no file; paths are relative to the table",
    )
    (tmp / "void").mkdir()
    bad["void"] = (tmp / "void", r"has no images in folder 'void'")
    write_folder(tmp / "half", hwc(RGB)[:2], [0, 1])
    (tmp / "half" / "class2").mkdir()
    bad["half"] = (tmp / "half", "has no images in folder 'class2'")
    write_folder(tmp / "broken", hwc(RGB)[:3], [0, 1, 1])
    (tmp / "broken" / "class1" / "002.png").write_bytes(good[0][:60])
    bad["broken"] = (tmp / "broken", r"class1/002\.png in `labeled` \(broken\) cannot be decoded")
    bad["mixed"] = (
        [tmp / "ok.npz", tmp / "nan.npz"],
        r"nan\.npz\) and .*ok\.npz\) differ in kind \(vectors and images\)",
    )
    return bad


(Path(_FOLDER.name) / "hostile").mkdir()
HOSTILE = hostile(Path(_FOLDER.name) / "hostile")


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_give_one_clear_sentence_and_run_nothing(name, capsys):
    path, message = HOSTILE[name]
    with pytest.raises(InvalidData, match=message):
        read(open_source(path, name="labeled"))
    assert "never run" not in capsys.readouterr().out


def test_an_unfinished_store_is_not_taken_for_a_folder_of_images(tmp_path):
    writer = StoreWriter(tmp_path, {}, shard_rows=2)
    writer.append((Z1,), None)
    with pytest.raises(CorruptStore, match="unfinished"):
        open_source(tmp_path, name="labeled")


def test_real_parquet_files_are_read_across_files_from_any_row(image_data):
    source = open_source(str(image_data / "cifar10" / "train-*.parquet"), name="labeled")
    assert (source.count, source.num_classes) == (50_000, 10)
    batches = list(source.batches(64, start=24_990, stop=25_010))
    assert sum(b.count for b in batches) == 20
    whole = torch.cat([b.views[0] for b in batches])
    assert whole.shape == (20, 3, 32, 32)
    assert whole.dtype == torch.uint8
    second = open_source(image_data / "cifar10" / "train-00001-of-00002.parquet", name="labeled")
    assert torch.equal(next(second.batches(10)).views[0], whole[10:])
