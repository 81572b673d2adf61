"""Checks: each looks at one answer and returns what it found. Nothing here opens a socket."""
