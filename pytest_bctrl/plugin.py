"""The pytest plugin: options, markers and hooks. It imports pytest alone, and loads the fixtures."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

pytest_plugins = ["pytest_bctrl.integration.fixtures", "pytest_bctrl.recorded.fixtures"]

_SESSION: pytest.StashKey[pytest.Session] = pytest.StashKey()

_MARKERS = (
    "bctrl_contract: a test of the contract suite, added by --bctrl-mock and --bctrl-live",
    "bctrl_scenario(name, **arguments): the scenario of the mock server in this test",
    "bctrl_mock(unused='allow'): the test may set up faults, scenarios and sequences that no request uses",
    "bctrl_recording(name=None, conforming=True): the test replays its recording; with a name, a shared one",
    "bctrl_watch(conforming=True): with conforming=False, --bctrl-watch does not check the exchanges of the test, and "
    "--bctrl-impact does not change them",
    "bctrl_impact(skip=True): the test is not run again by --bctrl-impact, because it has side effects",
    "bctrl_live: a test that sends requests to the live API; skipped unless --bctrl-live is given",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register the options and their ini keys; the key itself comes from BCTRL_API_KEY alone."""
    from pytest_bctrl.settings.table import SETTINGS

    group = parser.getgroup("bctrl", "bctrl API contract")
    group.addoption(
        "--bctrl-live",
        action="store_true",
        help="Check the live API against its contract and point the fixtures at it; the key comes from BCTRL_API_KEY",
    )
    group.addoption(
        "--bctrl-mock", action="store_true", help="Check the bundled mock server against the contract; needs no network"
    )
    group.addoption(
        "--bctrl-watch",
        dest="bctrl_watch",
        action="store_const",
        const="true",
        default=None,
        help="Check every request and response of your own tests against the contract, whatever responds to them",
    )
    group.addoption(
        "--bctrl-impact",
        metavar="SOURCE",
        nargs="?",
        const="",
        default=None,
        help="Run your own tests again for each change of the contract, to see which break: SOURCE is a page, file or "
        "URL of the spec, 'published', or 'mutants' (default: --bctrl-upstream, else mutants)",
    )
    group.addoption(
        "--bctrl-coverage", action="store_true", help="List the parts of the contract that no response exercised"
    )
    group.addoption(
        "--bctrl-accept", metavar="REASON", help="Add the current failures to the baseline, with this reason"
    )
    group.addoption(
        "--bctrl-until",
        metavar="DATE",
        help="Expiry of the entries that --bctrl-accept adds (default: 90 days from today)",
    )
    for setting in SETTINGS:
        if setting.metavar:
            group.addoption(
                setting.option,
                dest=setting.ini,
                metavar=setting.metavar,
                action="append" if setting.is_list else "store",
                default=None,
                help=setting.option_help or setting.help,
            )
        ini_type: Literal["linelist", "string"] = "linelist" if setting.is_list else "string"
        parser.addini(setting.ini, setting.help, type=ini_type)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Declare the hooks by which a project adds checks, scenarios and faults; reject options without their value.

    The options are not parsed yet, so a missing value can be explained before pytest prints its usage.
    """
    from pytest_bctrl.integration import hookspecs

    pluginmanager.add_hookspecs(hookspecs)
    config: Any = pluginmanager.get_plugin("pytestconfig")
    arguments = [str(argument) for argument in config.invocation_params.args]
    if any(argument.startswith("--bctrl") for argument in arguments):
        from pytest_bctrl.settings import mistakes
        from pytest_bctrl.settings.lookup import usage_errors

        with usage_errors():
            mistakes.require_values(arguments)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: list[str]
) -> Generator[None, object, object]:
    """Redact secrets before a `conftest.py` runs, and before anything is captured; reject unknown options after it."""
    _enter_run(early_config)
    if "--bctrl-impact" in args:
        # argparse would take the path of a test for the SOURCE.
        at = args.index("--bctrl-impact")
        if not any(map(_is_source, args[at + 1 : at + 2])):
            args[at] = "--bctrl-impact="
    _redact_secrets(early_config)
    result = yield
    if any(argument.startswith("--bctrl") for argument in args):
        from pytest_bctrl.settings import mistakes
        from pytest_bctrl.settings.lookup import usage_errors

        with usage_errors():
            mistakes.require_known_options(parser, args)
    return result


def _enter_run(config: pytest.Config) -> None:
    """Make this run the one whose contract `pytest_bctrl.schema()` and `check()` use."""
    from pytest_bctrl.settings import current_run

    current_run.enter(config)


def _is_source(following: str) -> bool:
    """Return whether the argument after `--bctrl-impact` looks like its SOURCE, and not like a path of tests."""
    is_elsewhere = following in ("mutants", "published") or "://" in following or following.startswith("git:")
    return is_elsewhere or following.endswith((".md", ".yaml", ".yml", ".json"))


def _redact_secrets(config: pytest.Config) -> None:
    """Add the secrets of environment and settings to the redaction of output, which starts if any may be set."""
    options = getattr(config.option, "bctrl_headers", None)
    names = ("bctrl_secrets", "bctrl_headers", "bctrl_values", "bctrl_credentials")
    is_set = os.environ.get("BCTRL_API_KEY", "").strip() or options or any(_is_in_file(config, name) for name in names)
    if is_set or any(_is_overridden(config, name) for name in ("bctrl_api_key", "bctrl_auth")):
        from pytest_bctrl.settings import secret_settings
        from pytest_bctrl.suite.report.sinks import redact_trace, redaction

        # Output is not captured yet: the terminal reporter writes to these streams. Later, more options are known.
        secret_settings.add_secrets(redaction(config, sys.stdout, sys.stderr), config, os.environ)
        redact_trace(config)


def _is_overridden(config: pytest.Config, fixture: str) -> bool:
    """Return whether a `conftest.py` or a plugin of the project defines a fixture of this kit again."""
    from pytest_bctrl.settings.lookup import overrides_of

    return bool(overrides_of(fixture, config))


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers, reject wrong settings, and start the runs that flags request: suite, watch, impact."""
    from pytest_bctrl.settings.table import SETTINGS

    _enter_run(config)
    _redact_secrets(config)
    for marker in _MARKERS:
        config.addinivalue_line("markers", marker)
    option = config.option
    _reject_mistakes(config)
    if option.bctrl_record_mode or any(_is_in_file(config, setting.ini) for setting in SETTINGS):
        from pytest_bctrl.settings import secret_settings
        from pytest_bctrl.settings.lookup import usage_errors

        with usage_errors():
            secret_settings.require_recording_settings(config, os.environ)
    if option.bctrl_impact is not None:
        from pytest_bctrl.impact.hooks import start as start_impact

        start_impact(config)
    else:
        _start_runs(config)
    _observe(config)


