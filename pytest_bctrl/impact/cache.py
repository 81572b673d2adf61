"""Remembers how a test ended with what it was sent, for as long as neither its code nor that changes."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from pytest_bctrl._version import __version__
from pytest_bctrl.impact.replay import Outcome, is_own

_NAME = "bctrl/impact"


class Cache:
    """The outcomes of an earlier run, and those of this one; `fresh` is what pytest's cache is to keep."""

    def __init__(self, config: pytest.Config, tests: Iterable[pytest.Item]) -> None:
        self._root = config.rootpath
        self._test_files = {item.path for item in tests}
        kept = getattr(config, "cache", None)
        stored = kept.get(_NAME, {}) if kept else {}
        self._known: Mapping[str, Any] = stored if isinstance(stored, dict) else {}
        self._digests: dict[Path, str] = {}
        self.fresh: dict[str, list[Any]] = {}

    def known(self, item: pytest.Item, change: str, sent: str) -> Outcome | None:
        """Return how a test ended with a change; None where it was sent something else, or its code was another."""
        key = self._key(item, change, sent)
        try:
            failed, line, where = self._known[key]
        except (LookupError, TypeError, ValueError):
            return None
        self.fresh[key] = [failed, line, where]
        return Outcome(bool(failed), str(line), str(where))

    def keep(self, item: pytest.Item, change: str, sent: str, outcome: Outcome) -> None:
        """Remember how a test ended with a change."""
        self.fresh[self._key(item, change, sent)] = [outcome.failed, outcome.line, outcome.where]

    def _text(self, path: Path) -> str:
        if path not in self._digests:
            try:
                self._digests[path] = sha256(path.read_bytes()).hexdigest()
            except OSError:
                self._digests[path] = ""
        return self._digests[path]

    def _key(self, item: pytest.Item, change: str, sent: str) -> str:
        parts = [item.nodeid, change, sent, self._shared, self._text(item.path)]
        return sha256("\n".join(parts).encode()).hexdigest()[:32]

    @cached_property
    def _shared(self) -> str:
        """The code that all tests share: the project's modules but the test files, and what is installed."""
        files = {
            Path(str(module.__file__)) for module in list(sys.modules.values()) if getattr(module, "__file__", None)
        }
        own = sorted(path for path in files if is_own(path, self._root) and path not in self._test_files)
        installed = sorted({str(Path(path).stat().st_mtime_ns) for path in sys.path if path.endswith("site-packages")})
        return "\n".join([__version__, sys.version, *installed, *(f"{path} {self._text(path)}" for path in own)])


def store(config: pytest.Config, fresh: Mapping[str, Any]) -> None:
    """Have pytest's cache keep the outcomes of this run, in place of earlier ones."""
    if hasattr(config, "cache"):
        config.cache.set(_NAME, dict(fresh))
