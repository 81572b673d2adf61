"""Settings, and the one resolver: command line over environment over ini file over default."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, TypeVar, get_args

from pytest_bctrl.errors import BctrlError, SettingError
from pytest_bctrl.findings.finding import FAIL_ON, FailOn, Levels, parse_levels
from pytest_bctrl.secrets.secret import KEY_VARIABLE as KEY_VARIABLE
from pytest_bctrl.secrets.secret import SHORTEST, Secret

if TYPE_CHECKING:
    from pytest_bctrl.secrets.redaction import Redaction

Target = Literal["mock", "live"]
Probes = Literal["all", "contract"]


@contextmanager
def usage_errors() -> Iterator[None]:
    """Have pytest end with exit code 4, and with the one line that says it, where a setting or a document is wrong."""
    try:
        yield
    except BctrlError as error:
        import pytest

        raise pytest.UsageError(f"bctrl: {error}") from None


class Source(Protocol):
    """Where option and ini values come from; `pytest.Config` is one."""

    @property
    def inipath(self) -> Path | None:
        """The file of the ini values."""

    @property
    def rootpath(self) -> Path:
        """The folder of the project."""
        ...

    def getoption(self, name: str) -> object:
        """Return the value of a command-line option, None where it was not given."""

    def getini(self, name: str) -> object:
        """Return the value of an ini key, an empty string where it is not set."""


@dataclass(frozen=True, slots=True)
class Given:
    """A value and the name of the place it came from, for errors."""

    value: str
    where: str
    is_ini: bool = False


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting's names, and the type that native TOML has for it; `ini` doubles as the option's destination.

    `flag` is the option as it is typed, where that is not the `ini` key.
    `default` says in words what holds where it is not given, for those that the doctor shows.
    """

    ini: str
    environment: tuple[str, ...] = ()
    native: type = str
    default: str = ""
    flag: str = ""

    @property
    def option(self) -> str:
        """The option as it is typed."""
        return self.flag or "--" + self.ini.replace("_", "-")


SPACE_ID = Setting("bctrl_space_id", ("BCTRL_SPACE_ID",), default="not set")
BASE_URL = Setting("bctrl_base_url", ("BCTRL_BASE_URL", "BCTRL_API_BASE_URL"), default="the contract's first server")
CONTRACT = Setting("bctrl_contract", default="contracts/ of the project, else the packaged one")
FAIL_ON_LEVEL = Setting("bctrl_fail_on", default="error")
MAX_EXAMPLES = Setting("bctrl_max_examples", native=int, default="20")
UPSTREAM = Setting("bctrl_upstream", default="none")
PROBES = Setting("bctrl_probes")
ALLOW_LIST = Setting("bctrl_allow_list")
MIN_COVERAGE = Setting("bctrl_min_coverage", native=float)
RECORD_MODE = Setting("bctrl_record_mode", default="none")
RECORDINGS = Setting("bctrl_recordings", default="recordings/ beside each test file")
LEVELS = Setting("bctrl_levels", native=list)
REPORT = Setting("bctrl_report", native=list)
SECRETS = Setting("bctrl_secrets", native=list)
SCRUB = Setting("bctrl_scrub")
GITHUB = Setting("bctrl_github", native=bool)
HEADERS = Setting("bctrl_headers", native=list, flag="--bctrl-header")
RATE = Setting("bctrl_rate")
VALUES = Setting("bctrl_values", native=list)
CLIENT_CERT = Setting("bctrl_client_cert", ("BCTRL_CLIENT_CERT",))
HTTP_HOSTS = Setting("bctrl_http_hosts", native=list)
IMPACT_MIN = Setting("bctrl_impact_min", native=float)
IMPACT_BUDGET = Setting("bctrl_impact_budget")

SETTINGS = tuple(setting for setting in list(globals().values()) if isinstance(setting, Setting))

RECORD_MODES = ("none", "once", "rewrite")


def given(setting: Setting, source: Source, environment: Mapping[str, str]) -> Given | None:
    """Return the value that wins, or None where the setting is given nowhere.

    An empty variable or ini value counts as none; an empty option is a value, and most likely a wrong one.
    """
    option = source.getoption(setting.ini)
    if option is not None:
        return Given(str(option), setting.option)
    for name in setting.environment:
        if environment.get(name):
            return Given(environment[name], name)
    ini = in_file(setting, source)
    return ini[0] if ini else None


