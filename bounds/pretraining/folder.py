"""The folder of a run: its state, log and encoders, each written whole or not at all."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import Any

import torch

from bounds.errors import InvalidCheckpoint, InvalidOption
from bounds.files import whole_file


class RunFolder:
    """`encoder.safetensors` (latest), `trajectory/epoch_NNNN.safetensors`, `log.jsonl`, `state.pt`.

    The state is written last and is the truth: whatever a kill left half done is done again from it.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.encoder = self.path / "encoder.safetensors"
        self.log = self.path / "log.jsonl"
        self.state = self.path / "state.pt"

    def make(self) -> None:
        """Make the folder, if it is not there.

        Raises:
            InvalidOption: it cannot be made.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as err:
            raise InvalidOption(
                f"`out` cannot be a folder ({err.strerror}): {self.path}; give one that can be made."
            ) from err

    def trajectory(self) -> tuple[Path, ...]:
        """The kept encoders in order of epochs."""
        return tuple(sorted((self.path / "trajectory").glob("epoch_*.safetensors")))

    def trajectory_file(self, epoch: int) -> Path:
        """Where the encoder after `epoch` epochs is kept."""
        return self.path / "trajectory" / f"epoch_{epoch:04d}.safetensors"

    def write_log(self, history: list[dict[str, Any]]) -> None:
        """One JSON object a line, one line an epoch."""
        with whole_file(self.log) as part:
            part.write_text("".join(json.dumps(row) + "\n" for row in history))

    def write_state(self, state: dict[str, Any]) -> None:
        """Tensors, numbers and strings only, so that loading runs no code."""
        written = io.BytesIO()  # writing to a file, torch.save says "enforce fail" of a full disk
        torch.save(state, written)
        with whole_file(self.state) as part:
            part.write_bytes(written.getbuffer())

    def read_state(self, identity: str) -> dict[str, Any] | None:
        """The state of an earlier run of the same identity, or None where there is none.

        Raises:
            InvalidOption: the folder holds a run with other settings, data or objective.
            InvalidCheckpoint: the state cannot be read.
        """
        if not self.state.exists():
            return None
        try:
            state: dict[str, Any] = torch.load(self.state, map_location="cpu", weights_only=True)
            earlier = state["identity"]
        except Exception as err:  # torch raises many kinds for a damaged file
            raise InvalidCheckpoint(
                f"{self.state} cannot be read ({type(err).__name__}); remove it to start anew."
            ) from err
        if earlier != identity:
            old, new = json.loads(earlier), json.loads(identity)
            changed = sorted(key for key in old | new if old.get(key) != new.get(key))
            raise InvalidOption(
                f"{self.path} holds a run with another {', '.join(changed)}; "
                "choose another `out`, or `resume=False`."
            )
        return state
