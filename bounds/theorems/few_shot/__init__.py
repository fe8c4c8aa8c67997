"""The error of a rule that is made from a few labels of each class."""
