"""What the property-based tests share: no example is failed for the time it took on a busy machine."""

from __future__ import annotations

from importlib.util import find_spec

if find_spec("hypothesis") is not None:
    # The tests of the base install run where the extra that brings it is not.
    from hypothesis import HealthCheck, settings

    settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("unhurried")
