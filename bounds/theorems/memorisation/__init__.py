"""Robustness, rationality and memorisation: what fits to noisy labels say about the fit to clean ones."""
