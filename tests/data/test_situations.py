"""Data as users have them, situations drawn at random: names, shapes, files, shared items and labels come out right."""

import os
import unicodedata
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from torch.utils.data import DataLoader, Dataset, IterableDataset

import bounds
from bounds.data.class_names import agreed, renumbering, united
from bounds.data.fingerprints import fingerprints
from bounds.data.preprocessing import Preprocessing
from bounds.errors import InvalidData, InvalidOption
from bounds.representations.extraction import extract
from bounds.representations.inputs import open_source
from bounds.representations.merging import merge_stores
from bounds.representations.store import RepresentationStore, StoreWriter

RNG = np.random.default_rng(0)
DRAWN = settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
NAMES = st.lists(st.sampled_from(["a", "b", "cat", "été", "ñu", "z z"]), min_size=1, max_size=6, unique=True)


def fresh(tmp_path_factory):
    return tmp_path_factory.mktemp("d")


def colour_of(name):
    """One grey level for a class, whatever the form of its name."""
    return sum(unicodedata.normalize("NFC", name).encode()) % 250


def folder(path, counts, form="NFC"):
    for name, count in counts.items():
        inner = path / unicodedata.normalize(form, name)
        inner.mkdir(parents=True)
        for i in range(count):
            Image.new("RGB", (4, 4), (colour_of(name),) * 3).save(inner / f"{i}.png")
    return path


def read(data, **options):
    batches = list(open_source(data, name="labeled").batches(**options))
    labels = None if batches[0].labels is None else torch.cat([b.labels for b in batches]).numpy()
    return torch.cat([b.views[0] for b in batches]).numpy(), labels


