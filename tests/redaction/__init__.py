"""Redaction changes only displayed text, and no recognisable part of a secret is displayed."""
