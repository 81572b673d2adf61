"""The fixtures, markers and options, in a project that uses them; and what they cost one that does not."""

from __future__ import annotations

import json
import sys

import pytest

from pytest_bctrl.contract.files import packaged
from tests.variants import named, serve

OURS = ("httpx", "jsonschema", "schemathesis", "hypothesis", "yaml", "httptools", "pytest_bctrl.suite", "asyncio")

IDLE = f"""
import json
import sys

def test_nothing_of_ours_is_imported():
    assert "pytest_bctrl.plugin" in sys.modules
    assert [] == [name for name in {OURS!r} if name in sys.modules]
"""

FIXTURES = """
import pytest
from pytest_bctrl import assert_conforms, check


def test_client(bctrl_client, bctrl_space_id):
    response = bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes")
    assert 200 == response.status_code
    assert_conforms(response, fail_on="info")


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_async_client(bctrl_async_client, bctrl_space_id):
    response = await bctrl_async_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes")
    assert [] == check(response)


def test_mock_counts_requests(bctrl_mock, bctrl_client):
    bctrl_client.get("/v1/spaces/other/runtimes")
    assert 1 == len(bctrl_mock.requests)


def test_mock_is_new_for_every_test(bctrl_mock):
    assert 0 == len(bctrl_mock.requests)


def test_contract(bctrl_contract):
    assert ["GET /v1/spaces/{id}/runtimes"] == [operation.label for operation in bctrl_contract.operations]


def test_schema(bctrl_schema):
    assert "GET" in bctrl_schema["/v1/spaces/{id}/runtimes"]


def test_key(bctrl_api_key):
    assert "**********" == str(bctrl_api_key)


@pytest.mark.bctrl_live
def test_live_only(bctrl_client):
    raise RuntimeError("must not run")
"""


def test_an_idle_plugin_imports_nothing(pytester: pytest.Pytester) -> None:
    """Other plugins that would import these on their own account are left out."""
    pytester.makepyfile(IDLE)
    pytester.plugins = []
    environment = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(*next(iter(environment.items())))
        result = pytester.runpytest_subprocess("-p", "pytest_bctrl.plugin")

    result.assert_outcomes(passed=1)


def test_the_fixtures_work_on_the_mock(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(FIXTURES)

    result = pytester.runpytest("-W", "error", "-p", "no:randomly", "--strict-markers")

    result.assert_outcomes(passed=7, skipped=1)


def test_the_fixtures_aim_at_the_live_target(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.bctrl_live
        def test_lists(bctrl_client, bctrl_space_id):
            assert bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes").json()["runtimes"]

        @pytest.mark.bctrl_live
        def test_unsafe_is_refused(bctrl_client, bctrl_space_id):
            with pytest.raises(Exception, match="POST is not sent to a live target"):
                bctrl_client.post(f"/v1/spaces/{bctrl_space_id}/runtimes")
        """
    )
    with serve(named("plain")) as server:
        monkeypatch.setenv("BCTRL_API_KEY", server.api_key)
        monkeypatch.setenv("BCTRL_SPACE_ID", server.space_id)
        result = pytester.runpytest(
            "--bctrl-live", f"--bctrl-base-url={server.url}", "-m", "bctrl_live", "--strict-markers"
        )

        result.assert_outcomes(passed=2, deselected=36)
        assert ["GET"] == [request.method for request in server.log]


def test_settings_fixtures_can_be_overridden(pytester: pytest.Pytester) -> None:
    with serve(named("plain")) as server:
        pytester.makeconftest(
            f"""
            import pytest

            @pytest.fixture(scope="session")
            def bctrl_base_url():
                return {server.url!r}

            @pytest.fixture(scope="session")
            def bctrl_api_key():
                return {server.api_key!r}
            """
        )
        pytester.makepyfile(
            f"""
            def test_it(bctrl_client):
                assert 200 == bctrl_client.get("/v1/spaces/{server.space_id}/runtimes").status_code
            """
        )
        pytester.runpytest().assert_outcomes(passed=1)


def test_the_plugin_can_be_turned_off(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest("-p", "no:bctrl", "--bctrl-mock")

    assert result.ret == pytest.ExitCode.USAGE_ERROR


def test_it_is_installed_as_a_package() -> None:
    """Guards the others: they are to test the package that is installed, wherever they stand."""
    assert "pytest_bctrl" in sys.modules


def test_a_contract_that_cannot_be_read_is_told_in_one_line(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(bctrl_contract): pass")

    result = pytester.runpytest("--bctrl-contract=nowhere.yaml")

    assert 0 != result.ret
    assert "nowhere.yaml: the contract cannot be read: No such file or directory" in result.stdout.str()
    assert "Traceback" not in result.stdout.str()


def test_the_contract_that_the_ini_file_names_is_in_force(pytester: pytest.Pytester) -> None:
    document = json.loads(packaged().merged.read_text("utf-8"))
    document["info"]["title"] = "My own contract"
    (pytester.path / "own.json").write_text(json.dumps(document), "utf-8")
    pytester.makeini(f"[pytest]\nbctrl_contract = {pytester.path / 'own.json'}\n")
    pytester.makepyfile("def test_it(bctrl_contract):\n    assert bctrl_contract.name.endswith('own.json')\n")

    pytester.runpytest().assert_outcomes(passed=1)