def in_file(setting: Setting, source: Source) -> list[Given]:
    """Return what the configuration file gives: no value, one, or those of a list; numbers and booleans as text.

    Raises `SettingError` for native TOML of another type, in the place of pytest, whose words show the value.
    """
    import pytest

    try:
        found = source.getini(setting.ini)
    except (TypeError, Warning, pytest.UsageError):
        # pytest holds TOML to the one type that is declared, and 50 and "50%" are of two.
        found = _native(setting.ini, Path(str(source.inipath)))
    if found is None or found == "":
        return []
    file = source.inipath.name if source.inipath is not None else ""
    is_toml = file.endswith(".toml") and f"{setting.ini}=" not in str(source.getoption("override_ini"))
    where = f"{setting.ini} ({file if is_toml else 'ini'})"
    types, name, example = TYPES[setting.native]
    values = found if isinstance(found, list) else [found]
    if type(found) not in types or (isinstance(found, list) and not all(isinstance(value, str) for value in found)):
        value = "its value" if setting is SECRETS else repr(found)
        raise SettingError(f"{value} is not {name}", where=where, hint=f"write {setting.ini} = {example}")
    texts = (str(value).lower() if isinstance(value, bool) else str(value) for value in values)
    return [Given(text, where, is_ini=True) for text in texts]


TYPES: Mapping[type, tuple[tuple[type, ...], str, str]] = {
    str: ((str,), "a string", '"…"'),
    int: ((int, str), "a whole number", "20"),
    float: ((float, int, str), "a number", "80"),
    bool: ((bool, str), "true or false", "false"),
    list: ((list,), "a list of strings", '["…"]'),
}
"""What a file may give a setting of a type, how that is called, and an example of it."""


def _native(name: str, path: Path) -> object:
    document = tomllib.loads(path.read_text("utf-8"))
    own, tool = document.get("pytest", {}), document.get("tool", {}).get("pytest", {})
    tables = (own, tool) if path.name in ("pytest.toml", ".pytest.toml") else (tool, tool.get("ini_options", {}), own)
    return next(table[name] for table in tables if name in table)


def require_types(source: Source) -> None:
    """Raise `SettingError` where the configuration file gives a setting a value of a wrong type."""
    for setting in SETTINGS:
        in_file(setting, source)


def target(source: Source) -> Target | None:
    """Return what the run talks to, None where neither flag was given; raises `SettingError` for both."""
    live, mock = bool(source.getoption("bctrl_live")), bool(source.getoption("bctrl_mock"))
    if live and mock:
        raise SettingError("both are given", where="--bctrl-live, --bctrl-mock", hint="give one of them")
    if live:
        return "live"
    return "mock" if mock else None


def upstream(source: Source, environment: Mapping[str, str]) -> str | None:
    """Return where the spec is published today, None for no drift check; raises `SettingError` for no such file."""
    found = given(UPSTREAM, source, environment)
    if found is None:
        return None
    is_elsewhere = "://" in found.value or found.value.startswith("git:") or found.value == "-"
    found = found if is_elsewhere else _located(found, source)
    if not is_elsewhere and not Path(found.value).is_file():
        raise SettingError(
            f"{found.value!r} is not a file", where=found.where, hint="give a page, an OpenAPI file or an https URL"
        )
    return found.value


def contract_setting(source: Source) -> Given | None:
    """Return the path of the contract, or `published`; None where neither the command line nor the file sets it.

    A relative path on the command line starts from the working directory, one in a file from the folder of the file.
    """
    found = given(CONTRACT, source, {})
    return found if found is None or found.value == "published" else _located(found, source)


def _located(found: Given, source: Source) -> Given:
    """Return a path with the folder that it starts from, unless that is the working directory."""
    if not found.is_ini or source.inipath is None or source.inipath.parent == Path.cwd():
        return found
    return replace(found, value=str(source.inipath.parent / found.value))


def fail_on(source: Source, environment: Mapping[str, str]) -> FailOn:
    """Return the lowest level that fails a run; raises `SettingError` for an unknown one."""
    return _one_of(FAIL_ON, "level", given(FAIL_ON_LEVEL, source, environment)) or "error"


Choice = TypeVar("Choice", bound=str)


def _one_of(choices: Sequence[Choice], what: str, found: Given | None) -> Choice | None:
    chosen = next((choice for choice in choices if found and choice == found.value), None)
    if found is None or chosen is not None:
        return chosen
    hint = f"choose one of: {', '.join(choices)}"
    raise SettingError(f"unknown {what} {found.value!r}", where=found.where, hint=hint)


