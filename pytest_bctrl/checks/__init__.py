"""Checks of one response, which return findings. No module here opens a socket."""
