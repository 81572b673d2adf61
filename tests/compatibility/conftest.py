"""The downstream suite is run by `test_together`, in a folder of its own, never as a part of this one."""

from __future__ import annotations

collect_ignore = ["downstream"]
