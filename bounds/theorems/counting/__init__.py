"""Certificates that count the errors of a head on labels it never saw."""
