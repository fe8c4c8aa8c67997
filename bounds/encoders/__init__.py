"""From a checkpoint to an encoder: safe loading, architectures, and what was loaded."""

from bounds.encoders.checkpoints import Encoder, load_encoder, save_encoder

__all__ = ["Encoder", "load_encoder", "save_encoder"]
