"""A clock that tests cannot set: freezegun replaces the functions of the module `time`, wherever they are imported."""

from __future__ import annotations

import time


class Clock:
    """Measures durations and deadlines, which go on while a test has stopped the time of day."""

    monotonic = staticmethod(time.monotonic)


clock = Clock()
