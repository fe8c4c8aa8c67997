"""A library that is not installed, or does not load, is named with what installs it, in one sentence."""

import sys

import pytest

from bounds.encoders.checkpoints import load_encoder
from bounds.encoders.hubs.built import library
from bounds.errors import MissingDependency


@pytest.mark.parametrize(
    ("name", "module", "extra"),
    [
        ("timm:vit_small_patch14_dinov2", "timm", "timm"),
        ("hf:facebook/dinov2-small", "transformers", "hf"),
        ("open_clip:ViT-B-32/laion2b_s34b_b79k", "open_clip", "open_clip"),
        ("torchvision:resnet50", "torchvision.models", "torchvision"),
    ],
)
def test_a_missing_library_is_one_sentence(name, module, extra, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingDependency) as error:
        load_encoder(name)
    said = str(error.value)
    assert said.endswith(f"install it with `pip install 'ssl-bounds[{extra}]'`.")
    assert "\n" not in said


def test_a_build_for_another_torch_says_why(tmp_path, monkeypatch):
    (tmp_path / "built_for_cuda.py").write_text("raise RuntimeError('operator x::nms does not\\nexist')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MissingDependency, match=r"imported \(operator x::nms does not exist\)"):
        library("built_for_cuda", "a model", "timm")