def _reject_mistakes(config: pytest.Config) -> None:
    """Raise `pytest.UsageError` for settings that nothing reads, and for arguments that need a contract run."""
    from pytest_bctrl.settings.pytest_names import ini_keys

    option = config.option
    runs = (option.bctrl_live, option.bctrl_mock, option.bctrl_upstream)
    is_run = any(runs) or option.bctrl_impact is not None or _is_watching(config)
    names_suite = any(argument.partition("::")[0] == "bctrl" for argument in config.args)
    may_be_wrong = not is_run and (names_suite or option.bctrl_accept is not None)
    names = [name for name in ini_keys(config) if name.startswith(("bctrl_", "bctrl-"))]
    has_pyproject = is_run and config.inipath is not None and config.inipath.name == "pyproject.toml"
    if not may_be_wrong and not names and not has_pyproject:
        return
    from pytest_bctrl.settings import mistakes
    from pytest_bctrl.settings.lookup import usage_errors

    with usage_errors():
        mistakes.require_known_names(config, names)
        if has_pyproject:
            mistakes.require_pytest_table(config)
        if not is_run:
            mistakes.require_run(config)


def _start_runs(config: pytest.Config) -> None:
    """Start the contract run and the watch, if requested; raises `pytest.UsageError` for a report of neither."""
    option = config.option
    is_contract_run = option.bctrl_live or option.bctrl_mock or option.bctrl_upstream
    if is_contract_run:
        # The garbage collector inspects all objects at each import and when pytest ends. Objects that exist now are
        # excluded, here and after the imports. Measured, this saves a fifth of the time of a contract run.
        gc.freeze()
        with _without_garbage_collection():
            from pytest_bctrl.suite.hooks import start

            start(config)
    if _is_watching(config):
        from pytest_bctrl.watch.hooks import start as start_watch

        start_watch(config)
    elif option.bctrl_report and not is_contract_run:
        raise pytest.UsageError(
            "bctrl: --bctrl-report: there is no contract run to report on (give --bctrl-mock, --bctrl-live, "
            "--bctrl-watch, --bctrl-upstream or --bctrl-impact too; bctrl_report applies only to such runs)"
        )


