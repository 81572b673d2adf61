"""A consumer that reads the id and the name, and nothing else."""

import pytest


@pytest.fixture(params=range(7))
def pairs(request, bctrl_client, bctrl_space_id):
    response = bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes")
    return [(one["id"], one["name"]) for one in response.json()["runtimes"]]


def test_pairs(pairs):
    assert all(identity and name.strip() for identity, name in pairs)
