"""The certificate lab for self-supervised learning."""
