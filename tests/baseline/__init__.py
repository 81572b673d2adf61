"""The baseline of accepted findings."""
