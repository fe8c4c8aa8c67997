"""What a function class must offer."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from bounds.complexity.record import Complexity
from bounds.complexity.sampling import Sampling


@runtime_checkable
class FunctionClass(Protocol):
    """A named class of functions whose complexity can be evaluated on data.

    Example:
        >>> from bounds.complexity import FunctionClass, LinearHead
        >>> one: FunctionClass = LinearHead(beta=1.0)
        >>> one.name
        'LinearHead(beta=1)'
    """

    @property
    def name(self) -> str:
        """Name with parameters."""

    @property
    def description(self) -> str:
        """The class in words."""

    def evaluate(self, data: Any, sampling: Sampling, encoder: Any = None) -> Complexity:
        """The complexity of the class on `data`; `encoder` is the checkpoint of classes of networks."""
