"""Theorem 2 of Shwartz-Ziv et al. (2023): as printed, with its constants counted, and its relatives."""
