"""Parts saved by several jobs merge into what one would have saved; parts that do not belong together are refused."""

import json
import os

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import bounds
from bounds.cli import app
from bounds.errors import CorruptStore, InvalidData, InvalidOption
from bounds.evidence.saved import load_summaries, merge_summaries, pack, save_summaries, unpack
from bounds.heads import LeastSquares
from bounds.representations.extraction import extract
from bounds.representations.merging import merge_folders, merge_stores
from bounds.representations.store import MANIFEST, RepresentationStore, StoreWriter
from bounds.summaries import ClassMoments, Moments, PairMoments

RNG = np.random.default_rng(0)
X, Y = RNG.uniform(size=(50, 3, 8, 8)).astype(np.float32), RNG.integers(3, size=50)


def encode(x):
    return x.flatten(1).float()[:, ::40]


def save(folder, data=(X, Y), **options):
    extract(encode, data, role=options.pop("role", "labeled"), save=folder, progress=False, **options)
    return folder


def content(folder):
    store = RepresentationStore.open(folder)
    return store.views[0][:], store.labels, store.manifest["identity"]


def test_row_ranges_merge_in_the_order_of_their_rows_into_the_store_of_one_run(tmp_path):
    whole = save(tmp_path / "whole")
    parts = [save(tmp_path / str(a), start=a, stop=b) for a, b in ((30, None), (0, 7), (7, 30))]
    merged = merge_stores(parts, tmp_path / "merged")
    (z, y, identity), expected = content(merged.folder), content(whole)
    np.testing.assert_array_equal(z, expected[0])
    np.testing.assert_array_equal(y, expected[1])
    assert identity == expected[2]
    assert save(tmp_path / "merged") == merged.folder, "a later run with the same arguments has nothing to do"


def test_shards_are_linked_and_outlive_their_parts(tmp_path):
    parts = [save(tmp_path / "a", stop=20), save(tmp_path / "b", start=20)]
    merged = merge_stores(parts, tmp_path / "merged")
    assert os.path.samefile(parts[0] / "z-00000.npy", merged.folder / "z-00000.npy")
    before = merged.views[0][:]
    for part in parts:
        for path in part.iterdir():
            path.unlink()
    np.testing.assert_array_equal(RepresentationStore.open(merged.folder).views[0][:], before)


def test_where_links_are_impossible_shards_are_copied(tmp_path, monkeypatch):
    parts = [save(tmp_path / "a", stop=20), save(tmp_path / "b", start=20)]

    def no_links(*_):
        raise OSError("cross-device link")

    monkeypatch.setattr(os, "link", no_links)
    merged = merge_stores(parts, tmp_path / "merged")
    np.testing.assert_array_equal(merged.labels, Y)


def test_parts_of_different_data_keep_their_order(tmp_path):
    parts = [save(tmp_path / "a", (X[:20], Y[:20])), save(tmp_path / "b", (X[20:], Y[20:]))]
    merged = merge_stores(parts, tmp_path / "merged")
    np.testing.assert_array_equal(merged.labels, Y)
    np.testing.assert_array_equal(merged.views[0][:], content(save(tmp_path / "whole"))[0])
    again = merge_stores([merged.folder, save(tmp_path / "c", (X[:5] + 1, Y[:5]))], tmp_path / "more")
    assert again.count == 55


@pytest.mark.parametrize(
    ("ranges", "message"),
    [
        (((0, 20), (10, 50)), "overlaps"),
        (((0, None), (20, 50)), "overlaps"),
        (((0, 20), (30, 50)), "leaves out rows 20 to 30"),
    ],
)
def test_rows_twice_or_missing_are_refused(tmp_path, ranges, message):
    parts = [save(tmp_path / f"{i}", start=a, stop=b) for i, (a, b) in enumerate(ranges)]
    with pytest.raises(InvalidData, match=message):
        merge_stores(parts, tmp_path / "merged")
    assert not (tmp_path / "merged").exists()


def test_rows_in_common_hidden_among_other_data_are_refused(tmp_path):
    parts = [
        save(tmp_path / "a", stop=20),
        save(tmp_path / "b", (X[:5], Y[:5])),
        save(tmp_path / "c", start=10),
    ]
    with pytest.raises(InvalidData, match="rows in common"):
        merge_stores(parts, tmp_path / "merged")


def test_parts_that_differ_in_kind_are_refused(tmp_path):
    first = save(tmp_path / "a", stop=20)
    other = tmp_path / "b"
    extract(lambda x: 2 * encode(x), (X, Y), role="labeled", save=other, start=20, size=8, progress=False)
    with pytest.raises(InvalidOption, match="other encoder, size"):
        merge_stores([first, other], tmp_path / "merged")
    narrow = tmp_path / "c"
    extract(lambda x: encode(x)[:, :2], (X, Y), role="labeled", save=narrow, start=20, progress=False)
    with pytest.raises(InvalidData, match="differ in dim"):
        merge_stores([first, narrow], tmp_path / "merged")
    (first / MANIFEST).write_text((first / MANIFEST).read_text().replace("true", "false", 1))
    with pytest.raises(CorruptStore, match="unfinished"):
        merge_stores([first], tmp_path / "merged")
    with pytest.raises(InvalidOption, match="nothing to merge"):
        merge_stores([], tmp_path / "merged")
    with pytest.raises(InvalidOption, match="holds files already"):
        merge_stores([narrow], narrow)