def _is_watching(config: pytest.Config) -> bool:
    """Return whether the exchanges of the project's own tests are checked."""
    if config.option.bctrl_watch is None and not _is_in_file(config, "bctrl_watch"):
        return False
    from pytest_bctrl.settings.lookup import usage_errors
    from pytest_bctrl.settings.resolve import is_watching

    with usage_errors():
        return is_watching(config, os.environ)


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Return the line that names the contract, if the run uses a contract or the project has chosen one."""
    option = config.option
    is_run = option.bctrl_live or option.bctrl_mock or option.bctrl_impact is not None
    is_run = is_run or _is_watching(config)
    is_chosen = option.bctrl_contract is not None or _is_in_file(config, "bctrl_contract")
    if not (is_run or option.bctrl_upstream or is_chosen or (config.rootpath / "contracts").is_dir()):
        return []
    from pytest_bctrl.contract.in_force import contract_header

    line = contract_header(config, is_needed=bool(is_run or option.bctrl_upstream or is_chosen))
    return [f"bctrl: {line}"] if line else []


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Disable the garbage collector in the block, since each collection would inspect the many objects of imports."""
    is_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if is_enabled:
            gc.enable()


def _observe(config: pytest.Config) -> None:
    """Measure the coverage of the contract if it is requested or has a minimum; collect that of xdist's workers."""
    is_worker = hasattr(config, "workerinput")
    option = config.option
    is_requested = option.bctrl_coverage or option.bctrl_min_coverage is not None
    if not is_worker and (is_requested or _is_in_file(config, "bctrl_min_coverage")):
        from pytest_bctrl.suite.report.observing import observer

        observer(config)
    if not is_worker and getattr(option, "dist", "no") != "no":
        from pytest_bctrl.suite.report.gathering import Gathering

        def add(observed: dict[str, Any]) -> None:
            """Add the observations of a worker to those of the run."""
            from pytest_bctrl.suite.report.observing import observer

            observer(config).add(observed)

        config.pluginmanager.register(Gathering(add), "bctrl-gathering")


def _is_in_file(config: pytest.Config, name: str) -> bool:
    """Return whether the configuration file sets a setting to anything but an empty value, valid or not."""
    try:
        return config.getini(name) not in ("", [])
    except (TypeError, Warning, pytest.UsageError):
        # A TOML value of a type other than the declared one; `settings` reports whether it is valid.
        return True


def pytest_sessionstart(session: pytest.Session) -> None:
    """Store the session, whose tests tell which recordings are used."""
    session.config.stash[_SESSION] = session


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Report the recordings that were written, are stale, belong to no test, or have exchanges that no test used."""
    reports = (report for reports in terminalreporter.stats.values() for report in reports)
    recordings = [report.bctrl_recording for report in reports if hasattr(report, "bctrl_recording")]
    if recordings:
        from pytest_bctrl.recorded.recording_path import show
        from pytest_bctrl.recorded.unused_recordings import unused_recordings

        session = config.stash.get(_SESSION, None)
        show(terminalreporter, recordings, unused_recordings(terminalreporter, session, recordings))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Redact keys that fixtures return; raise `pytest.UsageError` for markers of this plugin with wrong arguments."""
    if _is_overridden(config, "bctrl_api_key") or any(map(_may_return_key, items)):
        from pytest_bctrl.integration.custom_key import CustomKey

        # pytest may collect more than once.
        if not config.pluginmanager.has_plugin("bctrl-custom-key"):
            config.pluginmanager.register(CustomKey(config), "bctrl-custom-key")
    names = ("bctrl_mock", "bctrl_impact", "bctrl_watch")
    marked = [item for item in items if any(item.get_closest_marker(name) is not None for name in names)]
    if marked:
        from pytest_bctrl.integration.markers import require_valid_markers

        require_valid_markers(marked)


def _may_return_key(item: pytest.Item) -> bool:
    """Return whether a test uses a key, or its module or class has a fixture that returns one."""
    owners = (getattr(item, "module", None), getattr(item, "cls", None))
    is_used = "bctrl_api_key" in getattr(item, "fixturenames", ())
    return is_used or any(hasattr(owner, "bctrl_api_key") for owner in owners)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip tests of the live API without --bctrl-live, and tests that need the mock with it."""
    if item.config.option.bctrl_live and item.get_closest_marker("bctrl_scenario") is not None:
        pytest.skip("uses a scenario of the mock: run it without --bctrl-live")
    if item.config.option.bctrl_live and _sets_up_the_mock(item):
        pytest.skip("sets up bctrl_mock and sends requests with bctrl_client: run it without --bctrl-live")
    if not item.config.option.bctrl_live and item.get_closest_marker("bctrl_live") is not None:
        pytest.skip("sends requests to the live API: pass --bctrl-live to run it")


def _sets_up_the_mock(item: pytest.Item) -> bool:
    """Return whether a test sets up the mock but, with --bctrl-live, sends its requests to the API."""
    fixtures = set(getattr(item, "fixturenames", ()))
    is_recorded = {"bctrl_recording", "bctrl_runtimes"} & fixtures or item.get_closest_marker("bctrl_recording")
    return "bctrl_mock" in fixtures and not is_recorded and bool({"bctrl_client", "bctrl_async_client"} & fixtures)
