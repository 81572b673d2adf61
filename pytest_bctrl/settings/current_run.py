"""The run of pytest that this process is in, for functions that are called without a fixture.

pytest tells nobody which run is the current one, and runs nest where a test runs pytest in its own process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

_CONFIGS: list[pytest.Config] = []


def config() -> pytest.Config | None:
    """Return the configuration of the innermost run; None outside of pytest."""
    return _CONFIGS[-1] if _CONFIGS else None


def enter(config: pytest.Config) -> None:
    """Make a run the current one until it ends; to enter it again changes nothing."""
    if any(known is config for known in _CONFIGS):
        return
    _CONFIGS.append(config)
    config.add_cleanup(lambda: _leave(config))


def _leave(config: pytest.Config) -> None:
    _CONFIGS[:] = [known for known in _CONFIGS if known is not config]
