"""The space id of samples."""

SPACE_ID = "5b1e0c8e-0000-4000-8000-00000000bc71"
"""The default space id of samples and of the mock: a valid UUID that no real space has."""
