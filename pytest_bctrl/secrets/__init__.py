"""The secrets of a process: a value that shows a mask, and the redaction of secrets from text and streams.

A `Redaction` is passed to all code that shows or writes text. No module keeps state, so each of two runs in one process
redacts only its own secrets.
"""
