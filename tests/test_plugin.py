"""The fixtures, markers and options, in a project that uses them; and what they cost one that does not."""

from __future__ import annotations

import json
import pkgutil
import re
import sys
from importlib import import_module

import pytest

import pytest_bctrl
from pytest_bctrl.contract.files import packaged
from tests.compatibility.test_jobs import FIXTURES, STRICT
from tests.variants import named, serve

OURS = ("httpx", "jsonschema", "schemathesis", "hypothesis", "yaml", "httptools", "pytest_bctrl.suite", "asyncio")

IDLE = f"""
import json
import sys

def test_nothing_of_ours_is_imported():
    assert "pytest_bctrl.plugin" in sys.modules
    assert [] == [name for name in {OURS!r} if name in sys.modules]
"""

FURTHER_TESTS = """

def test_schema(bctrl_schema):
    assert "GET" in bctrl_schema["/v1/spaces/{id}/runtimes"]


def test_the_key_of_the_mock_is_a_str(bctrl_mock, bctrl_api_key, bctrl_base_url, bctrl_space_id):
    import httpx

    url = f"{bctrl_base_url}/v1/spaces/{bctrl_space_id}/runtimes"
    for key in (bctrl_mock.api_key, bctrl_api_key.reveal()):
        assert httpx.get(url, headers={"Authorization": f"Bearer {key}"}).is_success
"""