class Items(Dataset):
    def __init__(self, items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        item = self.items[i]
        return item() if callable(item) else item


def mean(x):
    return x.float().mean((2, 3))


def evaluate(labeled, unlabeled=None, encoder=mean, **options):
    options.setdefault("bounds", ["held_out"])
    return bounds.evaluate(encoder, labeled, unlabeled, labeled_is_fresh=True, progress=False, **options)


# Classes go by name


@DRAWN
@given(parts=st.lists(NAMES, min_size=1, max_size=3), form=st.sampled_from(["NFC", "NFD"]))
def test_labels_follow_the_names_over_all_parts(tmp_path_factory, parts, form):
    here = fresh(tmp_path_factory)
    data = [
        folder(here / str(i), dict.fromkeys(names, 2), form if i else "NFC") for i, names in enumerate(parts)
    ]
    source = open_source(data, name="labeled")
    assert set(source.class_names) == {unicodedata.normalize("NFC", n) for names in parts for n in names}
    pixels, labels = read(data)
    level = {i: colour_of(name) for i, name in enumerate(source.class_names)}
    assert [level[y] for y in labels] == pixels[:, 0, 0, 0].tolist()


@DRAWN
@given(names=NAMES, lacking=NAMES)
def test_a_test_set_that_lacks_classes_is_matched_and_other_names_are_refused(names, lacking):
    where = {"labeled": "`labeled`", "test": "`test`"}
    one, other = tuple(sorted(names)), tuple(lacking)
    if set(one) <= set(other) or set(other) <= set(one):
        common = agreed({"labeled": one, "test": other}, where)
        for own in (one, other):
            new = renumbering(own, common)
            assert [common[i] for i in (range(len(own)) if new is None else new)] == list(own)
    else:
        with pytest.raises(InvalidData, match=r"has the classes .* but .* has ") as caught:
            agreed({"labeled": one, "test": other}, where)
        assert all(repr(name) in str(caught.value) for name in {*one, *other})


def test_numbers_without_names_need_one_list():
    where = {"labeled": "`labeled`", "test": "`test`", "unlabeled": "`unlabeled`"}
    same = {"labeled": ("a", "b"), "test": None}
    assert agreed(same, where) == ("a", "b")
    with pytest.raises(InvalidData, match="class numbers without names"):
        agreed({**same, "unlabeled": ("a", "b", "c")}, where)
    assert united([("b", "a"), ("a",)]) == ("b", "a")
    assert united([("b",), ("a",)]) == ("a", "b")


def test_the_report_keeps_the_names_and_matches_a_smaller_test_set(tmp_path):
    train = folder(tmp_path / "train", {"a": 12, "b": 12, "cat": 12})
    test = folder(tmp_path / "test", {"a": 9, "cat": 9})
    report = evaluate(
        train,
        test=test,
        bounds=["test_set"],
        declared={"repeats": "keep"},
        encoder=lambda x: torch.eye(256)[x[:, 0, 0, 0].long()],
    )
    assert report.measured["min-norm"]["error"] == 0
    assert report.class_names == ("a", "b", "cat")
    assert bounds.Report.from_dict(report.to_dict()).class_names == ("a", "b", "cat")


def test_names_of_unlabeled_data_that_are_other_ones_leave_its_labels_out(tmp_path):
    train = folder(tmp_path / "train", {"a": 12, "b": 12})
    report = evaluate(train, folder(tmp_path / "u", {"images": 20}), unlabeled_is_fresh=True)
    assert report.evidence.pairs.labels is None
    assert any("its labels are left out" in note for note in report.notes)
    with pytest.raises(InvalidData, match="'images'"):
        evaluate(train, tmp_path / "u", pairs="class")


def test_stores_keep_names_and_merge_by_them(tmp_path):
    names = (("a", "b"), ("b", "c"))
    for i, own in enumerate(names):
        writer = StoreWriter(tmp_path / str(i), {"data": i, "rows": [0, None]}, class_names=own)
        z = np.array([[i, 0], [i, 1]], np.float32)
        writer.append((z,), np.array([0, 1]), fingerprints(torch.from_numpy(z))[:, None])
        writer.finish()
    merged = merge_stores([tmp_path / "0", tmp_path / "1"], tmp_path / "out")
    assert RepresentationStore.open(tmp_path / "out").class_names == ("a", "b", "c")
    assert merged.labels.tolist() == [0, 1, 1, 2]
    kind, keys = merged.fingerprints
    assert kind == "vectors"
    assert len(np.unique(keys)) == 4
    with pytest.raises(InvalidOption, match="with the classes 'a', 'b', not 'a', 'c'"):
        StoreWriter(tmp_path / "0", {"data": 0, "rows": [0, None]}, class_names=("a", "c"))


# One image, one array


@DRAWN
@given(
    sides=st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5), st.booleans()), min_size=1, max_size=6),
    size=st.sampled_from([None, 4]),
    batch_size=st.integers(1, 7),
)
def test_files_come_out_alike_whatever_the_batches(tmp_path_factory, sides, size, batch_size):
    here = fresh(tmp_path_factory)
    if size is None:
        sides = [(*sides[0][:2], grey) for _, _, grey in sides]
    images = [RNG.integers(0, 256, (h, w) if grey else (h, w, 3), dtype=np.uint8) for h, w, grey in sides]
    for i, image in enumerate(images):
        Image.fromarray(image).save(here / f"{i}.png")
    got, _ = read(here, batch_size=batch_size, size=size)
    whole, _ = read(here, batch_size=100, size=size)
    channels = 1 if all(grey for *_, grey in sides) else 3
    assert got.dtype == whole.dtype == (np.uint8 if size is None else np.float32)
    np.testing.assert_allclose(got, whole, atol=1e-6)
    for image, out in zip(images, got, strict=True):
        want = np.broadcast_to(
            image[None] if image.ndim == 2 else image.transpose(2, 0, 1), (channels, *image.shape[:2])
        )
        if size is None:
            np.testing.assert_array_equal(out, want)
        else:
            made = Preprocessing(size=size)(torch.from_numpy(want.copy())[None])[0]
            np.testing.assert_allclose(out, made, atol=1e-6)


@pytest.mark.parametrize("shape", [(3, 5, 3), (1, 5, 3), (3, 3, 3), (1, 1, 3), (3, 5, 1)])
def test_arrays_whose_channels_could_be_first_or_last_are_refused(shape):
    array = np.zeros((2, *shape), np.uint8)
    for data in (array, Items(list(array))):
        with pytest.raises(InvalidData, match=r"could be \(C, H, W\) or \(H, W, C\)"):
            read(data)
    np.testing.assert_array_equal(read(torch.from_numpy(array))[0], array)


