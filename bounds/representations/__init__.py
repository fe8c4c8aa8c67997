"""Floor 1: images to vectors (checkpoints, data, views, extraction, storage)."""
