"""What a certificate rests on: each assumption, how it is declared, and why it holds or not."""

from bounds.assumptions.assumption import Assumption
from bounds.assumptions.encoder_choice import EncoderChoice

__all__ = ["Assumption", "EncoderChoice"]
