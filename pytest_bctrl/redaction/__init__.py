"""Secrets of a process, and text without them.

`Redaction` is handed to whatever shows or writes text: nothing is kept on modules, so that two runs in one process
redact what is theirs. What a search needs is imported with the first secret.
"""

from pytest_bctrl.redaction.redaction import MASK, Redaction
from pytest_bctrl.redaction.streams import RedactedFile, redact_file, redact_stream

__all__ = ["MASK", "RedactedFile", "Redaction", "redact_file", "redact_stream"]
