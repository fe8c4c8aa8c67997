"""Extraction: the encoder's outputs for every item, once, whatever batches, interruptions and types."""

import gc
import json
import subprocess
import sys
import threading
import time
from collections import Counter

import numpy as np
import pytest
import torch
from PIL import Image

from bounds.data.prefetch import prefetched
from bounds.data.preprocessing import Preprocessing
from bounds.data.views import Augmentation
from bounds.encoders.checkpoints import Encoder, load_encoder
from bounds.encoders.one_image import ROWS
from bounds.errors import InvalidData, InvalidInput, InvalidOption
from bounds.representations import extraction
from bounds.representations.extraction import extract
from bounds.representations.store import MANIFEST, RepresentationStore

N = 60
RNG = np.random.default_rng(0)
RGB = RNG.integers(0, 256, (N, 3, 18, 18), dtype=np.uint8)
Y = np.arange(N) % 4
Z = RNG.normal(size=(N, 5)).astype(np.float32)


def network(channels=3):
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Conv2d(channels, 4, 3, stride=2),
        torch.nn.BatchNorm2d(4),
        torch.nn.ReLU(),
        torch.nn.AdaptiveAvgPool2d(2),
        torch.nn.Flatten(),
    )


def encoder(channels=3, size=None):
    prepare = Preprocessing((0.4,), (0.3,), channels=channels, size=size)
    return load_encoder(network(channels), preprocessing=prepare)


def run(data, model=None, role="labeled", **options):
    return extract(encoder() if model is None else model, data, role=role, progress=False, **options)


def read(extracted):
    return [np.asarray(view[:]) for view in extracted.representations.views]


