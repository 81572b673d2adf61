"""The mock and the client of this kit in a test that stops the time, as freezegun does."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from pytest_bctrl import MockServer


@contextmanager
def stopped_time() -> Iterator[None]:
    """Replace `time.monotonic`, also where modules of the kit have imported it, by the seconds of a date."""
    real = time.monotonic
    with pytest.MonkeyPatch.context() as patch:
        for module in [time, *(module for name, module in sys.modules.items() if name.startswith("pytest_bctrl."))]:
            for name, value in list(vars(module).items()):
                if value is real:
                    patch.setattr(module, name, lambda: 1.7e9)
        yield


def test_the_client_gets_responses_while_the_time_is_stopped(bctrl_client: httpx.Client, bctrl_space_id: str) -> None:
    """Three requests on one connection: before, while and after the time is stopped."""
    path = f"/v1/spaces/{bctrl_space_id}/runtimes"
    statuses = [bctrl_client.get(path).status_code]
    with stopped_time():
        statuses.append(bctrl_client.get(path).status_code)
    statuses.append(bctrl_client.get(path).status_code)
    assert [200, 200, 200] == statuses


def test_a_delay_of_the_mock_ends_while_the_time_is_stopped(
    bctrl_mock: MockServer, bctrl_client: httpx.Client, bctrl_space_id: str
) -> None:
    with stopped_time():
        bctrl_mock.fault("delay", seconds=0.01)
        assert 200 == bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes").status_code
