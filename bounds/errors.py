"""Every exception and warning of the package, on one screen.

All derive from `BoundsError`; the message is one sentence that names what is wrong, where, and what to do.
"""


class BoundsError(Exception):
    """Root of every error this package raises on purpose."""


class InvalidInput(BoundsError, ValueError):
    """An argument, option or file content that cannot be used."""


class InvalidData(InvalidInput):
    """Images, representations or labels with the wrong shape, type, range or values."""


class InvalidOption(InvalidInput):
    """An option outside its documented range or choices."""


class CannotWrite(InvalidOption, OSError):
    """A file or folder that cannot be written: no space, no permission, or another run has it."""


class InvalidCheckpoint(InvalidInput):
    """A checkpoint that is malformed or does not fit the encoder (missing or misshapen weights)."""


class UnsafeCheckpoint(InvalidCheckpoint):
    """A checkpoint that would have to run code to load."""


class BrokenItem(InvalidData):
    """An image that cannot be decoded; `bounds.load_data(..., broken="skip")` leaves such items out and says so."""


class CorruptStore(InvalidData):
    """A folder of saved representations whose checksums or manifest do not match its contents."""


class InvalidStatistics(InvalidInput):
    """A summary or symbol value outside a theorem's stated range."""


class NotApplicable(BoundsError):
    """A bound that cannot be evaluated on what was given; the message says which input is missing."""


class NumericalError(BoundsError, ArithmeticError):
    """A computation that produced NaN; nothing is reported in its place."""


class InvalidProof(InvalidInput):
    """A step that does not follow: the kernel of the proofs refuses it and says which condition fails."""


class TrainingCollapsed(BoundsError):
    """A pretraining run whose loss became NaN or whose embeddings lost all variance."""


class ProcessFailed(BoundsError):
    """Another process of a run under torchrun failed or is gone; the message says which and what to do."""


class MissingDependency(BoundsError, ImportError):
    """An optional package is needed; the message names the extra to install."""


class BoundsWarning(UserWarning):
    """A valid result that deserves a second look."""
