"""What names, shapes and values tell of a file, and that all else is refused: no other library is needed."""

import random

import pytest
import torch

from bounds.encoders.hubs.recognise import Recognised, recognise
from bounds.errors import InvalidCheckpoint
from tests.encoders.hubs.layouts import mae_positions, moco_v3_positions, prefixed


def vit(width=384, *, positions=None, token=True, layer_scale=False, norm="norm"):
    """The names and shapes of one block at 14 x 14 patches."""
    shapes = {
        "cls_token": (1, 1, width), "pos_embed": (1, 197 if token else 196, width),
        "patch_embed.proj.weight": (width, 3, 16, 16), "patch_embed.proj.bias": (width,),
        "blocks.0.norm1.weight": (width,), "blocks.0.attn.qkv.weight": (3 * width, width),
        "blocks.0.mlp.fc1.weight": (4 * width, width), f"{norm}.weight": (width,),
    }  # fmt: skip
    shapes |= {"blocks.0.ls1.gamma": (width,)} if layer_scale else {}
    state = {name: torch.zeros(shape) for name, shape in shapes.items()}
    if not token:
        del state["cls_token"]
    if positions is not None:
        state["pos_embed"] = positions
    return state


def options(state):
    found = recognise(state, "`a.pth`")
    assert found is not None
    return dict(found.spec.options)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("prefix", ["", "module.", "module.base_encoder.", "backbone."])
def test_the_heads_of_moco_v3_are_told_by_its_positions(prefix, dtype):
    for width in (192, 384):
        state = prefixed(vit(width, positions=moco_v3_positions(14, width).to(dtype)), prefix)
        assert options(state)["num_heads"] == 12


@pytest.mark.parametrize(("width", "heads"), [(192, 3), (384, 6), (768, 12), (1024, 16)])
def test_learned_positions_have_the_usual_heads(width, heads):
    assert options(vit(width))["num_heads"] == heads


@pytest.mark.parametrize(("width", "heads"), [(768, 12), (1024, 16), (1280, 16)])
@pytest.mark.parametrize("make", [moco_v3_positions, mae_positions])
def test_where_all_have_the_same_heads_positions_do_not_matter(width, heads, make):
    assert options(vit(width, positions=make(14, width)))["num_heads"] == heads


@pytest.mark.parametrize(
    ("width", "positions", "prefix"),
    [
        (384, mae_positions(14, 384), ""),
        (192, mae_positions(14, 192), ""),
        (384, moco_v3_positions(14, 384) + 0.1, ""),
        (384, None, "module.base_encoder."),
        (384, None, "momentum_encoder."),
        (384, None, "state_dict.module.visual."),  # SLIP
    ],
)
def test_heads_that_nothing_tells_are_asked_for(width, positions, prefix):
    with pytest.raises(
        InvalidCheckpoint, match=r"heads or 12.*give `architecture=\{'name': 'timm:vit_"
    ) as error:
        recognise(prefixed(vit(width, positions=positions), prefix), "`a.pth`")
    assert "\n" not in str(error.value)


def test_without_a_class_token_only_computed_positions_are_ijepas():
    assert (
        options(vit(768, token=False, positions=mae_positions(14, 768, token=False)))["class_token"] is False
    )
    with pytest.raises(InvalidCheckpoint, match="learned its positions"):
        recognise(vit(768, token=False), "`a.pth`")
    with pytest.raises(InvalidCheckpoint, match="6 heads or 12"):
        recognise(vit(384, token=False, positions=moco_v3_positions(14, 384)[:, 1:]), "`a.pth`")


@pytest.mark.parametrize(
    "shape", [(1, 196, 384), (1, 201, 384), (1, 198, 384), (197, 384), (384,), (1, 197, 383), ()]
)
@pytest.mark.parametrize("layer_scale", [False, True])
def test_positions_of_other_shapes_are_no_published_layout(shape, layer_scale):
    """DeiT III embeds no class token, others embed registers: timm would resample what does not fit."""
    assert recognise(vit(positions=torch.zeros(shape), layer_scale=layer_scale), "`a.pth`") is None


@pytest.mark.parametrize(
    "name",
    ["norm_pre.weight", "reg_token", "register_tokens", "dist_token", "attn_pool.latent", "rope.freqs",
     "pre_logits.fc.weight", "neck.0.weight", "blocks_token_only.0.norm1.weight", "ln_pre.weight",
     "head.pre_logits.fc.weight", "cls_norm.weight"],
)  # fmt: skip
def test_what_may_be_a_part_of_the_encoder_is_refused(name):
    with pytest.raises(InvalidCheckpoint, match=name.partition(".")[0]):
        recognise(vit() | {name: torch.zeros(1)}, "`a.pth`")


