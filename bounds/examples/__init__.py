"""Data and checkpoints that come with the package, so that everything can be tried at once."""
