"""Cited and proven lemmas: a formula in placeholders, and the function that reads an instance off a term."""
