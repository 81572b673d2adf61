"""A consumer with a typed model that takes what it can, and a default for the rest."""

from dataclasses import dataclass

import pytest


@dataclass
class Runtime:
    id: str
    name: str
    status: str
    region: str
    created: str

    @classmethod
    def of(cls, data):
        status = data.get("status")
        known = status if status in ("starting", "idle", "active", "stopped", "failed") else "unknown"
        words = (str(data.get(name) or "") for name in ("name", "region", "createdAt"))
        name, region, created = words
        return cls(str(data["id"]), name, known, region, created)


@pytest.fixture
def runtimes(bctrl_client, bctrl_space_id):
    response = bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes")
    response.raise_for_status()
    return [Runtime.of(one) for one in response.json().get("runtimes", [])]


def test_there_are_some(runtimes):
    assert runtimes


def test_status(runtimes):
    assert all(one.status for one in runtimes)


def test_name(runtimes):
    assert all(isinstance(one.name, str) for one in runtimes)


def test_region(runtimes):
    assert all(isinstance(one.region, str) for one in runtimes)


def test_created(runtimes):
    assert all(isinstance(one.created, str) for one in runtimes)


def test_ids(runtimes):
    assert all(one.id for one in runtimes)


def test_they_print(runtimes):
    assert all(str(one) for one in runtimes)
