"""Whatever a certificate is about, ready for use: images or representations to labels and scores."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from bounds.arguments import checked, flag, folder, maybe, path
from bounds.data.base import Source
from bounds.errors import InvalidData
from bounds.heads.parts import PredictorParts
from bounds.heads.saved import read_parts, write_parts
from bounds.representations.extraction import extract
from bounds.representations.inputs import open_source
from bounds.representations.table import Representations
from bounds.summaries.decision import UNDECIDED, decide, named

if TYPE_CHECKING:
    import pandas

UNANSWERED = UNDECIDED


@dataclass(frozen=True)
class Predictions:
    """What a predictor says of each item.

    Attributes:
        labels: Class index of each item, int64 (N,); −1 where the predictor does not answer: the certificate is about sure
            items only, or several scores are largest, which every certificate counts as an error.
        scores: (N, K) float64.
        sets: The `top` classes of largest score, the best first, int64 (N, top); −1 in place of one that is tied with a
            class outside.
        class_names: Of the K classes.
        first_row: Number of the first item.

    Example:
        >>> import numpy as np
        >>> y = np.arange(40) % 2
        >>> z = np.eye(2)[y] + 0.1 * np.random.default_rng(0).random((40, 2))
        >>> report = bounds.evaluate(None, (z[:20], y[:20]), test=(z[20:], y[20:]), fresh=True, bounds="test_set")
        >>> found = report["test_set"].predictor.predict(np.eye(2))
        >>> len(found), found.scores.shape, found.answered.tolist()
        (2, (2, 2), [True, True])
    """

    labels: np.ndarray
    scores: np.ndarray
    sets: np.ndarray
    class_names: tuple[str, ...]
    first_row: int = 0

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def answered(self) -> np.ndarray:
        """Which items have an answer, bool (N,)."""
        answered: np.ndarray = self.labels != UNANSWERED
        return answered

    @property
    def names(self) -> list[str | None]:
        """The name of each item's class; None where there is no answer."""
        return [None if y == UNANSWERED else self.class_names[y] for y in self.labels.tolist()]

    def to_frame(self) -> pandas.DataFrame:
        """Columns row, label, class, answered, top (where a set is named), and scores, one list a row."""
        import pandas

        columns: dict[str, Any] = {
            "row": np.arange(self.first_row, self.first_row + len(self)),
            "label": self.labels,
            "class": self.names,
            "answered": self.answered,
        }
        if self.sets.shape[1] > 1:
            columns["top"] = list(self.sets)
        return pandas.DataFrame({**columns, "scores": list(self.scores)})

    @classmethod
    def joined(cls, parts: list[Predictions]) -> Predictions:
        """Predictions of consecutive items, in order."""
        labels, scores, sets = (
            np.concatenate([getattr(one, name) for one in parts]) for name in ("labels", "scores", "sets")
        )
        return cls(labels, scores, sets, parts[0].class_names, parts[0].first_row)


