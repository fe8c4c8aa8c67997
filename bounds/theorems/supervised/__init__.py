"""Bounds of a head by the labels it was fitted on, uniformly over a class of heads."""
