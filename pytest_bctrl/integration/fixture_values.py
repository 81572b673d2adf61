"""The values of the plugin's fixtures: for the live target with `--bctrl-live`, for the bundled mock otherwise."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from pytest_bctrl.contract.in_force import contract_of_config, load_cached
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.errors import BctrlError
from pytest_bctrl.escaping import escape_line
from pytest_bctrl.samples.space_id import SPACE_ID
from pytest_bctrl.secrets.secret import Secret, secret
from pytest_bctrl.settings import resolve as settings

if TYPE_CHECKING:
    import httpx

    from pytest_bctrl.http.message import MockResponse, Request
    from pytest_bctrl.suite.run import ContractRun
    from pytest_bctrl.traffic.mock import MockServer
    from pytest_bctrl.traffic.mock.space import Space

_CONTRACT: pytest.StashKey[Contract] = pytest.StashKey()
_MOCK: pytest.StashKey[MockServer] = pytest.StashKey()
_USED: pytest.StashKey[Space] = pytest.StashKey()
_HAS_PASSED: pytest.StashKey[bool] = pytest.StashKey()
_REPORT = "bctrl-mock-report"
WATCH = "bctrl-watch"
"""The name of the plugin that observes exchanges under `--bctrl-watch`."""
LAST_WORD: pytest.StashKey[Callable[[Request, MockResponse], MockResponse]] = pytest.StashKey()
"""The function by which an impact run changes each response of the mock and of recordings."""


def contract(config: pytest.Config) -> Contract:
    """Return the contract in force, loaded once per process; fails the running test if it cannot be read."""
    if _CONTRACT not in config.stash:
        try:
            config.stash[_CONTRACT] = load_cached(contract_of_config(config))
        except BctrlError as error:
            raise pytest.fail.Exception(f"bctrl: {error}", pytrace=False) from None
    return config.stash[_CONTRACT]


def mock(config: pytest.Config) -> MockServer:
    """Return the mock server of this process, which is started at the first call and stops with pytest."""
    if _MOCK not in config.stash:
        server = new_mock(config).start()
        trust_mock(config, server)
        config.add_cleanup(server.stop)
        config.stash[_MOCK] = server
    return config.stash[_MOCK]


def new_mock(config: pytest.Config) -> MockServer:
    """Return a mock server of the contract in force, not yet started, with scenarios and faults of the project.

    It also registers the report of requests that the mock rejected.
    """
    from pytest_bctrl.checks.run import flattened
    from pytest_bctrl.traffic.mock import MockServer
    from pytest_bctrl.traffic.mock.custom import CustomFault, CustomScenario

    scenarios = flattened(config.hook.pytest_bctrl_scenarios(), CustomScenario, "pytest_bctrl_scenarios")
    faults = flattened(config.hook.pytest_bctrl_faults(), CustomFault, "pytest_bctrl_faults")
    server = MockServer(contract(config)).extend(scenarios, faults)
    server.last_word = config.stash.get(LAST_WORD, None)
    if not config.pluginmanager.has_plugin(_REPORT):
        config.pluginmanager.register(MockReport(), _REPORT)
    return server


def trust_mock(config: pytest.Config, server: MockServer) -> None:
    """Let `--bctrl-watch` accept that a mock server breaks the contract: it does so only if a test sets up a fault."""
    watch: Any = config.pluginmanager.get_plugin(WATCH)
    if watch is not None:
        watch.trust_mock(server.url)


@contextmanager
def mock_for(request: pytest.FixtureRequest) -> Iterator[MockServer]:
    """Yield the mock server, reset, with the scenarios of the test's markers; fails a test with unused set-up."""
    server = mock(request.config)
    server.reset()
    try:
        for marker in reversed(list(request.node.iter_markers("bctrl_scenario"))):
            server.scenario(*marker.args, **marker.kwargs)
    except (BctrlError, TypeError) as error:
        raise pytest.fail.Exception(f"bctrl_scenario: {error}", pytrace=False) from None
    request.node.stash[_USED] = server
    yield server
    try:
        _require_used(request, server, "bctrl_mock")
    finally:
        server.reset()


@contextmanager
def space_for(request: pytest.FixtureRequest, server: MockServer) -> Iterator[Space]:
    """Open a space in a `with` block; fails a passed test that set up what no request used, unless it is allowed."""
    with server.space() as space:
        request.node.stash[_USED] = space
        yield space
        _require_used(request, space, "bctrl_mock_space")


