"""Reusable steps: the inequalities of the proofs, each with its check."""
