"""What the garbage collector inspects during a contract run."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from types import ModuleType

import pytest


def freeze_until_hypothesis(config: pytest.Config) -> None:
    """Exclude all existing objects from garbage collections, until the run imports Hypothesis."""
    gc.freeze()
    if "hypothesis" not in sys.modules:
        finder = _UnfreezeForHypothesis()
        sys.meta_path.insert(0, finder)

        def remove() -> None:
            """Remove the finder, unless a test has."""
            if finder in sys.meta_path:
                sys.meta_path.remove(finder)

        config.add_cleanup(remove)


class _UnfreezeForHypothesis:
    """An import hook that finds no module, and ends the exclusion before Hypothesis is imported.

    Plugins of Hypothesis, such as that of trio, then register their random generators. Hypothesis warns if nothing
    refers to a generator, and the garbage collector does not list references from frozen objects.
    """

    def find_spec(self, name: str, _path: Sequence[str] | None, _target: ModuleType | None = None, /) -> None:
        """Include the objects in garbage collections again if Hypothesis is imported; finds no module itself."""
        if name == "hypothesis":
            gc.unfreeze()
