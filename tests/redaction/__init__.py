"""Redaction changes what is displayed and nothing else, and no recognisable part of a secret is displayed."""