def _require_used(request: pytest.FixtureRequest, space: Space, fixture: str) -> None:
    """Fail a test that passed although it set up something that no request used, unless its marker allows that."""
    marker = request.node.get_closest_marker("bctrl_mock")
    is_allowed = marker is not None and marker.kwargs.get("unused") == "allow"
    has_passed = request.node.stash.get(_HAS_PASSED, False)
    # An impact run changes responses, so that a client may send fewer requests.
    if is_allowed or not has_passed or LAST_WORD in request.config.stash:
        return
    if unused := space.unused:
        lines = [f"{fixture}: the test set up something that no request used:", *(f"  {line}" for line in unused)]
        lines.append('send these requests, or mark the test: @pytest.mark.bctrl_mock(unused="allow")')
        raise pytest.fail.Exception("\n".join(map(escape_line, lines)), pytrace=False)


def client_target(request: pytest.FixtureRequest) -> tuple[str, httpx.Auth | None, bool, dict[str, Any]]:
    """Return base URL and auth of the target, whether it is live, and further options of its clients.

    The mock is reset for this test.
    """
    from pytest_bctrl.suite.report.sinks import redaction
    from pytest_bctrl.traffic.auth import TargetOperations, credential_reporter

    run = _live(request.config)
    if run is None:
        request.getfixturevalue("bctrl_mock")
    config, base_url = request.config, request.getfixturevalue("bctrl_base_url")
    in_force = run.contract if run else contract(config)
    options = {
        "operations": TargetOperations(in_force, base_url),
        "see_credentials": credential_reporter(in_force, lambda value: redaction(config).add_derived(value)),
        "connection": run.connection if run else None,
    }
    return base_url, request.getfixturevalue("bctrl_auth"), run is not None, options


def auth(config: pytest.Config, key: Secret | str, base_url: str) -> httpx.Auth | None:
    """Return the auth of the target: the key and further values, each for the operations that need it; None for none.

    Every security scheme of the mock has its key.
    """
    from pytest_bctrl.contract.scheme_values import values_by_scheme, values_of_mock
    from pytest_bctrl.traffic.auth import ContractAuth

    run = _live(config)
    if run is None:
        values = values_of_mock(contract(config), secret(key))
        return ContractAuth(contract(config), base_url, values) if values else None
    values = values_by_scheme(run.contract, secret(key), run.scheme_values)
    return ContractAuth(run.contract, base_url, values) if values else None


def client_settings(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return the arguments of a client for the target, with the observer of coverage."""
    from pytest_bctrl.suite.report.observing import observer

    config = request.config
    base_url, auth, live, options = client_target(request)
    # If the bundled mock violates the contract, the test has told it to.
    is_mock = _MOCK in config.stash and base_url == config.stash[_MOCK].url
    see = None
    # Responses changed by an impact run are no observations of the API, and the watch observes all exchanges itself.
    if LAST_WORD not in config.stash and not config.pluginmanager.has_plugin(WATCH):
        see = partial(observer(config).observe, validated=is_mock)
    return {"base_url": base_url, "auth": auth, "live": live, "see": see, **options}


def _live(config: pytest.Config) -> ContractRun | None:
    """Return the run against the live API; None if the fixtures are for the mock."""
    if not config.option.bctrl_live:
        return None
    from pytest_bctrl.suite.run_key import RUN

    return config.stash[RUN]


class MockReport:
    """Adds the requests that the mock rejected to the report of a failed test, and records whether a test passed."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Add a section with the requests that the mock rejected to a failed test, and record whether it passed."""
        report = yield
        if report.when == "call":
            item.stash[_HAS_PASSED] = report.passed
        server = item.stash.get(_USED, None)
        if server is not None and report.failed and report.when == "call":
            refused = server.requests.report()
            if refused:
                report.sections.append(("bctrl mock server: rejected requests", refused))
        return report


def api_key(config: pytest.Config) -> Secret | str:
    """Return the API key of the target: the live one with `--bctrl-live`, else the mock's."""
    run = _live(config)
    return run.key if run else mock(config).api_key


def base_url(config: pytest.Config) -> str:
    """Return the base URL of the target: the live API with `--bctrl-live`, else the mock."""
    run = _live(config)
    return run.base_url if run else mock(config).url


def space_id(config: pytest.Config, environment: Mapping[str, str]) -> str:
    """Return the id of a space that the key may list: the setting with `--bctrl-live`, else the mock's."""
    return settings.space_id(config, environment) if config.option.bctrl_live else SPACE_ID
