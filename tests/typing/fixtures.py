from typing import Any

import httpx

from pytest_bctrl import Contract, MockServer, RecordedTest, Secret, Space


def test_the_fixtures_have_the_settings_of_the_mock(
    bctrl_contract: Contract, bctrl_api_key: Secret, bctrl_base_url: str, bctrl_space_id: str
) -> None:
    assert "/v1/spaces/{id}/runtimes" in [operation.path for operation in bctrl_contract.operations]
    assert bctrl_base_url.startswith("http://127.0.0.1:")
    assert bctrl_api_key
    assert bctrl_space_id


def test_bctrl_client_lists_the_runtimes(bctrl_client: httpx.Client, bctrl_space_id: str) -> None:
    assert bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes").status_code == 200


def test_bctrl_async_client_sends_requests_to_the_mock(bctrl_async_client: httpx.AsyncClient) -> None:
    assert bctrl_async_client.base_url.host == "127.0.0.1"


def test_the_scenario_empty_lists_no_runtimes(bctrl_mock: MockServer, bctrl_client: httpx.Client) -> None:
    bctrl_mock.scenario("empty")
    response = bctrl_client.get(f"/v1/spaces/{bctrl_mock.space_id}/runtimes")
    assert response.json()["runtimes"] == []


def test_bctrl_mock_space_is_a_space_of_the_server(bctrl_mock_server: MockServer, bctrl_mock_space: Space) -> None:
    assert bctrl_mock_space.space_id in bctrl_mock_server.spaces


def test_bctrl_runtimes_are_those_of_the_recording(
    bctrl_recording: RecordedTest,
    bctrl_runtimes: list[dict[str, Any]],
    bctrl_client: httpx.Client,
    bctrl_space_id: str,
) -> None:
    body = bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes").json()
    assert body["runtimes"] == bctrl_runtimes
    assert bctrl_recording.space_id == bctrl_space_id


def test_bctrl_schema_has_the_operation(bctrl_schema: Any) -> None:
    assert bctrl_schema["/v1/spaces/{id}/runtimes"]["GET"]
