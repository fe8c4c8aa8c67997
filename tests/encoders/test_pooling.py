"""Networks that return tokens, maps or several tensors: one question, and every answer to it."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn

from bounds.encoders.architectures import ResNet
from bounds.encoders.checkpoints import load_encoder
from bounds.encoders.pooling import one_vector
from bounds.errors import InvalidData, InvalidOption

IMAGES = torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))
TOKENS = torch.randn(4, 17, 6, generator=torch.Generator().manual_seed(1))


@dataclass
class Output:
    last_hidden_state: Tensor
    pooler_output: Tensor


class Tokens(nn.Module):
    """Images -> class token and 16 patches, in the form asked for."""

    def __init__(self, form):
        super().__init__()
        self.form = form
        self.patch = nn.Conv2d(3, 6, 2, 2)

    def forward(self, x):
        z = self.patch(x).flatten(2).transpose(1, 2)
        z = torch.cat([z.mean(1, keepdim=True) * 2, z], 1)
        forms = {
            "tensor": z,
            "dict": {"x_norm_clstoken": z[:, 0], "x_norm_patchtokens": z[:, 1:]},
            "ordered": OrderedDict(last_hidden_state=z, pooler_output=z[:, 0].tanh()),
            "dataclass": Output(z, z[:, 0].tanh()),
            "tuple": (z, z[:, 0].tanh()),
        }
        return forms[self.form]


@pytest.mark.parametrize("form", ["tensor", "dict", "ordered", "dataclass", "tuple"])
def test_the_question_is_one_sentence_with_the_answers(form):
    with pytest.raises(InvalidData, match=r"load_encoder\(\.\.\.\).*pool=") as error:
        load_encoder(Tokens(form))(IMAGES) if form != "tensor" else load_encoder(Tokens(form), pool="pooled")(
            IMAGES
        )
    assert "\n" not in str(error.value)
    assert str(error.value).count(". ") == 0


@pytest.mark.parametrize(
    ("form", "pool", "answer"),
    [
        ("tensor", "cls", lambda z: z[:, 0]),
        ("tensor", "mean", lambda z: z[:, 1:].mean(1)),
        ("dict", "x_norm_clstoken", lambda z: z[:, 0]),
        ("dict", "pooled", lambda z: z[:, 0]),
        ("dict", "mean", lambda z: z[:, 1:].mean(1)),
        ("ordered", "cls", lambda z: z[:, 0]),
        ("ordered", "pooler_output", lambda z: z[:, 0].tanh()),
        ("dataclass", "pooled", lambda z: z[:, 0].tanh()),
        ("dataclass", "mean", lambda z: z[:, 1:].mean(1)),
        ("tuple", "1", lambda z: z[:, 0].tanh()),
    ],
)
def test_each_answer(form, pool, answer):
    network = Tokens(form)
    with torch.inference_mode():
        found = load_encoder(network, pool=pool)(IMAGES)
        network.form = "tensor"
        assert torch.equal(found, answer(network(IMAGES)))


def test_an_answer_that_says_nothing_is_asked_again():
    for pool in ("mean", "nothing"):
        with pytest.raises(InvalidData, match=f"for which pool='{pool}' says nothing"):
            one_vector(torch.ones(4, 6), pool)
    with pytest.raises(InvalidData, match="cls"):
        one_vector({"a": torch.ones(4, 6, 2), "b": torch.ones(4, 6, 2)}, "mean")
    with pytest.raises(InvalidData, match="19 tokens"):
        one_vector(torch.ones(4, 19, 2), "mean")
    with pytest.raises(InvalidData, match=r"must return a tensor .* got dict"):
        one_vector({"a": "word"})


def test_mean_leaves_out_the_tokens_before_patches():
    assert torch.equal(one_vector(TOKENS, "mean", before=5), TOKENS[:, 5:].mean(1))
    maps = torch.randn(2, 3, 5, 7)
    assert torch.equal(one_vector(maps, "mean"), maps.mean((2, 3)))
    assert torch.equal(one_vector(maps, "mean", channels_last=True), maps.mean((1, 2)))


def test_layer_of_a_network():
    network = ResNet(18, width=4).eval()
    with torch.inference_mode():
        found = load_encoder(network, layer="layer3", pool="mean")(IMAGES)
        kept = []
        network.layer3.register_forward_hook(lambda _m, _i, o: kept.append(o.clone()))
        network(IMAGES)
    assert torch.equal(found, kept[0].mean((2, 3)))
    with pytest.raises(InvalidOption, match=r"no part of the network; near it are layer3"):
        load_encoder(network, layer="layer33")
    with pytest.raises(InvalidData, match=r"tensor with \(N, 16, "):
        load_encoder(network, layer="layer3")(IMAGES)


def test_dtype_of_weights_and_images():
    network = ResNet(18, width=4).eval()
    with torch.inference_mode():
        full = network(IMAGES)
        short = load_encoder(network, dtype="bfloat16")(IMAGES)
    assert 1e-4 < (short - full).norm() / full.norm() < 3e-2
    for wrong in ("int8", "nothing", torch.int64, 3):
        with pytest.raises(InvalidOption, match="`dtype`"):
            load_encoder(network, dtype=wrong)


def test_options_for_networks_are_refused_for_callables():
    with pytest.raises(InvalidOption, match="callable"):
        load_encoder(lambda x: x.flatten(1), pool="mean")
    with pytest.raises(InvalidOption, match="`compile`"):
        load_encoder(ResNet(18, width=4), layer="layer1", compile=True)


def test_describe_says_how_it_is_read():
    said = load_encoder(ResNet(18, width=4), layer="layer3", pool="mean").describe()
    assert "read     pool mean, layer layer3" in said
