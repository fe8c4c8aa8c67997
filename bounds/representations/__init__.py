"""Data through an encoder: vectors f(x), extracted, normalised, stored, merged."""
