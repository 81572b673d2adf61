"""Measures how long it takes to load and replay a recording of a long list, against other libraries."""
