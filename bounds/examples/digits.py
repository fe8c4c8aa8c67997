"""scikit-learn's digits in four disjoint parts, and the encoders trained on the first."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bounds.draws import permutation

CHECKPOINTS = {
    "VICReg": Path(__file__).with_name("digits_vicreg.safetensors"),
    "SimCLR": Path(__file__).with_name("digits_simclr.safetensors"),
}
_SEED = 20230301
_SIZES = (500, 500, 500, 297)


@dataclass(frozen=True)
class DigitsSplit:
    """Four random parts of the 1,797 digits, each (images uint8 (N, 8, 8) in 0..255, labels int64 (N,)).

    No image is in two parts: encoders trained on `pretrain` were fixed before the others were seen (A2, A3),
    and the others are independent of each other (A7) where the whole set is an i.i.d. sample.

    Attributes:
        pretrain: What the encoders were trained on, without its labels.
        labeled: S.
        unlabeled: S̄; its labels only make class pairs.
        test: For the measured error.
    """

    pretrain: tuple[np.ndarray, np.ndarray]
    labeled: tuple[np.ndarray, np.ndarray]
    unlabeled: tuple[np.ndarray, np.ndarray]
    test: tuple[np.ndarray, np.ndarray]


def digits() -> DigitsSplit:
    """The split: a permutation fixed by a seed, cut into 500, 500, 500 and 297 digits.

    Source: the test part of Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI 1998, as
    bundled with scikit-learn.
    """
    from sklearn.datasets import load_digits

    data = load_digits()
    images = np.rint(data.images * (255 / 16)).astype(np.uint8)
    order = permutation(_SEED, len(images))
    cuts = np.split(order, np.cumsum(_SIZES)[:-1])
    return DigitsSplit(*((images[rows], data.target[rows].astype(np.int64)) for rows in cuts))
