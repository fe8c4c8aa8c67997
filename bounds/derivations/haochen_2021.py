"""Symbols of the spectral contrastive bound, after HaoChen et al. (2021)."""

from __future__ import annotations

from bounds.derivations.symbols import symbol

alignment = symbol("alignment", r"\hat P", "(1/m) Σ f(x⁺)ᵀf(x⁺⁺)", real=True)
similarity = symbol("similarity", r"\hat N", "mean of (f(x_i⁺)ᵀf(x_j⁺))² over i ≠ j")
head_scale = symbol("head_scale", r"\alpha", "scale of the head W = α[μ_1 .. μ_K]ᵀ, free after the data")
