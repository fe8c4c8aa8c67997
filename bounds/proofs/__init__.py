"""The kernel of the proofs: terms, their ranges and dependence, facts and the rules that make them; no theorem."""