@pytest.mark.parametrize(
    "name",
    ["head.weight", "head.mlp.0.weight", "mask_token", "decoder_pos_embed", "decoder_blocks.0.norm1.weight", "queue",
     "projector.0.weight", "prototypes.weight", "classifier.weight", "fc.fc1.weight", "pred.0.weight", "lm_head.weight",
     "masked_embed",
     "momentum_projector.0.weight", "predictor.0.weight", "optimizer.state.0", "logit_scale",
     "cls_pt_layers.0.norm1.weight"],
)  # fmt: skip
def test_what_trained_the_encoder_is_left_out(name):
    assert recognise(vit() | {name: torch.zeros(1)}, "`a.pth`") == recognise(vit(), "`a.pth`")


@pytest.mark.parametrize("inner", [1408, 1414, 1425, 5632, 6144])
def test_the_inner_width_is_kept_through_timms_ratio(inner):
    """timm cuts width times ratio to an integer, which a rounded ratio may miss by one."""
    state = vit(1408) | {"blocks.0.mlp.fc1.weight": torch.zeros(inner, 1408)}
    assert int(1408 * options(state).get("mlp_ratio", 4.0)) == inner


def test_two_last_norms_are_refused():
    with pytest.raises(InvalidCheckpoint, match="`norm` and `fc_norm`"):
        recognise(vit() | {"fc_norm.weight": torch.zeros(384)}, "`a.pth`")
    assert options(vit(norm="fc_norm"))["global_pool"] == "avg"


def test_a_tower_of_open_clip_is_refused():
    with pytest.raises(InvalidCheckpoint, match="open_clip"):
        recognise(prefixed(vit(768), "visual.trunk."), "`a.pth`")


def test_dinov3_with_other_periods_is_refused():
    state = vit(layer_scale=True) | {"storage_tokens": torch.zeros(1, 4, 384)}
    del state["pos_embed"]
    usual = 100 ** (2 * torch.arange(16) / 32)
    for dtype in (torch.float32, torch.bfloat16):
        found = recognise(state | {"rope_embed.periods": usual.to(dtype)}, "`a.pth`")
        assert found is not None
        assert found.spec.name == "vit_small_patch16_dinov3"
    for other in (
        10000 ** (torch.arange(16) / 16),
        100 ** (torch.arange(8) / 8)[:, None] * 2,
        torch.zeros(0),
    ):
        with pytest.raises(InvalidCheckpoint, match="rotary"):
            recognise(state | {"rope_embed.periods": other}, "`a.pth`")


@pytest.mark.parametrize(
    ("prefixes", "evaluated"),
    [
        (("encoder.module.", "target_encoder.module."), "target_encoder.module."),  # I-JEPA, MSN
        (("state.encoder.", "state.target_encoder."), "state.target_encoder."),
        (("online_encoder.", "target_encoder."), None),  # BYOL: as everywhere, by the words of the prefix
        (("student.", "teacher."), None),
    ],
)
def test_the_target_encoder_is_what_joint_embedding_papers_evaluate(prefixes, evaluated):
    state = {}
    for prefix in prefixes:
        state |= prefixed(vit(), prefix)
    found = recognise(state, "`a.pth`")
    assert found is not None
    assert found.prefix == evaluated


def test_no_shape_whatever_is_an_accident():
    """Every tensor in turn, and several at once, with a shape that it never has."""
    shapes = [(), (0,), (1,), (5, 5), (1, 2, 3), (384, 3, 16, 8), (1, 1, 1, 1, 1)]
    layouts = [
        vit(), vit(layer_scale=True), vit() | {"storage_tokens": torch.zeros(1, 4, 384)},
        vit(768) | {"rel_pos_bias.relative_position_bias_table": torch.zeros(732, 12)},
        {"stem.0.weight": torch.zeros(96, 3, 4, 4), "stages.0.blocks.0.conv_dw.weight": torch.zeros(96, 1, 7, 7)},
        {"layer1.0.conv3.weight": torch.zeros(256, 64, 1, 1), "conv1.weight": torch.zeros(64, 3, 7, 7),
         "layer1.0.conv1.weight": torch.zeros(64, 64, 1, 1)},
        {"visual.conv1.weight": torch.zeros(8, 3, 2, 2), "visual.proj": torch.zeros(8, 4)},
    ]  # fmt: skip
    rng = random.Random(0)
    for state in layouts:
        for _ in range(60):
            changed = dict(state)
            for name in rng.sample(sorted(state), rng.randint(1, min(3, len(state)))):
                if rng.random() < 0.3:
                    del changed[name]
                else:
                    changed[name] = torch.zeros(rng.choice(shapes))
            try:
                found = recognise(changed, "`a.pth`")
            except InvalidCheckpoint as err:
                assert "`a.pth`" in str(err)  # noqa: PT017
            else:
                assert found is None or isinstance(found, Recognised)