def several(setting: Setting, source: Source) -> list[Given]:
    """Return the values of a setting that may be repeated; those of the command line take the place of the file's."""
    options = source.getoption(setting.ini)
    if isinstance(options, list) and options:
        return [Given(str(value), setting.option) for value in dict.fromkeys(options)]
    return list(dict.fromkeys(in_file(setting, source)))


_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))", re.ASCII)


def with_variables(text: str, where: str, environment: Mapping[str, str]) -> str:
    """Return a text with the value of each `$VARIABLE` in its place; raises `SettingError` for one that is not set."""
    for found in _VARIABLE.finditer(text):
        name = found[1] or found[2]
        if not environment.get(name):
            raise SettingError(f"the variable {name} is not set", where=where, hint=f"export {name}=…")
    return _VARIABLE.sub(lambda found: environment[found[1] or found[2]], text)


def in_shell(field: str) -> str:
    """Return a header field as a shell writes it: each `$VARIABLE` is read there, and nothing else has a meaning."""
    return _VARIABLE.sub(r"""'"\g<0>"'""", shlex.quote(field)).removesuffix("''")


def tells_github(source: Source, environment: Mapping[str, str]) -> bool:
    """Return whether annotations and a job summary are written: in a job of GitHub Actions, unless it is `off`.

    Raises `SettingError` for anything but `auto` and `off`, and `true` and `false` for the same.
    """
    chosen = _one_of(("auto", "off", "true", "false"), "value", given(GITHUB, source, environment))
    return environment.get("GITHUB_ACTIONS") == "true" and chosen not in ("off", "false")


def record_mode(source: Source, environment: Mapping[str, str]) -> str:
    """Return how recordings are treated, one of `RECORD_MODES`; raises `SettingError` for anything else."""
    return _one_of(RECORD_MODES, "mode", given(RECORD_MODE, source, environment)) or RECORD_MODES[0]


def add_secrets(redaction: Redaction, source: Source, environment: Mapping[str, str]) -> None:
    """Redact what the environment holds, and the values of `bctrl_secrets`; a wrong one is an error elsewhere."""
    redaction.add_environment(environment)
    with suppress(SettingError):
        for line, value in _secrets(source, environment):
            name = line.value[1:] if line.value.startswith("$") else f"a value of {SECRETS.ini}"
            redaction.add(value, name=name)
    # pytest knows no options yet when it asks first.
    with suppress(SettingError, ValueError):
        for line in (*several(HEADERS, source), *in_file(VALUES, source)):
            for variable in _VARIABLE.finditer(line.value):
                name = variable[1] or variable[2]
                redaction.add(environment.get(name, ""), name=name)


def _secrets(source: Source, environment: Mapping[str, str]) -> Iterator[tuple[Given, Secret]]:
    for given in in_file(SECRETS, source):
        line = given.value
        yield given, Secret(environment.get(line[1:], "") if line.startswith("$") else line)


def require_secrets(source: Source, environment: Mapping[str, str]) -> None:
    """Raise `SettingError`, never showing a value, where a recording could not be searched for the key and secrets.

    A value of `bctrl_secrets` is one per line, `$NAME` for that of an environment variable. One that is too short would
    be found everywhere. Where nothing is recorded nobody needs to have the secrets.
    """
    if record_mode(source, environment) == RECORD_MODES[0]:
        return
    key = environment.get(KEY_VARIABLE, "")
    if key:
        require_searchable(Secret(key), KEY_VARIABLE)
    for line, value in _secrets(source, environment):
        is_variable = line.value.startswith("$")
        if is_variable and not value:
            raise SettingError(
                f"the variable {line.value[1:]} is not set", where=line.where, hint=f"export {line.value[1:]}=…"
            )
        require_searchable(value, line.value[1:] if is_variable else line.where)


def require_searchable(value: Secret, where: str) -> None:
    """Raise `SettingError` for a secret that is too short for a recording to be searched for it."""
    if len(value.reveal()) < SHORTEST:
        raise SettingError(
            f"a secret has fewer than {SHORTEST} characters, too few to keep it out of a recording",
            where=where,
            hint=f"record with one of {SHORTEST} characters or more",
        )


def levels(source: Source) -> Levels:
    """Return the configured levels of findings; raises `SettingError` for a line that is none, or a wrong level."""
    lines = in_file(LEVELS, source)
    return parse_levels((line.value for line in lines), lines[0].where if lines else "")


