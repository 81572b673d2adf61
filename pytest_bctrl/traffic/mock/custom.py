"""Scenarios and faults of one's own: functions, made such by a decorator and found through a pytest hook."""

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
from pytest_bctrl.traffic.mock.data import taken
from pytest_bctrl.traffic.mock.faults import FAULTS
from pytest_bctrl.traffic.mock.scenarios import SCENARIOS, Scenario
from pytest_bctrl.traffic.mock.source import fixed

_NAME = re.compile(r"[a-z][a-z0-9_]*")

ScenarioFunction: TypeAlias = Callable[..., Any]
"""Takes the `Samples` of an operation, and arguments of its own; returns the body to serve, or None for the usual."""

FaultFunction: TypeAlias = Callable[..., MockResponse]
"""Takes a `RequestContext`, and arguments of its own; returns the answer in place of `context.response`."""


@dataclass(frozen=True, slots=True)
class CustomScenario:
    """A scenario by its name, as `bctrl_mock.scenario(name)`, the marker and `--scenario` take it."""

    name: str
    function: ScenarioFunction
    conforming: bool = True

    def make(self, samples: Samples, space_id: str, *positional: Any, **named: Any) -> Scenario:
        """Return the scenario.

        Raises `BctrlError`, naming it, where the function raises or returns no JSON data; and where what it returns
        breaks the contract, unless the scenario is not to be `conforming`.
        """
        require_fitting(self.function, self.name, _place(self), (samples, *positional), named, 1)
        body = _called(self, samples, *positional, **named)
        if body is None:
            return Scenario(self.name)
        hint = f"fix the function, or say mock_scenario({self.name!r}, conforming=False)"
        given = samples.addressed(body, space_id), space_id, _place(self)
        made = taken(samples, *given, conforming=self.conforming, fail_on="error", hint=hint)
        return Scenario(self.name, fixed(lambda: made))


@dataclass(frozen=True, slots=True)
class CustomFault:
    """A fault by its name, as `bctrl_mock.fault(name)` and `--fault` take it.

    `check` is the rule by which a contract suite finds it at `level`; empty where it breaks no contract.
    """

    name: str
    function: FaultFunction
    check: str = ""
    level: Level = "error"

    def make(self, *positional: Any, **named: Any) -> Fault:
        """Return the fault with its arguments; raises `SettingError` for arguments that do not fit."""
        require_fitting(self.function, self.name, _place(self), (None, *positional), named, 1)

        def change(context: RequestContext) -> MockResponse:
            made = _called(self, context, *positional, **named)
            if not isinstance(made, MockResponse):
                raise SettingError(
                    f"it returned {type(made).__name__}",
                    where=_place(self),
                    hint="return a MockResponse: context.response",
                )
            wrong = _unsendable(made)
            if wrong is not None:
                raise SettingError(
                    f"nobody could send the answer that it returned: {wrong}",
                    where=_place(self),
                    hint="fix the function: a MockResponse's docstring says what each field takes",
                )
            return made

        shown = ", ".join([*map(repr, positional), *(f"{name}={value!r}" for name, value in named.items())])
        return Fault(f"{self.name}({shown})", change, self.check, self.level)


def _called(one: CustomScenario | CustomFault, *positional: Any, **named: Any) -> Any:
    """Return what the function returns; raises `BctrlError`, naming it, where it raises."""
    try:
        return one.function(*positional, **named)
    except BctrlError:
        raise
    except Exception as error:
        raise SettingError(
            f"it raised {type(error).__name__}: {error}", where=_place(one), hint="fix the function"
        ) from error


def _unsendable(response: MockResponse) -> str | None:
    """Return the first field of a type that `MockResponse` does not accept, or None."""
    fits = {
        "status": type(response.status) is int,
        "headers": all(_is_field(pair) for pair in response.headers),
        "payload": isinstance(response.payload, Payload) and isinstance(response.payload.body, bytes),
        "delay": isinstance(response.delay, int | float) and response.delay >= 0,
        "ending": response.ending in get_args(Ending),
    }
    name = next((name for name, is_so in fits.items() if not is_so), None)
    return None if name is None else f"{name}={getattr(response, name)!r}"


def _is_field(pair: object) -> bool:
    return isinstance(pair, tuple) and len(pair) == 2 and all(isinstance(part, str) for part in pair)


def _place(one: CustomScenario | CustomFault) -> str:
    kind = "scenario" if isinstance(one, CustomScenario) else "fault"
    code = getattr(one.function, "__code__", None)
    return f"{kind} {one.name}" + (f" ({code.co_filename}:{code.co_firstlineno})" if code else "")


def mock_scenario(name: str, *, conforming: bool = True) -> Callable[[ScenarioFunction], CustomScenario]:
    """Make a scenario of a function that takes `Samples` and returns the body to serve.

    What it returns has to keep the contract, unless `conforming` is false. Return it from `pytest_bctrl_scenarios` in
    a `conftest.py`. Raises `SettingError` for a name that is taken.
    """
    _require_free(name, SCENARIOS, f"mock_scenario({name!r})")
    return lambda function: CustomScenario(name, function, conforming)


def mock_fault(name: str, *, check: str = "", level: Level = "error") -> Callable[[FaultFunction], CustomFault]:
    """Make a fault of a function that takes a `RequestContext` and returns the answer to send.

    `check` names the rule that has to find it. Return it from `pytest_bctrl_faults` in a `conftest.py`. Raises
    `SettingError` for a name that is taken, or an unknown level.
    """
    where = f"mock_fault({name!r})"
    _require_free(name, FAULTS, where)
    if level not in LEVELS:
        raise SettingError(f"unknown level {level!r}", where=where, hint=f"choose one of: {', '.join(LEVELS)}")
    return lambda function: CustomFault(name, function, check, level)


def _require_free(name: str, taken: Mapping[str, object], where: str) -> None:
    if _NAME.fullmatch(name) is None:
        raise SettingError("it is not a name", where=where, hint="give one in the style of a Python function's")
    if name in taken:
        raise SettingError("this name is taken", where=where, hint="give another name")