def test_an_unused_plugin_imports_nothing(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that uses none of it loads neither the contract suite nor a library; other plugins are disabled."""
    pytester.makepyfile(IDLE)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")

    result = pytester.run(sys.executable, "-m", "pytest", "-p", "pytest_bctrl.plugin")

    result.assert_outcomes(passed=1)


FAILING_CONFTEST = """
import json
import sys

import pytest


@pytest.hookimpl(trylast=True)
def pytest_runtest_logreport(report):
    # As pytest-reportlog does.
    config = pytest_runtest_logreport.config
    if not hasattr(config, "workerinput"):
        data = config.hook.pytest_report_to_serializable(config=config, report=report)
        with config.rootpath.joinpath("report.log").open("a") as file:
            file.write(json.dumps(data, default=lambda value: type(value).__name__) + "\\n")


def pytest_configure(config):
    pytest_runtest_logreport.config = config


@pytest.fixture
def broken():
    raise ValueError("it is broken")


@pytest.fixture
def broken_at_the_end():
    yield
    raise ValueError("it is broken at the end")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    if "hook" in item.name:
        raise ValueError("a hook is broken")
    return (yield)


def pytest_report_header():
    return repr([getattr(finder, "__name__", type(finder).__name__) for finder in sys.meta_path])
"""
FAILING_TESTS = """
def test_fixture(broken):
    pass

def test_fixture_that_ends(broken_at_the_end):
    pass

def test_hook():
    pass

def test_assertion():
    print("output")
    assert [1, 2] == [1, 3]
"""


@pytest.mark.parametrize("style", ["auto", "native", "short"])
@pytest.mark.parametrize("is_xdist", [False, True], ids=["one process", "workers"])
def test_an_unused_plugin_changes_no_report(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, style: str, is_xdist: bool
) -> None:
    """Terminal, JUnit and report-log are those of a run with `-p no:bctrl`, with a blank key and a folder too."""
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    monkeypatch.setenv("BCTRL_API_KEY", "  ")
    pytester.makeconftest(FAILING_CONFTEST)
    pytester.makepyfile(FAILING_TESTS)
    pytester.mkdir("contracts").joinpath("pets.json").write_text("{}", "utf-8")
    arguments = [f"--tb={style}", "-p", "no:randomly", "-p", "no:cacheprovider", "-rA", "--junitxml=junit.xml", "-v"]
    arguments += ["-n1"] if is_xdist else []
    reports = []
    for option in ("no:bctrl", "no:no_such_plugin"):
        result = pytester.runpytest_subprocess("-p", option, *arguments)
        text = result.stdout.str() + result.stderr.str() + (pytester.path / "junit.xml").read_text("utf-8")
        log = pytester.path / "report.log"
        assert 11 == len(log.read_text("utf-8").splitlines())
        text += log.read_text("utf-8")
        log.unlink()
        assert {"failed": 2, "errors": 2, "passed": 1} == result.parseoutcomes()
        text = re.sub(r"in \d+\.\d+s|(time|timestamp)=\"[^\"]*\"", "", text)
        text = re.sub(r"\"(duration|start|stop|testrun_uid)\": [^,}]+", "", text)
        reports.append(re.sub(r"^plugins: .*$", "", text, flags=re.MULTILINE))
    assert reports[0] == reports[1]


def test_a_contract_run_may_be_the_first_to_import_hypothesis(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No warning appears, although trio was imported before.

    Plugins of Hypothesis register the random generators of modules that are imported by then, without a warning.
    """
    pytest.importorskip("trio")
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile(
        """
        import sys

        import trio

        def test_first():
            assert "hypothesis" not in sys.modules
            import hypothesis
        """
    )

    arguments = ["-p", "pytest_bctrl.plugin", "-W", "error", "--bctrl-mock", "-k", "test_first"]
    result = pytester.run(sys.executable, "-m", "pytest", *arguments)

    result.assert_outcomes(passed=1, deselected=45)


def test_a_project_that_uses_the_fixtures_passes_on_the_mock(pytester: pytest.Pytester) -> None:
    """Of a project whose tests use the fixtures, seven tests pass and one is skipped."""
    pytester.makepyfile(FIXTURES + FURTHER_TESTS)

    pytester.runpytest(*STRICT).assert_outcomes(passed=7, skipped=1)


def test_the_fixtures_use_the_live_target(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """They send GET to the given space and URL, and POST is an error; the command line takes precedence."""
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

        @pytest.mark.bctrl_live
        def test_the_key_is_a_secret(bctrl_api_key):
            assert "**********" == f"{bctrl_api_key}"
        """
    )
    with serve(named("plain")) as server:
        monkeypatch.setenv("BCTRL_API_KEY", server.api_key)
        monkeypatch.setenv("BCTRL_SPACE_ID", "another")
        arguments = (f"--bctrl-base-url={server.url}", f"--bctrl-space-id={server.space_id}", "-m", "bctrl_live")
        result = pytester.runpytest("--bctrl-live", *arguments)

        result.assert_outcomes(passed=3, deselected=45)
        assert ["GET"] == [request.method for request in server.log]


def test_an_unreadable_contract_is_a_one_line_error(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(bctrl_contract): pass")

    result = pytester.runpytest("--bctrl-contract=nowhere.yaml")

    assert 0 != result.ret
    assert "nowhere.yaml: the contract cannot be read: No such file or directory" in result.stdout.str()
    assert "Traceback" not in result.stdout.str()


def test_bctrl_contract_in_the_ini_file_selects_the_contract(pytester: pytest.Pytester) -> None:
    document = json.loads(packaged().merged.read_text("utf-8"))
    document["info"]["title"] = "My own contract"
    (pytester.path / "own.json").write_text(json.dumps(document), "utf-8")
    pytester.makeini(f"[pytest]\nbctrl_contract = {pytester.path / 'own.json'}\n")
    pytester.makepyfile("def test_it(bctrl_contract):\n    assert bctrl_contract.name.endswith('own.json')\n")

    pytester.runpytest().assert_outcomes(passed=1)


def test_a_second_contract_on_the_command_line_is_an_error(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest("--bctrl-contract=a.yaml", "--bctrl-contract", "b.yaml")
    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stderr.fnmatch_lines(["ERROR: bctrl: --bctrl-contract: it is given twice (run pytest once per contract)"])


def test_a_custom_key_fixture_may_return_no_key(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.fixture
        def bctrl_api_key():
            return None

        def test_key(bctrl_api_key):
            assert bctrl_api_key is None
        """
    )

    pytester.runpytest().assert_outcomes(passed=1)


@pytest.mark.parametrize("owner", ["module", "class"])
def test_a_key_that_a_test_gets_by_its_name_is_redacted(pytester: pytest.Pytester, owner: str) -> None:
    """No test has the fixture among its arguments; that of a class is used in the class alone."""
    self = "self, " if owner == "class" else ""
    lines = [
        "@pytest.fixture",
        f"def bctrl_api_key({self}request):",
        "    return 'bk_7Hq2' + 'ZxW9pLr4TnVs8KdM'",
        f"def test_key({self}request):",
        "    assert request.getfixturevalue('bctrl_api_key') == 'another'",
    ]
    if owner == "class":
        lines = ["class TestKey:", *(f"    {line}" for line in lines)]
    pytester.makepyfile("\n".join(["import pytest", *lines]))

    result = pytester.runpytest_subprocess("--showlocals")

    result.assert_outcomes(failed=1)
    assert "bk_7Hq2ZxW9" not in result.stdout.str()


def test_a_run_without_rewritten_assertions_uses_fixtures(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_url(bctrl_mock):\n    assert bctrl_mock.url\n")

    pytester.runpytest("--assert=plain").assert_outcomes(passed=1)


def test_a_run_below_the_minimum_coverage_fails(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest("--bctrl-mock", "-k", "test_answer_conforms", "--bctrl-min-coverage=100")

    assert pytest.ExitCode.TESTS_FAILED == result.ret
    result.stdout.fnmatch_lines(["failed *Coverage of * is below the minimum of 100%*"])


def test_every_hook_has_a_name_that_pytest_recognises() -> None:
    """pytest silently ignores a hook whose name does not begin with `pytest_`, even if it has a `specname`."""
    names = [module.name for module in pkgutil.walk_packages(pytest_bctrl.__path__, "pytest_bctrl.")]
    modules = [import_module(name) for name in names if not name.endswith("__main__")]
    holders = [*modules, *(var for module in modules for var in vars(module).values() if isinstance(var, type))]
    hooks = {name for holder in holders for name, value in vars(holder).items() if hasattr(value, "pytest_impl")}
    assert (True, []) == (len(hooks) > 10, [name for name in hooks if not name.startswith("pytest_")])