def test_labeled_images_become_the_encoder_s_outputs():
    model = encoder()
    extracted = run((RGB, Y), model)
    with torch.inference_mode():
        expected = model(torch.from_numpy(RGB)).numpy()
    np.testing.assert_allclose(read(extracted)[0], expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(extracted.representations.labels, Y)
    assert extracted.made is None
    assert len(list(extracted.representations.chunks(7))) == 9


@pytest.mark.parametrize("options", [{}, {"views": 2, "role": "unlabeled"}, {"views": 2, "size": 12}])
def test_the_batch_size_does_not_matter(options):
    whole = read(run((RGB, Y), batch_size=N, **options))
    for batch_size in (1, 7, 32):
        for a, b in zip(read(run((RGB, Y), batch_size=batch_size, **options)), whole, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_every_form_of_the_same_pixels_gives_the_same_vectors():
    expected = read(run((RGB, Y)))[0]
    unit = RGB / np.float32(255)
    for x in (
        RGB.transpose(0, 2, 3, 1),
        unit,
        unit.transpose(0, 2, 3, 1),
        torch.from_numpy(RGB),
        unit.astype(float),
    ):
        np.testing.assert_allclose(read(run((x, Y)))[0], expected, rtol=1e-5, atol=1e-6)
    grey = RGB[:, 0]
    expected = read(run((np.stack([grey] * 3, axis=1), Y)))[0]
    for x in (grey, grey[:, None], grey[..., None], grey / np.float32(255)):
        np.testing.assert_allclose(read(run((x, Y)))[0], expected, rtol=1e-5, atol=1e-6)


def test_two_augmented_views_are_those_of_the_rows():
    model = encoder()
    extracted = run(RGB, model, role="unlabeled", views=2, seed=5, batch_size=16)
    augment = Augmentation(seed=5)
    with torch.inference_mode():
        for view, got in enumerate(read(extracted)):
            expected = model(augment(torch.from_numpy(RGB), np.arange(N), view)).numpy()
            np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)
    assert extracted.made == "augmentation"
    assert extracted.representations.labels is None
    assert not np.allclose(*read(extracted), atol=1e-3)


def test_a_range_of_rows_gives_the_same_views_as_the_whole():
    whole = read(run(RGB, role="unlabeled", views=2))
    part = read(run(RGB, role="unlabeled", views=2, start=20, stop=45))
    for a, b in zip(part, whole, strict=True):
        np.testing.assert_allclose(a, b[20:45], rtol=1e-4, atol=1e-5)


def test_class_pairs_are_rows_of_one_pool():
    extracted = run((RGB, Y), role="unlabeled", views=2, pairs="class", class_prior_known=True)
    pool = read(run((RGB, Y)))[0]
    pairs = extracted.class_pairs
    assert extracted.made == "class"
    assert pairs.count == extracted.representations.count == 28
    first, second = read(extracted)
    np.testing.assert_allclose(first, pool[pairs.first], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(second, pool[pairs.second], rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(extracted.representations.labels, Y[pairs.first])
    chunk, labels = next(iter(extracted.representations.chunks(10)))
    np.testing.assert_allclose(chunk[1].numpy(), pool[pairs.second[:10]], rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(labels.numpy(), Y[pairs.first[:10]])


def test_given_pairs_of_images_are_encoded_as_they_are():
    extracted = run((RGB, RGB[::-1], Y), role="unlabeled", views=2, pairs="class")
    pool = read(run((RGB, Y)))[0]
    assert extracted.made == "given"
    np.testing.assert_allclose(read(extracted)[1], pool[::-1], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("as_tensor", [False, True])
def test_representations_in_arrays_are_used_in_place(as_tensor):
    z = torch.from_numpy(Z) if as_tensor else Z
    extracted = extract(None, (z, Y), role="labeled")
    assert extracted.representations.views[0] is z
    paired = extract(None, (z, Y), role="unlabeled", views=2, pairs="class")
    chunk, _ = next(iter(paired.representations.chunks(6)))
    np.testing.assert_array_equal(chunk[0].numpy(), Z[paired.class_pairs.first[:6]].astype(float))


def test_representations_in_files_are_read_from_them(tmp_path):
    np.savez_compressed(tmp_path / "z.npz", x=Z, y=Y)
    np.savez(tmp_path / "more.npz", x=Z[:9], y=Y[:9])
    one = extract(None, tmp_path / "z.npz", role="labeled")
    two = extract(None, [tmp_path / "z.npz", tmp_path / "more.npz"], role="labeled", progress=False)
    paired = extract(None, tmp_path / "z.npz", role="unlabeled", views=2, pairs="class", progress=False)
    np.testing.assert_array_equal(read(one)[0], Z)
    np.testing.assert_array_equal(read(two)[0], np.concatenate([Z, Z[:9]]))
    np.testing.assert_array_equal(read(paired)[1], Z[paired.class_pairs.second])


def test_vectors_go_through_a_callable_that_takes_them():
    extracted = run((Z, Y), load_encoder(lambda z: 2 * z))
    np.testing.assert_array_equal(read(extracted)[0], 2 * Z)
    with pytest.raises(InvalidData, match=r"holds vectors \(N, d\), which the encoder does not take"):
        run((Z, Y), load_encoder(network()))
    with pytest.raises(InvalidData, match=r"holds vectors \(N, d\) where the encoder expects images"):
        run((Z, Y))


def test_a_bare_callable_gets_images_as_they_come_and_views_of_the_same_type():
    seen = []

    def mean(images):
        seen.append((images.dtype, images.shape[1:]))
        return images.float().mean(dim=(2, 3))

    run((RGB, Y), load_encoder(mean))
    run(RGB, load_encoder(mean), role="unlabeled", views=2)
    assert set(seen) == {(torch.uint8, (3, 18, 18))}
    normalised = RGB / np.float32(60) - 2
    np.testing.assert_allclose(
        read(run((normalised, Y), load_encoder(mean)))[0], normalised.mean((2, 3)), rtol=1e-4
    )
    with pytest.raises(InvalidData, match=r"floats must lie in \[0, 1\]"):
        run((normalised, Y))


def test_images_of_unequal_sizes_are_brought_to_the_encoder_s_size(tmp_path):
    for i in range(6):
        side = 18 + 4 * (i % 3)
        picture = Image.fromarray(RGB[i].transpose(1, 2, 0)).resize((side + i, side))
        (tmp_path / f"class{i // 3}").mkdir(exist_ok=True)
        picture.save(tmp_path / f"class{i // 3}" / f"{i}.png")
    for options in ({}, {"views": 2}):
        runs = [read(run(tmp_path, encoder(size=16), batch_size=b, **options)) for b in (1, 4, 6)]
        for other in runs[1:]:
            for a, b in zip(other, runs[0], strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)
    with pytest.raises(InvalidData, match="images of unequal sizes"):
        run(tmp_path)


class Counting(torch.nn.Module):
    """Counts the images it sees, checks of the encoder and of stored rows included."""

    def __init__(self):
        super().__init__()
        self.inner = network()
        self.seen = Counter()

    def forward(self, x):
        self.seen.update(image.sum().item() for image in x)
        return self.inner(x)


CHECKED = 2 * ROWS + 2  # images of the check that an encoder is a function of one image


def stopping(writer, after, **options):
    """A writer that is interrupted after so many batches."""

    def make(*args, **kwargs):
        made = writer(*args, **kwargs, **options)
        append, batches = made.append, iter(range(after))

        def interrupted(*rows):
            if next(batches, None) is None:
                raise KeyboardInterrupt
            append(*rows)

        made.append = interrupted
        return made

    return make


@pytest.mark.parametrize("views", [1, 2])
def test_a_killed_run_goes_on_without_losing_or_repeating_an_item(tmp_path, monkeypatch, views):
    writer = extraction.StoreWriter
    monkeypatch.setattr(extraction, "StoreWriter", stopping(writer, 7, shard_rows=16))
    role = "labeled" if views == 1 else "unlabeled"
    options = {"role": role, "views": views, "save": tmp_path / role, "batch_size": 5}
    prepare = Preprocessing(channels=3)
    with pytest.raises(KeyboardInterrupt):
        run((RGB, Y), load_encoder(Counting(), preprocessing=prepare), **options)
    monkeypatch.setattr(extraction, "StoreWriter", lambda *a, **k: writer(*a, **k, shard_rows=16))
    kept = 20  # shards close at 16 rows or more, so after four batches of five
    rest = Counting()
    finished = run((RGB, Y), load_encoder(rest, preprocessing=prepare), **options)
    assert rest.seen.total() == views * (N - kept + ROWS) + CHECKED
    expected = run((RGB, Y), load_encoder(Counting(), preprocessing=prepare), role=role, views=views)
    for a, b in zip(read(finished), read(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(finished.representations.labels, Y)
    again = Counting()
    run((RGB, Y), load_encoder(again, preprocessing=prepare), **options)
    assert again.seen.total() == views * ROWS + CHECKED


@pytest.mark.slow
def test_a_process_killed_at_any_moment_loses_and_repeats_nothing(tmp_path):
    script = tmp_path / "work.py"
    script.write_text(
        """
import sys, time
import numpy as np
from bounds.representations import extraction

writer = extraction.StoreWriter
extraction.StoreWriter = lambda *a, **k: writer(*a, **k, shard_rows=40)

def slow(z):
    time.sleep(0.004)
    return 2 * z

z = np.arange(3600, dtype=np.float32).reshape(1200, 3)
data = (z, np.arange(len(z)) % 5)
extraction.extract(slow, data, role="labeled", save=sys.argv[1], batch_size=10, progress=False)
"""
    )
    out = tmp_path / "out"
    kills = 0
    for wait in np.random.default_rng(0).uniform(0, 0.2, 60):
        shards = len(list(out.glob("z-*.npy")))
        process = subprocess.Popen([sys.executable, str(script), str(out)])
        while process.poll() is None and len(list(out.glob("z-*.npy"))) == shards:
            time.sleep(0.002)
        try:
            process.wait(timeout=wait)
            break
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            kills += 1
    assert process.returncode == 0
    assert kills > 3
    store = RepresentationStore.open(tmp_path / "out")
    np.testing.assert_array_equal(store.views[0][:], 2 * np.arange(3600.0).reshape(1200, 3))
    np.testing.assert_array_equal(store.labels, np.arange(1200) % 5)
    assert not list((tmp_path / "out").glob("*.tmp"))


def test_a_run_killed_before_its_last_word_only_has_to_say_it(tmp_path, monkeypatch, image_data):
    parquet = image_data / "mnist" / "test.parquet"
    grey = encoder(1)
    finished = run(parquet, grey, save=tmp_path)
    manifest = json.loads((tmp_path / MANIFEST).read_text())
    (tmp_path / MANIFEST).write_text(json.dumps(manifest | {"complete": False}))
    monkeypatch.setattr(extraction.StoreWriter, "append", None)
    np.testing.assert_array_equal(read(run(parquet, grey, save=tmp_path))[0], read(finished)[0])


def test_a_folder_of_other_data_options_or_weights_is_refused(tmp_path):
    run((RGB, Y), save=tmp_path)
    changed = encoder()
    with torch.no_grad():
        changed.network[0].bias += 1
    for kind, data, model in (("data", (RGB[::-1].copy(), Y), None), ("encoder", (RGB, Y), changed)):
        with pytest.raises(InvalidOption, match=f"made with other {kind};"):
            run(data, model, save=tmp_path)
    with pytest.raises(InvalidOption, match="made with other augmentation;"):
        run((RGB, Y), save=tmp_path, views=2)


def test_a_saved_folder_is_itself_data(tmp_path):
    expected = read(run((RGB, Y), save=tmp_path / "labeled"))[0]
    extracted = extract(None, tmp_path / "labeled", role="labeled")
    np.testing.assert_array_equal(read(extracted)[0], expected)
    np.testing.assert_array_equal(extracted.representations.labels, Y)
    assert RepresentationStore.open(tmp_path / "labeled").manifest["identity"]["encoder"]["weights_sha256"]


def temporary_folders(tmp_path):
    return [p for p in tmp_path.iterdir() if p.name.startswith("bounds-")]


def test_unsaved_representations_leave_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(extraction.tempfile, "tempdir", str(tmp_path))
    extracted = run((RGB, Y))
    gc.collect()
    assert temporary_folders(tmp_path) == []  # a small table is held in memory
    monkeypatch.setattr("bounds.representations.store._SMALL", 0)
    extracted = run((RGB, Y))
    assert len(temporary_folders(tmp_path)) == 1
    view = extracted.representations.views[0]
    del extracted
    gc.collect()
    assert view[:3].shape == (3, 16)
    del view
    gc.collect()
    assert temporary_folders(tmp_path) == []
    monkeypatch.setattr(extraction, "StoreWriter", stopping(extraction.StoreWriter, 1))
    with pytest.raises(KeyboardInterrupt):
        run((RGB, Y), batch_size=2)
    assert temporary_folders(tmp_path) == []


def test_an_output_that_is_not_finite_names_the_row_and_finishes_no_store(tmp_path):
    def broken(images):
        z = images.float().mean(dim=(2, 3))
        z[images[:, 0, 0, 0] == 255] = torch.nan
        return z

    x = RGB.copy()
    x[:, 0, 0, 0] = 0
    x[37, 0, 0, 0] = 255
    with pytest.raises(
        InvalidData, match=r"NaN or infinity for image 7 of .* \(rows 30 to 39 of `labeled`\)"
    ):
        run((x, Y), load_encoder(broken), batch_size=10, save=tmp_path / "out")
    assert not (tmp_path / "out" / MANIFEST).exists()


def test_the_global_random_state_is_left_alone():
    torch.manual_seed(3)
    state = torch.get_rng_state()
    model = encoder()
    torch.set_rng_state(state)
    run(RGB, model, role="unlabeled", views=2)
    assert torch.equal(torch.get_rng_state(), state)


def test_autocast_is_close_and_is_remembered():
    exact, rough = (read(run((RGB, Y), autocast=flag))[0] for flag in (False, True))
    assert rough.dtype == np.float32
    np.testing.assert_allclose(rough, exact, atol=0.05)
    assert (rough != exact).any()


def test_a_module_in_training_mode_is_used_in_evaluation_mode_and_given_back():
    model = network().train()
    before = model[1].running_mean.clone()
    run((RGB, Y), load_encoder(model))
    assert model.training
    assert torch.equal(model[1].running_mean, before)


PAIRED = {"role": "unlabeled", "views": 2}
BY_CLASS = PAIRED | {"pairs": "class"}
BAD = {
    "images without an encoder": (None, (RGB, Y), {}, InvalidInput, "holds images; give a checkpoint"),
    "labels missing": (None, Z, {}, InvalidData, r"`labeled` has no labels; give \(x, y\)"),
    "pairs as test": (None, (Z, Z, Y), {"role": "test"}, InvalidData, "two views of each item"),
    "vectors cannot be augmented": (
        None,
        Z,
        PAIRED,
        InvalidData,
        'cannot be augmented; give .* pairs="class"',
    ),
    "class pairs without labels": (None, Z, BY_CLASS, InvalidData, "no labels, but class pairs need them"),
    "single items in a class": (None, (Z, np.arange(N)), BY_CLASS, InvalidData, "one item only"),
    "unknown pairs": (
        None,
        (Z, Y),
        {"pairs": "magic"},
        InvalidOption,
        "`pairs` must be one of 'augmentation', 'class'",
    ),
    "three views": (
        None,
        (Z, Y),
        {"views": 3},
        InvalidOption,
        "`views` must be an integer from 1 to 2, got 3",
    ),
    "no batch": ("model", (RGB, Y), {"batch_size": 0}, InvalidOption, "`batch_size` must be a positive"),
    "no size": ("model", (RGB, Y), {"size": 0}, InvalidOption, "`size` must be a positive number of pixels"),
    "label beyond": (None, (Z, Y), {"num_classes": 2}, InvalidData, "integers from 0 to 1"),
}


@pytest.mark.parametrize("name", BAD)
def test_requests_that_make_no_sense_are_refused(name):
    model, data, options, error, message = BAD[name]
    with pytest.raises(error, match=message):
        extract(encoder() if model else None, data, **{"role": "labeled", "progress": False} | options)


def test_reading_ahead_keeps_order_is_bounded_and_ends():
    made = []

    def produce():
        for i in range(50):
            made.append(i)
            yield i

    ahead = prefetched(produce(), depth=2)
    assert next(ahead) == 0
    time.sleep(0.3)
    assert len(made) <= 5
    assert list(ahead) == list(range(1, 50))
    ahead = prefetched(produce())
    next(ahead)
    ahead.close()
    assert not [t for t in threading.enumerate() if t.name == "bounds-prefetch"]


def test_reading_ahead_raises_what_reading_raised_after_the_items_before():
    def produce():
        yield 1
        raise InvalidData("row 1")

    ahead = prefetched(produce())
    assert next(ahead) == 1
    with pytest.raises(InvalidData, match="row 1"):
        next(ahead)


def test_parquet_without_labels_says_which_columns_there_are(tmp_path):
    import io

    import pyarrow as pa
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    Image.fromarray(RGB[0].transpose(1, 2, 0)).save(buffer, "PNG")
    table = pa.table({"img": [{"bytes": buffer.getvalue(), "path": ""}], "fine_label": [3]})
    pq.write_table(table, tmp_path / "c.parquet")
    message = (
        r"\(c\.parquet\) has no labels \(no column `label` or `y` among 'img', 'fine_label'\); give \(x, y\)"
    )
    with pytest.raises(InvalidData, match=message):
        run(tmp_path / "c.parquet")
    run(tmp_path / "c.parquet", role="unlabeled")


def test_files_of_vectors_need_one_dimension(tmp_path):
    np.savez(tmp_path / "a.npz", x=Z)
    np.savez(tmp_path / "b.npz", x=Z[:, :4])
    with pytest.raises(InvalidData, match=r"vectors of unequal lengths, 5 and 4 \(row 60\)"):
        run([tmp_path / "a.npz", tmp_path / "b.npz"], load_encoder(lambda z: z), role="unlabeled")


def test_an_encoder_object_is_not_wrapped_again():
    model = Encoder(network())
    assert run((RGB, Y), model).provenance["encoder"]["source"] == "Sequential"


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_gives_the_same_representations():
    for options in ({}, {"views": 2}):
        on_cpu = read(run((RGB, Y), device="cpu", **options))
        for a, b in zip(read(run((RGB, Y), **options)), on_cpu, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3)
