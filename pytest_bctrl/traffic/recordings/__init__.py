"""Recordings: saved exchanges without secrets, in HAR 1.2, written while a test runs and replayed without a network."""
