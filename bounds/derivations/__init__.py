"""Every bound's expression, built once, and its proof as a chain of checked steps."""
