"""Stores of representations: exact, resumable, checksummed, and refusing what does not belong."""

import json

import numpy as np
import pytest

from bounds.errors import CorruptStore, InvalidData, InvalidOption
from bounds.representations.store import MANIFEST, RepresentationStore, StoreWriter

WHO = {"data": "a", "encoder": {"sha256": "b"}, "rows": [0, None]}


def table(n=100, d=5, dtype=np.float32):
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, d)).astype(dtype), rng.normal(size=(n, d)).astype(dtype), np.arange(n) % 7


def write(folder, step=8, stop=None, shard_rows=24, who=WHO, **kwargs):
    z1, z2, y = table(**kwargs)
    writer = StoreWriter(folder, who, shard_rows=shard_rows)
    begun = writer.rows
    for row in range(begun, stop or len(z1), step):
        rows = slice(row, min(row + step, stop or len(z1)))
        writer.append((z1[rows], z2[rows]), y[rows])
    return writer, begun


def test_what_was_appended_is_read_back_exactly(tmp_path):
    z1, z2, y = table()
    write(tmp_path)[0].finish()
    store = RepresentationStore.open(tmp_path)
    assert (store.count, store.manifest["dim"], store.manifest["dtype"]) == (100, 5, "float32")
    np.testing.assert_array_equal(store.views[0][:], z1)
    np.testing.assert_array_equal(store.views[1][:], z2)
    np.testing.assert_array_equal(store.labels, y)
    for rows in (slice(20, 60), slice(0, 0), slice(99, None), slice(5, 90, 7), np.array([99, 0, 24, 23, 24])):
        np.testing.assert_array_equal(store.views[0][rows], z1[rows])
    chunks = list(store.representations("labeled").chunks(rows=33))
    np.testing.assert_array_equal(np.concatenate([views[1].numpy() for views, _ in chunks]), z2.astype(float))


def test_slices_and_row_numbers_read_the_same_rows_across_shards(tmp_path):
    writer, z = StoreWriter(tmp_path / "s", {"id": 1}, shard_rows=4), np.arange(30.0).reshape(15, 2)
    for row in range(0, 15, 3):
        writer.append((z[row : row + 3],), None)
    (stored,) = writer.finish().views
    for rows in (
        slice(None),
        slice(0, 6),
        slice(5, 7),
        slice(6, 15),
        slice(3, 3),
        slice(14, 99),
        slice(-4, -1),
    ):
        assert np.array_equal(stored[rows], z[rows])
        assert np.array_equal(stored[np.arange(15)[rows]], z[rows])
    assert np.array_equal(stored[::4], z[::4])


def test_float64_stays_float64_and_all_else_becomes_float32(tmp_path):
    write(tmp_path / "a", dtype=np.float64)[0].finish()
    write(tmp_path / "b", dtype=np.float16)[0].finish()
    np.testing.assert_array_equal(
        RepresentationStore.open(tmp_path / "a").views[0][:], table(dtype=np.float64)[0]
    )
    assert RepresentationStore.open(tmp_path / "b").views[0].dtype == np.float32


@pytest.mark.parametrize("stop", [0, 8, 24, 56, 96])
def test_a_killed_run_goes_on_after_its_last_complete_shard(tmp_path, stop):
    if stop:
        write(tmp_path, stop=stop)  # no finish: killed
    (tmp_path / "z-00099.npy.tmp").write_bytes(b"half a shard")
    with pytest.raises(CorruptStore, match=r"unfinished|not the manifest"):
        RepresentationStore.open(tmp_path)
    writer, begun = write(tmp_path)
    assert begun == stop // 24 * 24
    writer.finish()
    np.testing.assert_array_equal(RepresentationStore.open(tmp_path).views[0][:], table()[0])


def test_a_shard_written_but_not_declared_is_written_again(tmp_path):
    write(tmp_path, stop=48)
    manifest = json.loads((tmp_path / MANIFEST).read_text())
    manifest["shards"].pop()  # killed between the shard and the manifest
    (tmp_path / MANIFEST).write_text(json.dumps(manifest))
    writer, begun = write(tmp_path)
    assert begun == 24
    np.testing.assert_array_equal(writer.finish().labels, table()[2])


@pytest.mark.parametrize("last", range(10))
def test_a_run_killed_between_any_two_files_goes_on(tmp_path, last, monkeypatch):
    class Killed(BaseException):
        pass

    honest, written = StoreWriter._write, []

    def until_killed(self, name, fill):
        if len(written) == last:
            raise Killed
        written.append(name)
        return honest(self, name, fill)

    with monkeypatch.context() as patched:
        patched.setattr(StoreWriter, "_write", until_killed)
        with pytest.raises(Killed):
            write(tmp_path)
    whole = write(tmp_path)[0].finish()
    np.testing.assert_array_equal(whole.views[0][:], table()[0])
    np.testing.assert_array_equal(whole.labels, table()[2])


def test_a_finished_store_says_so_to_the_next_run(tmp_path):
    write(tmp_path)[0].finish()
    writer = StoreWriter(tmp_path, WHO)
    assert writer.complete
    assert writer.rows == 100


def test_another_identity_is_refused_by_name(tmp_path):
    write(tmp_path, stop=48)
    with pytest.raises(InvalidOption, match="made with other encoder, seed;"):
        StoreWriter(tmp_path, WHO | {"encoder": {"sha256": "c"}, "seed": 1})


def test_a_folder_with_other_files_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(InvalidOption, match="holds other files"):
        StoreWriter(tmp_path, WHO)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("how", ["flip", "cut", "remove"])
def test_a_damaged_shard_is_named_on_opening_and_on_resuming(tmp_path, how):
    write(tmp_path)[0].finish()
    path = tmp_path / "z2-00001.npy"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    if how == "remove":
        path.unlink()
    else:
        path.write_bytes(data if how == "flip" else data[:-40])
    for action in (lambda: RepresentationStore.open(tmp_path), lambda: StoreWriter(tmp_path, WHO)):
        with pytest.raises(CorruptStore, match=r"z2-00001\.npy (differs|is missing)"):
            action()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"format": "other", "version": 1}',
        '{"format": "bounds-representations", "version": 1}',
    ],
)
def test_a_damaged_manifest_is_named(tmp_path, text):
    (tmp_path / MANIFEST).write_text(text)
    with pytest.raises(CorruptStore, match=r"manifest\.json is not the manifest"):
        RepresentationStore.open(tmp_path)


def test_a_shard_that_vanishes_later_is_an_error_not_garbage(tmp_path):
    store = write(tmp_path)[0].finish()
    (tmp_path / "z-00000.npy").write_bytes(b"nonsense")
    with pytest.raises(CorruptStore, match=r"z-00000\.npy cannot be read"):
        store.views[0][:3]


def test_rows_of_another_kind_are_refused(tmp_path):
    writer = StoreWriter(tmp_path, WHO)
    writer.append((np.ones((2, 3)),), None)
    with pytest.raises(InvalidData, match="cannot take rows"):
        writer.append((np.ones((2, 4)),), None)
    with pytest.raises(InvalidData, match="got no rows"):
        StoreWriter(tmp_path / "empty", WHO).finish()