def test_deep_images_are_refused_also_in_colour(tmp_path):
    import struct
    import zlib

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 2, 1, 16, 2, 0, 0, 0)  # two RGB pixels of 16 bits a channel
    (tmp_path / "deep.png").write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(13)))
        + chunk(b"IEND", b"")
    )
    with pytest.raises(InvalidData, match=r"deep\.png .*16 bits or more a channel"):
        read(tmp_path)


def test_orientation_tags_are_not_applied_and_are_shown(tmp_path):
    data = folder(tmp_path / "d", {"a": 12, "b": 12})
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (4, 4), (7, 8, 9)).save(data / "a" / "t.jpg", exif=exif)
    report = evaluate(data, save_representations=tmp_path / "s")
    again = evaluate(tmp_path / "s" / "labeled", encoder=None)
    assert any("1 images carry an orientation tag" in note for note in report.notes)
    assert again.quantities["n"] == 25


def test_a_stream_that_turns_from_grey_to_colour_is_refused():
    items = [Image.new("L", (4, 4)), Image.new("RGB", (4, 4))]
    with pytest.raises(InvalidData, match="begins with grey images, but row 1 is RGB"):
        read(Items(items), batch_size=1)
    assert read(Items(items), batch_size=1, channels=3)[0].shape == (2, 3, 4, 4)


# Every file counts, or is named


@DRAWN
@given(
    places=st.lists(
        st.sampled_from(
            ["a/i.png", "a/deep/er/i.jfif", "b/.hidden/i.png", "b/.i.png", "a/i.txt", "b/link/i.png"]
        ),
        unique=True,
    )
)
def test_each_file_is_read_or_hidden_or_named(tmp_path_factory, places):
    here = folder(fresh(tmp_path_factory) / "d", {"a": 2, "b": 2})
    outside = here.parent / "outside"
    for place in places:
        path = here / place
        if "link" in place:
            outside.mkdir()
            (here / "b" / "link").symlink_to(outside)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4)).save(path, "JPEG" if path.suffix == ".jfif" else "PNG")
    seen = [p for p in places if "/." not in p and not p.endswith("txt")]
    source = open_source(here, name="labeled")
    assert source.count == 4 + len(seen) == len(read(here)[0])
    assert bool(source.notes) == ("a/i.txt" in places)
    if source.notes:
        assert "a/i.txt" in source.notes[0]


def test_dangling_links_circles_and_images_beside_folders_are_named(tmp_path):
    one = folder(tmp_path / "one", {"a": 1})
    (one / "a" / "gone.png").symlink_to(tmp_path / "nothing")
    with pytest.raises(InvalidData, match=r"'gone\.png'.*link to nothing"):
        read(one)
    two = folder(tmp_path / "two", {"a": 1})
    (two / "a" / "up").symlink_to(two)
    with pytest.raises(InvalidData, match="'up' to a folder that it lies in"):
        read(two)
    three = folder(tmp_path / "three", {"a": 1})
    Image.new("RGB", (4, 4)).save(three / "beside.png")
    with pytest.raises(InvalidData, match=r"beside its class folders, 'beside\.png'"):
        read(three)


def test_names_that_are_not_utf8_are_read_and_printable(tmp_path):
    here = folder(tmp_path / "d", {"a": 2, "b": 2})
    os.rename(os.fsencode(here / "a" / "0.png"), os.fsencode(here / "a") + b"/caf\xe9.png")
    os.rename(os.fsencode(here / "b"), os.fsencode(here) + b"/\xe9")
    source = open_source(here, name="labeled")
    assert source.count == 4
    assert source.class_names == (r"\xe9", "a") or source.class_names == ("a", r"\xe9")
    str(source.class_names).encode()
    source.fingerprint()


