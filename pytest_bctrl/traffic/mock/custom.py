"""Custom scenarios and faults: functions with a decorator, which a pytest hook of the project returns."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, get_args

from pytest_bctrl.errors import BctrlError, SettingError
from pytest_bctrl.findings.finding import LEVELS, Level
from pytest_bctrl.http.message import Ending, MockResponse, Payload
from pytest_bctrl.samples.sample import Samples
from pytest_bctrl.traffic.mock.call_syntax import require_fitting
from pytest_bctrl.traffic.mock.change import Fault, RequestContext
from pytest_bctrl.traffic.mock.data import checked_copy
from pytest_bctrl.traffic.mock.faults import FAULTS
from pytest_bctrl.traffic.mock.scenarios import SCENARIOS, Scenario
from pytest_bctrl.traffic.mock.source import single_body_source

_NAME = re.compile(r"[a-z][a-z0-9_]*")

ScenarioFunction: TypeAlias = Callable[..., Any]
"""Takes the `Samples` of an operation, and further arguments; returns the body to serve, or None for the default."""

FaultFunction: TypeAlias = Callable[..., MockResponse]
"""Takes a `RequestContext`, and further arguments; returns the response that replaces `context.response`."""


@dataclass(frozen=True, slots=True)
class CustomScenario:
    """A custom scenario, used by its name: `bctrl_mock.scenario(name)`, the marker, or `--scenario`."""

    name: str
    function: ScenarioFunction
    conforming: bool = True

    def make(self, samples: Samples, space_id: str, *positional: Any, **named: Any) -> Scenario:
        """Call the function and return its body as a scenario; raises `SettingError` if the body breaks the contract.

        Raises `BctrlError`, naming the scenario, if the function raises, if it does not return JSON data, or if the
        data break the contract, unless `conforming` is false.
        """
        require_fitting(self.function, self.name, _origin_text(self), (samples, *positional), named, 1)
        returned = _call(self, samples, *positional, **named)
        if returned is None:
            return Scenario(self.name)
        hint = f"fix the function, or say mock_scenario({self.name!r}, conforming=False)"
        body = samples.set_space_id(returned, space_id)
        body = checked_copy(
            samples, body, space_id, _origin_text(self), conforming=self.conforming, fail_on="error", hint=hint
        )
        return Scenario(self.name, single_body_source(lambda: body))


@dataclass(frozen=True, slots=True)
class CustomFault:
    """A custom fault, used by its name: `bctrl_mock.fault(name)` or `--fault`.

    `check` is the rule that reports the fault in a contract suite, at `level`; empty if it breaks no contract.
    """

    name: str
    function: FaultFunction
    check: str = ""
    level: Level = "error"

    def make(self, *positional: Any, **named: Any) -> Fault:
        """Return the fault that calls the function with these arguments; raises `SettingError` if they do not fit."""
        require_fitting(self.function, self.name, _origin_text(self), (None, *positional), named, 1)

        def change(context: RequestContext) -> MockResponse:
            """Return the response of the function; raises `SettingError` if it is not a valid `MockResponse`."""
            response = _call(self, context, *positional, **named)
            if not isinstance(response, MockResponse):
                raise SettingError(
                    f"it returned {type(response).__name__}",
                    where=_origin_text(self),
                    hint="return a MockResponse: context.response",
                )
            invalid_field = _invalid_field(response)
            if invalid_field is not None:
                raise SettingError(
                    f"the response that it returned cannot be sent: {invalid_field}",
                    where=_origin_text(self),
                    hint="fix the function: a MockResponse's docstring says what each field takes",
                )
            return response

        arguments = ", ".join([*map(repr, positional), *(f"{name}={value!r}" for name, value in named.items())])
        return Fault(f"{self.name}({arguments})", change, self.check, self.level)


def _call(custom: CustomScenario | CustomFault, *positional: Any, **named: Any) -> Any:
    """Call the function of a scenario or fault, and return its result; raises `SettingError` if it raises."""
    try:
        return custom.function(*positional, **named)
    except BctrlError:
        raise
    except Exception as error:
        raise SettingError(
            f"it raised {type(error).__name__}: {error}", where=_origin_text(custom), hint="fix the function"
        ) from error


def _invalid_field(response: MockResponse) -> str | None:
    """Return the first field of a response with an invalid value, as `name=value`; None if all are valid."""
    validity = {
        "status": type(response.status) is int,
        "headers": all(_is_text_pair(pair) for pair in response.headers),
        "payload": isinstance(response.payload, Payload) and isinstance(response.payload.body, bytes),
        "delay": isinstance(response.delay, int | float) and response.delay >= 0,
        "ending": response.ending in get_args(Ending),
    }
    for name, is_valid in validity.items():
        if not is_valid:
            return f"{name}={getattr(response, name)!r}"
    return None


def _is_text_pair(pair: object) -> bool:
    """Return whether a value is a tuple of two strings."""
    return isinstance(pair, tuple) and len(pair) == 2 and all(isinstance(part, str) for part in pair)


def _origin_text(custom: CustomScenario | CustomFault) -> str:
    """Return what an error calls a scenario or fault: its kind, name, file and line."""
    kind = "scenario" if isinstance(custom, CustomScenario) else "fault"
    code = getattr(custom.function, "__code__", None)
    if code is None:
        return f"{kind} {custom.name}"
    return f"{kind} {custom.name} ({code.co_filename}:{code.co_firstlineno})"


def mock_scenario(name: str, *, conforming: bool = True) -> Callable[[ScenarioFunction], CustomScenario]:
    """Return a decorator that makes a scenario of a function, which takes `Samples` and returns the body to serve.

    The body must conform to the contract, unless `conforming` is false. Return the scenario from
    `pytest_bctrl_scenarios` in a `conftest.py`. Raises `SettingError` if the name is already used.
    """
    _require_free_name(name, SCENARIOS, f"mock_scenario({name!r})")
    return lambda function: CustomScenario(name, function, conforming)


def mock_fault(name: str, *, check: str = "", level: Level = "error") -> Callable[[FaultFunction], CustomFault]:
    """Return a decorator that makes a fault of a function, which takes a `RequestContext` and returns a response.

    `check` names the rule that reports the fault. Return the fault from `pytest_bctrl_faults` in a `conftest.py`.
    Raises `SettingError` if the name is already used, or the level is unknown.
    """
    where = f"mock_fault({name!r})"
    _require_free_name(name, FAULTS, where)
    if level not in LEVELS:
        raise SettingError(f"unknown level {level!r}", where=where, hint=f"choose one of: {', '.join(LEVELS)}")
    return lambda function: CustomFault(name, function, check, level)


def _require_free_name(name: str, used: Mapping[str, object], where: str) -> None:
    """Raise `SettingError` if a name does not match `[a-z][a-z0-9_]*`, or is already in `used`."""
    if _NAME.fullmatch(name) is None:
        raise SettingError("it is not a name", where=where, hint="give one in the style of a Python function's")
    if name in used:
        raise SettingError("this name is taken", where=where, hint="give another name")
