"""What pairs of augmentations certify: the cost of lacking invariance, and an error from below."""
