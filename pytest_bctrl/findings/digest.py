"""SHA-256, without loading OpenSSL, which takes as long as comparing a small document."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from importlib import import_module
from typing import Any


def hex_digest(data: bytes) -> str:
    """Return the SHA-256 of bytes in hex."""
    digest: str = _sha256()(data).hexdigest()
    return digest


@cache
def _sha256() -> Any:
    """Return the SHA-256 function of the interpreter itself; that of `hashlib` if the interpreter has none.

    It is looked for once: a search for a module that does not exist takes longer than a digest.
    """
    # The module `random` imports that of SHA-512 in the same way. The first is its name since Python 3.12.
    for name in ("_sha2", "_sha256"):
        with suppress(ImportError):
            return import_module(name).sha256
    return import_module("hashlib").sha256
