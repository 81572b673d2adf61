"""What the tests of several files need."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .upstream import Upstream


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """Yield a server on a loopback port, which is closed after the test."""
    server = Upstream()
    yield server
    server.close()