def test_augmented_parts_of_different_data_need_their_own_seeds(tmp_path):
    views = {"role": "unlabeled", "views": 2, "pairs": "augmentation"}
    first, same = save(tmp_path / "a", X[:20], **views), save(tmp_path / "b", X[20:], **views)
    with pytest.raises(InvalidOption, match="own seed"):
        merge_stores([first, same], tmp_path / "merged")
    other = save(tmp_path / "c", X[20:], seed=1, **views)
    assert merge_stores([first, other], tmp_path / "merged").count == 50


def test_the_command_merges_folders_of_roles_that_evaluate_then_takes(tmp_path):
    for job, rows in (("a", slice(0, 20)), ("b", slice(20, 50))):
        for role in ("labeled", "test"):
            save(tmp_path / job / role, (X[rows], Y[rows]), role=role)
    out = tmp_path / "out"
    result = CliRunner().invoke(app, ["merge", str(tmp_path / "a"), str(tmp_path / "b"), "--out", str(out)])
    assert result.exit_code == 0, result.output
    merged = bounds.evaluate(None, out / "labeled", test=out / "test", bounds=["test_set"])
    whole = bounds.evaluate(
        None, (encode(torch.tensor(X)), Y), test=(encode(torch.tensor(X)), Y), bounds=["test_set"]
    )
    assert merged["test_set"].value == whole["test_set"].value
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidOption, match="no saved representations"):
        merge_folders([tmp_path / "a", tmp_path / "empty"], tmp_path / "other")


# Summaries


def rows(n=40, d=4, seed=0):
    g = torch.Generator().manual_seed(seed)
    return torch.randn(n, d, generator=g), torch.randint(3, (n,), generator=g), torch.randn(n, d, generator=g)


def summaries(part=slice(None), d=4):
    z, y, other = (one[part] for one in rows(d=d))
    return {
        "moments": Moments.empty(d).update(z),
        "classes": ClassMoments.empty(d, 3).update(z, y),
        "pairs": PairMoments.empty(d).update(z, other),
        "least_squares": LeastSquares.empty(d, 3).update(z, y),
    }


def test_saved_parts_merge_into_the_summaries_of_the_whole(tmp_path):
    parts = []
    for i, part in enumerate((slice(0, 9), slice(9, 9), slice(9, None))):
        parts.append(tmp_path / f"{i}.safetensors")
        save_summaries(parts[-1], summaries(part), {"radius": 1.0})
    result = CliRunner().invoke(app, ["merge", *map(str, parts), "--out", str(tmp_path / "all.safetensors")])
    assert result.exit_code == 0, result.output
    merged, options = load_summaries(tmp_path / "all.safetensors")
    whole = summaries()
    assert options == {"radius": 1.0}
    torch.testing.assert_close(merged["moments"].scatter, whole["moments"].scatter, rtol=1e-12, atol=1e-12)
    assert torch.equal(merged["classes"].counts, whole["classes"].counts)
    assert merged["pairs"].invariance == pytest.approx(whole["pairs"].invariance, rel=1e-12)
    heads = [one["least_squares"].min_norm().weight for one in (merged, whole)]
    torch.testing.assert_close(*heads, rtol=1e-11, atol=1e-12)
    assert merged["least_squares"].count == 40


def test_packing_is_exact():
    for summary in summaries().values():
        again = unpack(pack(summary))
        assert type(again) is type(summary)
        assert torch.equal(pack(again), pack(summary))


def test_summaries_that_do_not_belong_together_are_refused(tmp_path):
    a, b, c, d = (tmp_path / f"{name}.safetensors" for name in "abcd")
    save_summaries(a, summaries(slice(0, 9)), {"radius": 1.0})
    save_summaries(b, summaries(slice(9, 20)), {"radius": 2.0})
    save_summaries(c, {"moments": summaries()["moments"]}, {"radius": 1.0})
    save_summaries(d, summaries(slice(9, 20), d=5), {"radius": 1.0})
    for other, error, message in (
        (b, InvalidOption, "other radius"),
        (c, InvalidOption, "holds"),
        (d, InvalidData, "another dimension"),
        (a, InvalidOption, "equal"),
    ):
        with pytest.raises(error, match=message):
            merge_summaries([a, other], tmp_path / "out.safetensors")
    assert not (tmp_path / "out.safetensors").exists()
    with pytest.raises(InvalidOption, match="cannot be saved"):
        save_summaries(a, {"x": {1, 2}})


def test_damaged_files_are_named(tmp_path):
    path = tmp_path / "a.safetensors"
    for damage in (b"", b"not safetensors at all", json.dumps({}).encode()):
        path.write_bytes(damage)
        with pytest.raises(CorruptStore, match=r"a\.safetensors"):
            load_summaries(path)


def test_an_interrupted_merge_leaves_nothing_and_is_done_again(tmp_path, monkeypatch):
    parts = [save(tmp_path / "a", stop=20), save(tmp_path / "b", start=20)]
    replace = os.replace
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        merge_stores(parts, tmp_path / "merged")
    assert not (tmp_path / "merged").exists()
    monkeypatch.setattr(os, "replace", replace)
    assert merge_stores(parts, tmp_path / "merged").count == 50


def test_a_store_written_by_hand_needs_only_its_rows_to_merge(tmp_path):
    for name, start in (("a", 0), ("b", 3)):
        writer = StoreWriter(tmp_path / name, {"data": "d", "rows": [start, start + 3]})
        writer.append((np.full((3, 2), start, np.float32),), None)
        writer.finish()
    merged = merge_stores([tmp_path / "b", tmp_path / "a"], tmp_path / "merged")
    np.testing.assert_array_equal(merged.views[0][:][:, 0], [0, 0, 0, 3, 3, 3])
    assert merged.labels is None