def test_a_truncated_file_in_a_data_set_is_named(tmp_path):
    good = tmp_path / "g.jpg"
    Image.fromarray(RNG.integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(good)
    (tmp_path / "cut.jpg").write_bytes(good.read_bytes()[:1500])
    paths = [good] * 5 + [tmp_path / "cut.jpg"]
    with pytest.raises(InvalidData, match="Row 5 of `labeled` cannot be decoded"):
        read(Items([lambda p=p: Image.open(p) for p in paths]))


@DRAWN
@given(count=st.integers(1, 40), batch=st.integers(1, 50))
def test_streams_that_begin_once_are_read_whole(count, batch):
    class Once(IterableDataset):
        def __init__(self):
            self.rows = iter([(np.full(3, i, np.float32), i % 2) for i in range(count)])

        def __iter__(self):
            return self.rows

    for data in (Once(), DataLoader(Once(), batch)):
        source = open_source(data, name="labeled")
        rows = torch.cat([b.views[0] for b in source.batches()])
        assert rows[:, 0].tolist() == list(range(count))
        with pytest.raises(InvalidData, match=f"gave {count} rows and now 0"):
            list(source.batches())


# Shared items


@DRAWN
@given(
    dtype=st.sampled_from(["uint8", "float32", "float64", "float16"]),
    last=st.booleans(),
    seed=st.integers(0, 99),
)
def test_an_image_has_one_fingerprint_however_it_comes(dtype, last, seed):
    images = np.random.default_rng(seed).integers(0, 256, (3, 3, 4, 5), dtype=np.uint8)
    given_as = images if dtype == "uint8" else (images / 255).astype(dtype)
    data = given_as.transpose(0, 2, 3, 1) if last else given_as
    (batch,) = open_source(data, name="x").batches()
    np.testing.assert_array_equal(batch.fingerprints[:, 0], fingerprints(torch.from_numpy(images)))
    changed = images.copy()
    changed[seed % 3, 1, 2, 3] ^= 1
    assert (fingerprints(torch.from_numpy(changed)) != batch.fingerprints[:, 0]).tolist() == [
        i == seed % 3 for i in range(3)
    ]


def test_fingerprints_tell_shapes_and_kinds_apart():
    zeros = [torch.zeros(1, c, h, w, dtype=torch.uint8) for c, h, w in ((1, 2, 6), (1, 6, 2), (1, 3, 4))]
    keys = [int(fingerprints(x)[0]) for x in (*zeros, torch.zeros(1, 3), torch.zeros(1, 12))]
    assert len(set(keys)) == 5
    grey = torch.arange(12, dtype=torch.uint8).reshape(1, 1, 3, 4)
    assert fingerprints(grey) == fingerprints(grey.expand(1, 3, 3, 4))


@DRAWN
@given(shared=st.integers(0, 5), repeats=st.integers(0, 3), batch_size=st.integers(1, 50))
def test_images_of_the_labeled_set_among_the_pairs_are_found_before_augmentation(shared, repeats, batch_size):
    rng = np.random.default_rng(1)
    x, u = rng.integers(0, 256, (2, 40, 3, 8, 8), dtype=np.uint8)
    x[10 : 10 + repeats] = x[9]
    u[:shared] = x[:shared]
    report = evaluate(
        (x, np.arange(40) % 2), u / np.float32(255), unlabeled_is_fresh=True, batch_size=batch_size
    )
    status = report.assumptions["A7"]
    assert (status.status == "violated") == (shared > 0)
    assert ("no labeled item recurs among the pairs (compared by images)" in status.reason) == (shared == 0)


def test_what_could_not_be_looked_for_is_not_claimed(tmp_path):
    x = RNG.integers(0, 256, (40, 3, 8, 8), dtype=np.uint8)
    u = RNG.integers(0, 256, (40, 3, 8, 8), dtype=np.uint8)
    extract(mean, u, role="unlabeled", views=2, save=tmp_path / "u", progress=False)
    z = mean(torch.from_numpy(x))
    report = evaluate((z, np.arange(40) % 2), tmp_path / "u", encoder=None, unlabeled_is_fresh=True)
    assert "could not be looked for" in report.assumptions["A7"].reason


def test_fingerprints_of_class_pairs_and_of_stores_are_those_of_the_items(tmp_path):
    x = RNG.integers(0, 256, (40, 3, 8, 8), dtype=np.uint8)
    keys = fingerprints(torch.from_numpy(x))
    y = np.arange(40) % 2
    made = extract(
        mean, (x, y), role="unlabeled", views=2, pairs="class", save=tmp_path / "s", progress=False
    )
    drawn = made.class_pairs
    want = np.stack([keys[drawn.first], keys[drawn.second]], axis=1)
    np.testing.assert_array_equal(made.representations.fingerprints, want)
    again = extract(None, tmp_path / "s", role="labeled", progress=False).representations
    np.testing.assert_array_equal(again.fingerprints[:, 0], keys)
    assert again.fingerprinted == "images"


# Labels

Z = RNG.normal(size=(24, 4))
Y = np.arange(24) % 3


@DRAWN
@given(form=st.sampled_from(["list", "column", "float", "uint64", "bool-like", "masked", "tensor"]))
def test_labels_of_any_form_are_the_same_labels(form):
    given_as = {
        "list": Y.tolist(),
        "column": Y[:, None],
        "float": Y.astype(float),
        "uint64": Y.astype(np.uint64),
        "bool-like": torch.from_numpy(Y).to(torch.int8),
        "masked": np.ma.masked_array(Y, mask=np.zeros(24, bool)),
        "tensor": torch.from_numpy(Y)[:, None],
    }[form]
    np.testing.assert_array_equal(read((Z, given_as))[1], Y)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.eye(4)[Y], "several classes for one item.*argmax"),
        ([[0], [0, 1]] * 12, "several classes for one item"),
        (np.ma.masked_array(Y, mask=np.arange(24) >= 15), "masked entry in row 15"),
        (np.where(Y == 2, 2**63, Y.astype(np.uint64)), "label 9223372036854775808 in row 2"),
        (np.where(Y == 2, 2.0**63, Y), r"label 9.2\d*e\+18 in row 2"),
        (np.where(np.arange(24) == 5, -1, Y), "label -1 in row 5"),
    ],
)
def test_labels_that_cannot_be_meant_are_refused(labels, message):
    with pytest.raises(InvalidData, match=message):
        extract(None, (Z, labels), role="labeled", progress=False)


