"""The SHA-256 that fingerprints are computed with, in every interpreter."""

import sys
from hashlib import sha256

import pytest

from pytest_bctrl.findings import digest


@pytest.mark.parametrize("missing", [(), ("_sha2", "_sha256")])
def test_digest_is_the_same_without_the_implementation_of_the_interpreter(
    monkeypatch: pytest.MonkeyPatch, missing: tuple[str, ...]
) -> None:
    """The digest is that of `hashlib`, with and without the interpreter's own implementation of SHA-256."""
    for name in missing:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setattr(digest, "_sha256", digest._sha256.__wrapped__)

    assert digest.hex_digest(b"text") == sha256(b"text").hexdigest()
