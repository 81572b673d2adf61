"""Findings: what every check and the drift gate return, their levels, and the fingerprint that identifies one."""