def test_identifiers_are_refused_by_their_cost_or_renumbered():
    ids = np.array([2**62, 7, 2**40])[Y]
    with pytest.raises(InvalidOption, match=r"needs [\d.]+ [A-Z]+ of memory .*`renumber`"):
        evaluate((Z, ids), encoder=None)
    report = evaluate((Z, ids), (Z + 1, ids), encoder=None, pairs="class", renumber=True)
    assert report.quantities["K"] == 3
    assert report.class_names == ("7", str(2**40), str(2**62))
    plain = evaluate(
        (Z, np.array([2, 0, 1])[Y]), (Z + 1, np.array([2, 0, 1])[Y]), encoder=None, pairs="class"
    )
    assert plain.bounds["held_out"].value == report.bounds["held_out"].value


def test_a_class_without_items_is_noted():
    report = evaluate((Z, Y + 1), encoder=None)
    assert report.quantities["K"] == 4
    assert "class 0 has no item" in report.notes[0]
    assert "class 0 has no item" in str(report)
    assert evaluate((Z, Y + 1), encoder=None, num_classes=4).notes == ()


def test_missing_labels_of_unlabeled_data_do_not_count():
    x = RNG.integers(0, 256, (2, 24, 3, 8, 8), dtype=np.uint8)
    report = evaluate((x[0], Y), (x[1], np.full(24, -1)), unlabeled_is_fresh=True)
    assert report.evidence.pairs.labels is None
    assert any("label -1" in note for note in report.notes)
    with pytest.raises(InvalidData, match="label -1 in row 0"):
        evaluate((x[0], Y), (x[1], np.full(24, -1)), pairs="class")


@DRAWN
@given(names=st.sets(st.sampled_from(["x", "img", "image", "y", "label", "id"]), min_size=1))
def test_columns_that_could_both_be_meant_are_named(tmp_path_factory, names):
    path = Path(fresh(tmp_path_factory)) / "a.npz"
    np.savez(path, **{name: Y if name in ("y", "label") else Z for name in names})
    views, labels = names & {"x", "img", "image"}, names & {"y", "label"}
    if len(views) == 1 and len(labels) <= 1:
        assert open_source(path, name="labeled").has_labels == bool(labels)
    else:
        with pytest.raises(
            InvalidData, match="it needs `x`" if not views and len(labels) < 2 else "could be the"
        ):
            open_source(path, name="labeled")
