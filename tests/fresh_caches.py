"""A plugin that empties the caches of the package before a run, for `mutmut`.

It tests each mutant in a fork of a process that has run the tests before. With the results that this process has
cached, a changed function would not be called.
"""

from __future__ import annotations

import sys


def pytest_sessionstart() -> None:
    """Empty the caches of the functions and methods of the package and of the tests."""
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] in ("pytest_bctrl", "tests"):
            classes = [value for value in vars(module).values() if isinstance(value, type)]
            for function in [value for owner in (module, *classes) for value in vars(owner).values()]:
                if hasattr(function, "cache_clear"):
                    function.cache_clear()
