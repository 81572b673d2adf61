"""The current pytest run of this process, for functions that are called without a fixture.

pytest does not expose the current run, and runs nest if a test runs pytest in its own process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

_CONFIGS: list[pytest.Config] = []


def config() -> pytest.Config | None:
    """Return the configuration of the innermost run; None outside pytest."""
    return _CONFIGS[-1] if _CONFIGS else None


def enter(config: pytest.Config) -> None:
    """Make a run the current one until it ends; entering it again has no effect."""
    if any(active is config for active in _CONFIGS):
        return
    _CONFIGS.append(config)
    config.add_cleanup(lambda: _leave(config))


def _leave(config: pytest.Config) -> None:
    """Remove a run from those that are active."""
    _CONFIGS[:] = [active for active in _CONFIGS if active is not config]
