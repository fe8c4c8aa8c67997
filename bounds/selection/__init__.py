"""Choosing among encoders without labels, by the measure that ranked a study's encoders best."""

from bounds.selection.select import Selection, select

__all__ = ["Selection", "select"]