def scrub_ids(source: Source, environment: Mapping[str, str]) -> bool:
    """Return whether identifiers are replaced in what is recorded; raises `SettingError` for an unknown kind."""
    found = in_file(SCRUB, source)
    if found and found[0].value != "ids":
        raise SettingError(f"unknown kind {found[0].value!r}", where=found[0].where, hint="leave it out, or write: ids")
    return bool(found)


def require_recording_settings(source: Source, environment: Mapping[str, str]) -> None:
    """Raise `SettingError` where a setting of recordings is wrong, or any of a wrong type; asked before any test."""
    require_types(source)
    record_mode(source, environment)
    scrub_ids(source, environment)
    require_secrets(source, environment)


def max_examples(source: Source, environment: Mapping[str, str]) -> int:
    """Return how many values of the path parameters are tried; raises `SettingError` for anything but 1 to 10,000."""
    found = given(MAX_EXAMPLES, source, environment)
    if found is None:
        return 20
    text = found.value.strip()
    if text.isascii() and text.isdigit() and len(text) <= 5 and 1 <= int(text) <= 10_000:
        return int(text)
    raise SettingError(f"{found.value!r} is not a number of examples", where=found.where, hint="give 1 to 10000")


def probes(source: Source) -> Probes:
    """Return which requests a contract run sends; raises `SettingError` for an unknown word.

    `all` are those that the contract has rejected, too; `contract` are those that conform to it.
    """
    found = next(iter(in_file(PROBES, source)), None)
    return _one_of(get_args(Probes), "kind of probes", found) or "all"


def percentage(setting: Setting, source: Source) -> float | None:
    """Return the least that is asked for, None for no gate; raises `SettingError` for anything but 0 to 100 percent."""
    found = given(setting, source, {})
    if found is None:
        return None
    text = found.value.strip().removesuffix("%")
    if re.fullmatch(r"\d{1,3}(\.\d{1,6})?", text, re.ASCII) and float(text) <= 100:
        return float(text)
    raise SettingError(f"{found.value!r} is not a percentage", where=found.where, hint="give 0 to 100")


def impact_budget(source: Source, environment: Mapping[str, str]) -> float:
    """Return how many seconds changes may be played, without end where nothing is given; raises `SettingError`."""
    found = given(IMPACT_BUDGET, source, environment)
    if found is None:
        return inf
    parts = re.fullmatch(r"(\d{1,6}(?:\.\d{1,3})?)\s*(ms|s|m|h|)", found.value.strip(), re.ASCII)
    if parts is None:
        raise SettingError(f"{found.value!r} is not a time", where=found.where, hint="give one such as 60s or 5m")
    return float(parts[1]) * {"ms": 0.001, "": 1, "s": 1, "m": 60, "h": 3600}[parts[2]]


def impact(source: Source, environment: Mapping[str, str]) -> str:
    """Return the SOURCE of `--bctrl-impact`, else that of the drift check, else `mutants`."""
    return str(source.getoption("bctrl_impact")) or upstream(source, environment) or "mutants"


def space_id(source: Source, environment: Mapping[str, str]) -> str:
    """Return the space to list; raises `SettingError` where it is missing or cannot be one path segment."""
    found = given(SPACE_ID, source, environment)
    if found is None:
        raise SettingError(
            "no space id is set, and --bctrl-live needs one",
            where="BCTRL_SPACE_ID",
            hint="set BCTRL_SPACE_ID, --bctrl-space-id or bctrl_space_id (ini) to the id of a space of yours",
        )
    if found.value != found.value.strip() or not found.value.isprintable() or not found.value.strip("."):
        raise SettingError(
            f"{found.value!r} is not a space id", where=found.where, hint="give the id as the API shows it, a UUID"
        )
    return found.value


def api_key(environment: Mapping[str, str]) -> Secret:
    """Return the key from the environment; raises `SettingError`, never showing it, where it is missing or broken."""
    # Secret at once: a traceback shows the values of its frames.
    key = Secret(environment.get(KEY_VARIABLE, ""))
    hint = f"export {KEY_VARIABLE}=… in the shell, or set it as a secret in CI; it is not taken from a command line"
    if not key:
        raise SettingError("no API key is set, and --bctrl-live needs one", where=KEY_VARIABLE, hint=hint)
    if " " in key.reveal() or not is_sendable(key.reveal()):
        raise SettingError(
            "the key holds white space, a line end or characters that no key has", where=KEY_VARIABLE, hint=hint
        )
    return key


def is_sendable(text: str) -> bool:
    """Whether a header can carry a text; a library that finds out that it cannot writes it into its error."""
    return text.isascii() and text.isprintable() and text == text.strip()
