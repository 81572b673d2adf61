"""The settings of a contract run: its target, its contract, and when it fails."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from pytest_bctrl.checks.rules import rules_of
from pytest_bctrl.checks.run import Check
from pytest_bctrl.contract.in_force import ContractInForce, contract_of_config, load_cached, packaged_contract
from pytest_bctrl.contract.key_fields import cookies, field_of, require_schemes, requirement, with_preferred_schemes
from pytest_bctrl.contract.model import Contract, Operation, path_pattern
from pytest_bctrl.contract.scheme_values import values_by_scheme, values_of_mock
from pytest_bctrl.errors import DocumentError, SettingError
from pytest_bctrl.findings.finding import FailOn, Levels
from pytest_bctrl.samples.inputs import exemplified, names_without_value
from pytest_bctrl.samples.parameter_settings import require_parameters, values_of
from pytest_bctrl.secrets.secret import KEY_VARIABLE, Secret
from pytest_bctrl.settings import lookup, secret_settings, table
from pytest_bctrl.settings import resolve as settings
from pytest_bctrl.settings.secret_settings import SchemeValue
from pytest_bctrl.suite.baseline import Baseline
from pytest_bctrl.suite.received_values import ValueSource
from pytest_bctrl.traffic.origin import Connection, base_url, connection, is_loopback, origin_of, values

if TYPE_CHECKING:
    from pytest_bctrl.traffic.mock import MockServer

_UUID = re.compile("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

Result = TypeVar("Result")

NOT_RECEIVED = "{}"
"""Stands for a path value that a response has, while requests are planned; it is never sent."""

OWN_FIXTURES = ("bctrl_api_key", "bctrl_auth")
"""The fixtures with credentials, which a project may override."""


@dataclass(frozen=True, slots=True)
class ContractRun:
    """The resolved settings of one run.

    - `target` is None for a run that only compares the spec with `upstream`.
    - `mock` is the bundled server, not yet started, if that is the target.
    - `mock_errors` are the operations, by label, that are not tested because the mock cannot generate a response.
    - `chosen` is the origin of the contract.
    - `probes` says whether requests that violate the contract are sent as well.
    - `checks` are the custom checks, available after the `conftest.py` files are loaded.
    - `values` fill parameters: the names are those of `bctrl_values`, and `values_of` returns those of an operation.
    - `sources` say which response has the value of a path parameter, by label of the operation and name, and `received`
      has those values as soon as the responses have arrived. All copies of a run share it.
    - `key` is the key of the target, and `scheme_values` the values of further security schemes, by name.
    - `own_fixtures` are the fixtures with credentials that the project overrides: they replace `key` during the run.
    - `connection` holds what all requests have in common.
    - `optional` has the labels of the operations that need not be checked.
    - `notes` are about settings that this run does not use, and those that it does not need and another would.
    - `no_suite` says why a live run that makes recordings only contains the project's tests.
    """

    target: settings.Target | None
    contract: Contract
    base_url: str = ""
    key: Secret = field(default_factory=lambda: Secret(""))
    values: Mapping[str, str] = field(default_factory=dict)
    fail_on: FailOn = "error"
    max_examples: int = 20
    probes: settings.Probes = "all"
    upstream: str | None = None
    levels: Levels = field(default_factory=Levels)
    checks: tuple[Check, ...] = ()
    baseline: Baseline = field(default_factory=Baseline)
    chosen: ContractInForce = field(default_factory=packaged_contract)
    optional: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()
    no_suite: str = ""
    mock: MockServer | None = None
    mock_errors: Mapping[str, DocumentError] = field(default_factory=dict)
    connection: Connection = field(default_factory=Connection)
    scheme_values: Mapping[str, SchemeValue] = field(default_factory=dict)
    own_fixtures: frozenset[str] = frozenset()
    sources: Mapping[str, Mapping[str, ValueSource]] = field(default_factory=dict)
    received: dict[tuple[str, str], str] = field(default_factory=dict)
    _results: dict[Hashable, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def once(self, key: Hashable, compute: Callable[[], Result]) -> Result:
        """Return the result of `compute`, which is called once per key in this run and its result stored."""
        if key not in self._results:
            self._results[key] = compute()
        result: Result = self._results[key]
        return result

    @property
    def operations(self) -> tuple[Operation, ...]:
        """The operations of the contract, without header parameters that the settings add to every request."""
        if not self.header_names:
            return self.contract.operations
        configured = {("header", name) for name in self.header_names}
        operations = []
        for operation in self.contract.operations:
            parameters = [
                parameter
                for parameter in operation.parameters
                if (parameter.in_, parameter.name.lower()) not in configured
            ]
            operations.append(replace(operation, parameters=tuple(parameters)))
        return tuple(operations)

    def values_of(self, operation: Operation) -> Mapping[str, str]:
        """Return the values of the parameters of an operation, by their names in settings or in the contract.

        A value that a response has is `NOT_RECEIVED` until the response has arrived.
        """
        values = dict(values_of(operation, self.values))
        for name in self.sources.get(operation.label, ()):
            values[name] = self.received.get((operation.label, name), NOT_RECEIVED)
        return values

    def awaited_names(self, operation: Operation) -> frozenset[str]:
        """Return the names of the parameters of an operation whose values are in responses that have not arrived."""
        names = self.sources.get(operation.label, ())
        return frozenset(name for name in names if (operation.label, name) not in self.received)

    def may_send(self, operation: Operation) -> bool:
        """Return whether the run may send the method of an operation: a safe one, or any to the mock."""
        return operation.is_safe or self.target == "mock"

    @property
    def credentials(self) -> Mapping[str, SchemeValue]:
        """The values of security schemes by name; every scheme of the mock has its key."""
        return self.once("credentials", self._find_credentials)

    def _find_credentials(self) -> Mapping[str, SchemeValue]:
        """Return the values of security schemes by name."""
        if self.target == "mock":
            return values_of_mock(self.contract, self.key)
        source = "bctrl_api_key" if "bctrl_api_key" in self.own_fixtures else KEY_VARIABLE
        return values_by_scheme(self.contract, self.key, self.scheme_values, source)

    def missing_schemes(self, operation: Operation) -> list[str]:
        """Return the names of the security schemes that an operation requires and that have no value."""
        return [scheme.name for scheme in requirement(operation) if scheme.name not in self.credentials]

    @property
    def needs_key(self) -> bool:
        """Whether an operation requires a credential."""
        return any(requirement(operation) for operation in self.contract.operations)

    @property
    def credentials_gap(self) -> str:
        """Why the run does not check credentials: the document describes them without applying any, or not at all.

        It is empty if the document says which operations need which, if it says nothing and there is no key to send,
        and for the published spec, whose limits are known.
        """
        unapplied = self.contract.unapplied
        if self.target is None or unapplied is None or self.chosen.is_published:
            return ""
        if unapplied.schemes:
            return f"{unapplied.reason}; pytest-bctrl doctor shows the overlay that does"
        if self.target == "mock" or not self.key:
            return ""
        is_sent = any(operation.assumed for operation in self.contract.operations)
        consequence = "" if is_sent else f", so {KEY_VARIABLE} is not sent unless bctrl_key_prefix = Bearer is set"
        return unapplied.reason + consequence

    def rules(self) -> list[str]:
        """Return the names of all rules of the run: those of every contract, its invariants, and custom checks."""
        invariants = [rule for operation in self.contract.operations for rule in operation.invariants]
        return rules_of(invariants, [check.name for check in self.checks])

    @property
    def sends_key_in_wrong_credentials(self) -> bool:
        """Whether wrong credentials may contain the key: those for the mock and this machine, or with `derived`."""
        return self.target == "mock" or self.probes == "derived" or is_loopback(origin_of(self.base_url).host)

    @property
    def header_names(self) -> frozenset[str]:
        """The header fields that the settings add to every request, in lower case."""
        return frozenset(name.lower() for name, *_ in self.connection.headers)

    @property
    def most_requests(self) -> int:
        """The maximum number of requests per operation: 40, or `max_examples` + 20 if that is more."""
        return max(40, 20 + self.max_examples)


def resolve(source: lookup.SettingSource, environment: Mapping[str, str]) -> ContractRun:
    """Return the run that the settings describe, its mock not yet started; sends nothing.

    Raises `SettingError` or `DocumentError` with the name of the missing or wrong setting.
    """
    target = settings.target(source)
    chosen = contract_of_config(source)
    contract = load_cached(chosen)
    run = ContractRun(
        target,
        contract,
        fail_on=settings.fail_on(source, environment),
        max_examples=settings.max_examples(source, environment),
        probes=settings.probes(source),
        upstream=_upstream_to_compare(source, environment, target),
        levels=settings.levels(source),
        chosen=chosen,
    )
    if target != "live":
        run = replace(run, notes=tuple(_notes_of_unset_variables(source, environment, contract)))
    if target == "live":
        run = with_live_target(run, source, environment)
        from pytest_bctrl.traffic.auth import ContractAuth
        from pytest_bctrl.traffic.client import client

        # Report wrong proxies and certificates now.
        auth = ContractAuth(run.contract, run.base_url, run.credentials)
        client(run.base_url, auth, live=True, connection=run.connection).close()
        return run
    if target == "mock":
        return with_mock(run)
    return run


def _upstream_to_compare(
    source: lookup.SettingSource, environment: Mapping[str, str], target: settings.Target | None
) -> str | None:
    """Return the upstream with which the run compares the contract; None for a mock run unless the option names one.

    A mock run needs no network, and a configuration file only says where the upstream is.
    """
    if target == "mock" and source.getoption(table.UPSTREAM.ini) is None:
        return None
    return settings.upstream(source, environment)


def _notes_of_unset_variables(
    source: lookup.SettingSource, environment: Mapping[str, str], contract: Contract
) -> Iterator[str]:
    """Yield a note per variable that the settings name and that is not set, which a live run would need.

    Raises `SettingError` if the settings of a live run are wrong: the mock needs none, but mistakes are reported early.
    """
    lines = [
        *lookup.list_values(table.HEADERS, source),
        *lookup.file_values(table.VALUES, source),
        *lookup.file_values(table.CREDENTIALS, source),
    ]
    unset = {
        name: line.where for line in lines for name in lookup.variables_in(line.value) if not environment.get(name)
    }
    complete = {**environment, **dict.fromkeys(unset, "not-set")}
    connection(source, complete)
    require_parameters(contract, values(source, complete))
    require_schemes(contract, secret_settings.scheme_values(source, complete), table.CREDENTIALS.ini)
    for name, where in unset.items():
        yield f"the variable {name} is not set ({where}), which a live run needs"


def with_live_target(run: ContractRun, source: lookup.SettingSource, environment: Mapping[str, str]) -> ContractRun:
    """Return the run with the live API as its target; the default base URL is the first server of the contract.

    Raises `SettingError` for a missing or wrong setting.
    """
    run = with_credentials(run, source, environment)
    contract, key = run.contract, run.key
    values = live_values(contract, source, environment)
    common = connection(source, environment)
    configured_url = lookup.find_value(table.BASE_URL, source, environment)
    setting = configured_url
    if setting is None:
        first_server = contract.servers[0] if contract.servers else ""
        setting = lookup.SettingValue(first_server, f"{table.BASE_URL.ini} is not set: {table.BASE_URL.default}")
    if lookup.is_placeholder(setting.value):
        hint = "set it to the URL of the API, or remove it: then it is the contract's first server"
        raise SettingError("the value is a placeholder of the documentation", where=setting.where, hint=hint)
    url = base_url(setting.value, where=setting.where, prefix=shared_prefix(contract), http_hosts=common.http_hosts)
    if configured_url is not None:
        _require_base_url(url, contract, configured_url.where)
    notes = list(run.notes)
    space_id = lookup.find_value(table.SPACE_ID, source, environment)
    if space_id is not None and not contract.has_space:
        notes.append(f"{space_id.where} is not used: no operation of the contract is about a space")
    if key and not run.needs_key and contract.unapplied is None:
        notes.append(f"{KEY_VARIABLE} is not sent: no operation of the contract requires a key")
    notes += undeclared_credentials(contract, common)
    return replace(
        run,
        target="live",
        base_url=url,
        values=values,
        connection=common,
        notes=tuple(notes),
    )


def with_credentials(run: ContractRun, source: lookup.SettingSource, environment: Mapping[str, str]) -> ContractRun:
    """Return the run with the key and the values of security schemes; raises `SettingError` for a wrong one.

    Without a key, alternatives that have a value come before the others.
    """
    key = secret_settings.api_key(environment, run.chosen.key_prefix)
    further = secret_settings.scheme_values(source, environment)
    require_schemes(run.contract, further, table.CREDENTIALS.ini)
    contract = run.contract
    if further and not key:
        contract = with_preferred_schemes(contract, tuple(dict.fromkeys([*contract.preferred_schemes, *further])))
    return replace(run, contract=contract, key=key, scheme_values=further)


def undeclared_credentials(contract: Contract, connection: Connection) -> Iterator[str]:
    """Yield a note for each `Authorization` and `Cookie` field of `bctrl_headers`, which no security scheme declares.

    Raises `SettingError` if a scheme declares it: its value belongs to `bctrl_credentials`.
    """
    schemes = {scheme for operation in contract.operations for schemes in operation.security for scheme in schemes}
    for name, value, _ in connection.headers:
        for scheme in schemes:
            field = field_of(scheme)
            is_same = field is not None and field.name.lower() == name.lower() and not field.in_query
            if is_same and (name.lower() != "cookie" or cookies(value.reveal(), scheme.field)):
                hint = f"set bctrl_credentials: {scheme.name} = $VARIABLE, or {KEY_VARIABLE}"
                raise SettingError(
                    f"{name} carries the security scheme {scheme.name}", where=table.HEADERS.ini, hint=hint
                )
        if name.lower() in ("authorization", "cookie"):
            yield f"{name} of {table.HEADERS.ini} is sent with every request; what it gives access to is not checked"


def _require_base_url(url: str, contract: Contract, where: str) -> None:
    """Raise `SettingError` if the base URL ends with the path of an operation that has two segments or more."""
    for operation in contract.operations:
        if operation.path.strip("/").count("/") < 1 or operation.path.startswith("/{"):
            # Such a path matches the end of base URLs, too.
            continue
        pattern, _ = path_pattern(operation.path)
        match = re.search(f"{pattern.pattern}/?$", url)
        if match is not None:
            problem = f"{url} is the URL of an operation ({operation.label}), not the base URL"
            raise SettingError(problem, where=where, hint=f"set it to {url[: match.start()]}")


def live_values(contract: Contract, source: lookup.SettingSource, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the configured values of parameters, and the space id if set; raises `SettingError` if needed but unset.

    It is required if a parameter takes its value from that setting, and `bctrl_values` and the contract's examples
    have none.
    """
    configured = values(source, environment)
    require_parameters(contract, configured)
    if needs_space_id(contract, configured) or (
        contract.has_space and lookup.find_value(table.SPACE_ID, source, environment)
    ):
        space_id = settings.space_id(source, environment)
        _require_not_swapped(space_id, environment)
        return {"space_id": space_id, **configured}
    return configured


