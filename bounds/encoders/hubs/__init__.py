"""Encoders of other libraries by name, file or folder; one adapter a library, imported when it is asked for."""