@dataclass(frozen=True, eq=False)
class Predictor(PredictorParts):
    """Encoder, normalisation, head and decision of one certificate, ready for use; fields as in `PredictorParts`.

    Attributes:
        head, decision: What scores rows, and how scores become an answer.
        normalization, dim: Of the representations, and their dimension.
        class_names: In the order of the labels.
        certificate, report: The bound and the report it came from, as plain data.
        encoder, reference: The encoder, or where it is found.

    Example:
        >>> import numpy as np
        >>> y = np.arange(40) % 2
        >>> z = np.eye(2)[y] + 0.1 * np.random.default_rng(0).random((40, 2))
        >>> report = bounds.evaluate(None, (z[:20], y[:20]), test=(z[20:], y[20:]), fresh=True, bounds="test_set")
        >>> report["test_set"].predictor.predict(np.eye(2)).labels
        array([0, 1])
    """

    def __repr__(self) -> str:
        one = self.certificate
        status = "certified" if one["derived"]["certified"] else "not certified"
        random = "" if self.decision.noise is None else f", random, seed {self.decision.seed}"
        return f"<Predictor {self.head.name}{random}: {one['name']} {one['value']:.4g} on {one['axis']['name']}, {status}>"

    def __call__(self, z: Tensor) -> Tensor:
        """Scores (N, K) float64 for representations z (N, d), not yet normalised.

        Raises:
            InvalidData: another shape, NaN or infinity.
        """
        return torch.from_numpy(self.predict(z).scores)

    @checked()
    def predict(
        self,
        data: Any,
        *,
        batch_size: int = 256,
        device: str | torch.device | None = None,
        progress: bool = False,
    ) -> Predictions:
        """Labels and scores of all items; `stream` gives them part by part.

        Args:
            data: Images, or representations (N, d): whatever `bounds.evaluate` takes as data; labels are not looked at.
            batch_size, device, progress: Of the encoder.

        Raises:
            InvalidInput, InvalidData: data that the encoder, or the head, cannot take.
        """
        return Predictions.joined(
            list(self.stream(data, batch_size=batch_size, device=device, progress=progress))
        )

    @checked(save=maybe(folder))
    def stream(
        self,
        data: Any,
        *,
        batch_size: int = 256,
        device: str | torch.device | None = None,
        progress: bool = False,
        save: str | os.PathLike[str] | None = None,
    ) -> Iterator[Predictions]:
        """The same part by part, in order; with `save` the representations are kept there, to go on after a stop."""
        source = data if isinstance(data, Source) else open_source(data, name="data")
        encoder = self.encoder
        if encoder is not None and encoder.preprocessing is not None and source.kind == "vectors":
            encoder = None  # representations already
        found = extract(
            encoder,
            source,
            role="unlabeled",
            batch_size=batch_size,
            device=device,
            progress=progress,
            save=save,
        ).representations
        if found.dim != self.dim:
            raise InvalidData(
                f"The predictor takes representations of dimension {self.dim}, but `data` has {found.dim}; use the "
                "encoder it was certified with."
            )
        yield from self._of_table(found)

    def _of_table(self, table: Representations) -> Iterator[Predictions]:
        row = 0
        for (z, *_), _ in self.normalization.apply(table).chunks():
            scores = self.decision.scores(self.head, z, row)
            sets = named(scores, self.decision.top)
            labels = torch.where(self.decision.answered(scores), decide(scores), UNANSWERED)
            yield Predictions(labels.numpy(), scores.numpy(), sets.numpy(), self.class_names, row)
            row += len(z)

    @checked(folder=folder, copy_encoder=flag)
    def save(self, folder: str | os.PathLike[str], *, copy_encoder: bool = False) -> None:
        """Write head, normalisation, decision, class names, certificate and report as data.

        Args:
            folder: A new or empty one.
            copy_encoder: Whether to write the encoder too; else its path and digests are kept.

        Raises:
            NotApplicable: a head that cannot be written as data: a given function, or a classifier that is no linear map.
            InvalidOption: the folder holds something, or the encoder cannot be copied.
        """
        write_parts(self, Path(folder), copy_encoder)


@checked(folder=path)
def load_predictor(folder: str | os.PathLike[str], *, encoder: Any = None) -> Predictor:
    """Read a predictor that `bound.predictor.save(folder)` wrote; no code of the folder is run.

    Args:
        folder: The folder.
        encoder: The encoder where it is not where it was, or was given as an object: a path, a network or a callable. Its
            weights and preprocessing must be those that were certified. False: none, to predict from representations.

    Raises:
        InvalidInput: not such a folder.
        CorruptStore: a file that is missing or differs from its digest.
        InvalidCheckpoint: another encoder.
        InvalidOption: an encoder that only the caller has.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> y = np.arange(40) % 2
        >>> z = np.eye(2)[y] + 0.1 * np.random.default_rng(0).random((40, 2))
        >>> report = bounds.evaluate(None, (z[:20], y[:20]), test=(z[20:], y[20:]), fresh=True, bounds="test_set")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     report["test_set"].predictor.save(f"{folder}/kept")
        ...     print(bounds.load_predictor(f"{folder}/kept").predict(np.eye(2)).labels)
        [0 1]
    """
    return Predictor(**vars(read_parts(Path(folder), encoder)))