def needs_space_id(contract: Contract, configured: Mapping[str, str]) -> bool:
    """Return whether a safe operation needs the space id and no configured value or example provides it."""
    return any(
        parameter.setting == "space_id" and parameter.name in missing
        for operation in contract.operations
        if operation.is_safe and (missing := names_without_value(contract, operation, values_of(operation, configured)))
        for parameter in operation.parameters
    )


def required_variables(run: ContractRun) -> str:
    """Return the variables that a live run needs, as assignments to type before a command."""
    names = [KEY_VARIABLE] if run.needs_key else []
    if needs_space_id(run.contract, run.values):
        names += table.SPACE_ID.environment
    return "".join(f"{name}=… " for name in names)


def _require_not_swapped(space_id: str, environment: Mapping[str, str]) -> None:
    """Raise `SettingError`, which shows neither, if key and space id are equal, or only the key is a UUID."""
    key = Secret(environment.get(KEY_VARIABLE, ""))
    if Secret(space_id) == key:
        problem = "the key and the space id are equal"
    elif _UUID.fullmatch(key.reveal()) and not _UUID.fullmatch(space_id):
        problem = "the key is a UUID and the space id is none: they are probably swapped"
    else:
        return
    hint = (
        "set BCTRL_API_KEY to the key, and BCTRL_SPACE_ID to the id of the space; "
        "if the id is right, remove the variable and set bctrl_values = space_id = ID"
    )
    raise SettingError(problem, where=f"{KEY_VARIABLE}, BCTRL_SPACE_ID", hint=hint)


def with_mock(run: ContractRun) -> ContractRun:
    """Return the run with a new mock server, not yet started, as its target."""
    from pytest_bctrl.traffic.mock import MockServer

    contract = exemplified(run.contract, {"space_id": ""})
    mock = MockServer(contract, is_exhaustive=True)
    values = {"space_id": mock.space_id}
    return replace(
        run,
        target="mock",
        contract=contract,
        key=Secret(mock.api_key),
        values=values,
        mock=mock,
        mock_errors=mock.response_errors(),
    )


def shared_prefix(contract: Contract) -> str:
    """Return the first path segment, such as `/v1`, if all operations have it and more segments; empty if not."""
    paths = [operation.path.split("/")[1:] for operation in contract.operations]
    firsts = {path[0] for path in paths}
    is_shared = len(firsts) == 1 and all(len(path) > 1 for path in paths) and "{" not in paths[0][0]
    return f"/{paths[0][0]}" if is_shared else ""
