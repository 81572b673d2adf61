"""Reads single settings: each function returns a valid value or the default, and raises for a wrong value."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Literal, TypeVar, get_args

from pytest_bctrl.errors import SettingError
from pytest_bctrl.findings.finding import FAIL_ON, FailOn, Levels, parse_levels
from pytest_bctrl.settings.lookup import SettingSource, SettingValue, file_values, find_value, is_placeholder
from pytest_bctrl.settings.table import (
    CONTRACT,
    FAIL_ON_LEVEL,
    GITHUB,
    IMPACT_BUDGET,
    KEY_PREFIX,
    LEVELS,
    MAX_EXAMPLES,
    PROBES,
    RECORD_MODE,
    RECORD_MODES,
    SCRUB,
    SECURITY,
    SPACE_ID,
    UPSTREAM,
    WATCH,
    WATCH_HOSTS,
    Setting,
)

Target = Literal["mock", "live"]
Probes = Literal["derived", "all", "contract"]
Choice = TypeVar("Choice", bound=str)

_SECONDS = {"ms": 0.001, "": 1, "s": 1, "m": 60, "h": 3600}


def target(source: SettingSource) -> Target | None:
    """Return the target of the contract run, None if neither flag is given; raises `SettingError` for both."""
    is_live, is_mock = bool(source.getoption("bctrl_live")), bool(source.getoption("bctrl_mock"))
    if is_live and is_mock:
        raise SettingError("both are given", where="--bctrl-live, --bctrl-mock", hint="give one of them")
    if is_live:
        return "live"
    return "mock" if is_mock else None


def upstream(source: SettingSource, environment: Mapping[str, str]) -> str | None:
    """Return the source of the upstream spec, None if it is not set; raises `SettingError` for a missing file."""
    setting = find_value(UPSTREAM, source, environment)
    if setting is None:
        return None
    if "://" in setting.value or setting.value.startswith("git:") or setting.value == "-":
        return setting.value
    file = _relative_to_file(setting, source)
    if not Path(file.value).is_file():
        raise SettingError(
            f"{file.value!r} is not a file", where=file.where, hint="give a page, an OpenAPI file or an https URL"
        )
    return file.value


def contract_setting(source: SettingSource) -> SettingValue | None:
    """Return the path of the contract, or `published`; None if neither the command line nor the file sets it.

    A relative path on the command line starts from the working directory, one in a file from the folder of the file.
    """
    setting = find_value(CONTRACT, source, {})
    if setting is None or setting.value == "published":
        return setting
    return _relative_to_file(setting, source)


def _relative_to_file(path: SettingValue, source: SettingSource) -> SettingValue:
    """Return a path of the configuration file with the folder of that file in front, and any other as it is."""
    if not path.is_ini or "://" in path.value or source.inipath is None or source.inipath.parent == Path.cwd():
        return path
    return replace(path, value=str(source.inipath.parent / path.value))


def fail_on(source: SettingSource, environment: Mapping[str, str]) -> FailOn:
    """Return the lowest level that fails a run, by default `error`; raises `SettingError` for an unknown one."""
    return _chosen(FAIL_ON, "level", find_value(FAIL_ON_LEVEL, source, environment)) or "error"


def _chosen(choices: Sequence[Choice], kind: str, setting: SettingValue | None) -> Choice | None:
    """Return the choice that a setting names, None if it is not set; raises `SettingError` for any other value."""
    if setting is None:
        return None
    for choice in choices:
        if choice == setting.value:
            return choice
    hint = f"choose one of: {', '.join(choices)}"
    raise SettingError(f"unknown {kind} {setting.value!r}", where=setting.where, hint=hint)


def reports_to_github(source: SettingSource, environment: Mapping[str, str]) -> bool:
    """Return whether to write annotations and a job summary: in a job of GitHub Actions, unless they are `off`.

    Raises `SettingError` for values other than `auto` and `off`, and their synonyms `true` and `false`.
    """
    choice = _chosen(("auto", "off", "true", "false"), "value", find_value(GITHUB, source, environment))
    return environment.get("GITHUB_ACTIONS") == "true" and choice not in ("off", "false")


def is_watching(source: SettingSource, environment: Mapping[str, str]) -> bool:
    """Return whether `bctrl_watch` is `true`; raises `SettingError` for a value other than `true` and `false`."""
    return _chosen(("true", "false"), "value", find_value(WATCH, source, environment)) == "true"


def watch_hosts(source: SettingSource) -> list[str]:
    """Return the hosts of `bctrl_watch_hosts`, with or without port; raises `SettingError` for anything else."""
    hosts = file_values(WATCH_HOSTS, source)
    for host in hosts:
        if not re.fullmatch(r"[\w.\-]+(:\d{1,5})?|\[[0-9a-fA-F:.]+\](:\d{1,5})?", host.value.strip()):
            hint = "give a host name, or host:port, such as api.example.com"
            raise SettingError(f"{host.value!r} is not a host", where=host.where, hint=hint)
    return [host.value.strip() for host in hosts]


def record_mode(source: SettingSource, environment: Mapping[str, str]) -> str:
    """Return the record mode, one of `RECORD_MODES`, by default `none`; raises `SettingError` for any other value."""
    return _chosen(RECORD_MODES, "mode", find_value(RECORD_MODE, source, environment)) or RECORD_MODES[0]


def levels(source: SettingSource) -> Levels:
    """Return the configured levels of findings, from `bctrl_levels`; raises `SettingError` for a wrong line."""
    lines = file_values(LEVELS, source)
    where = lines[0].where if lines else ""
    return parse_levels((line.value for line in lines), where)


def scrubs_ids(source: SettingSource) -> bool:
    """Return whether identifiers are replaced in recordings; raises `SettingError` for an unknown kind."""
    values = file_values(SCRUB, source)
    if not values:
        return False
    scrub = values[0]
    if scrub.value != "ids":
        raise SettingError(f"unknown kind {scrub.value!r}", where=scrub.where, hint="leave it out, or write: ids")
    return True


def max_examples(source: SettingSource, environment: Mapping[str, str]) -> int:
    """Return how many values to try per path parameter, by default 20; raises `SettingError` outside 1 to 10,000."""
    setting = find_value(MAX_EXAMPLES, source, environment)
    if setting is None:
        return int(MAX_EXAMPLES.default)
    text = setting.value.strip()
    if text.isascii() and text.isdigit() and len(text) <= 5 and 1 <= int(text) <= 10_000:
        return int(text)
    raise SettingError(f"{setting.value!r} is not a number of examples", where=setting.where, hint="give 1 to 10000")


def probes(source: SettingSource) -> Probes:
    """Return which requests a contract run sends, by default `all`; raises `SettingError` for an unknown word.

    `all` includes requests that the contract rejects; `contract` are only those that conform to it. `derived` also
    includes wrong credentials that contain the key.
    """
    setting = next(iter(file_values(PROBES, source)), None)
    return _chosen(get_args(Probes), "kind of probes", setting) or "all"


def percentage(setting: Setting, source: SettingSource) -> float | None:
    """Return a minimum in percent, None if not set; raises `SettingError` outside 0 to 100, or for 0.5 without `%`."""
    minimum = find_value(setting, source, {})
    if minimum is None:
        return None
    text = minimum.value.strip().removesuffix("%")
    if re.fullmatch(r"\d{1,3}(\.\d{1,6})?", text, re.ASCII) and float(text) <= 100:
        percent = float(text)
        if 0 < percent < 1 and not minimum.value.strip().endswith("%"):
            problem, hint = f"{minimum.value!r} is less than one percent", f"did you mean {100 * percent:g}?"
            raise SettingError(problem, where=minimum.where, hint=hint)
        return percent
    raise SettingError(f"{minimum.value!r} is not a percentage", where=minimum.where, hint="give 0 to 100")


def impact_budget(source: SettingSource, environment: Mapping[str, str]) -> float:
    """Return an impact run's time budget in seconds, by default infinite; raises `SettingError` if it is not a time."""
    setting = find_value(IMPACT_BUDGET, source, environment)
    if setting is None:
        return inf
    match = re.fullmatch(r"(\d{1,6}(?:\.\d{1,3})?)\s*(ms|s|m|h|)", setting.value.strip(), re.ASCII)
    if match is None:
        raise SettingError(f"{setting.value!r} is not a time", where=setting.where, hint="give one such as 60s or 5m")
    return float(match[1]) * _SECONDS[match[2]]


def impact(source: SettingSource, environment: Mapping[str, str]) -> str:
    """Return the SOURCE of a given `--bctrl-impact`; if it is empty, that of the drift check, else `mutants`."""
    return str(source.getoption("bctrl_impact")) or upstream(source, environment) or "mutants"


def key_prefix(source: SettingSource) -> str:
    """Return what precedes the API key in its header field, with the space after a word; "" if it is not set.

    Raises `SettingError` for characters that a header field or a shell would read differently.
    """
    setting = next(iter(file_values(KEY_PREFIX, source)), None)
    if setting is None:
        return ""
    words = setting.value.split()
    if not words:
        return ""
    # The value is not shown, because it may contain the key.
    if len(setting.value) > _LONGEST_PREFIX or not all(map(_PREFIX_WORD.fullmatch, words)):
        hint = "write the word in front of the key, such as Token; the key itself comes from BCTRL_API_KEY"
        raise SettingError("it is not a word that a header field can hold", where=setting.where, hint=hint)
    prefix = " ".join(words)
    return prefix if prefix.endswith(("=", ":")) else f"{prefix} "


def preferred_schemes(source: SettingSource) -> tuple[str, ...]:
    """Return the names of the security schemes that the settings prefer, the first one first."""
    return tuple(dict.fromkeys(line.value.strip() for line in file_values(SECURITY, source)))


_LONGEST_PREFIX = 40
_PREFIX_WORD = re.compile(r"[#%&'*+.^_|~0-9A-Za-z-]+[=:]?")


def space_id(source: SettingSource, environment: Mapping[str, str]) -> str:
    """Return the id of the space to list; raises `SettingError` if it is not set, a placeholder, or evidently no id."""
    setting = find_value(SPACE_ID, source, environment)
    if setting is None:
        raise SettingError(
            "no space id is set, and --bctrl-live needs one",
            where="BCTRL_SPACE_ID",
            hint="set BCTRL_SPACE_ID, --bctrl-space-id or bctrl_space_id (ini) to the id of a space of yours",
        )
    text = setting.value
    if is_placeholder(text):
        hint = "give the id of a space of yours, a UUID"
        raise SettingError("the value is a placeholder of the documentation", where=setting.where, hint=hint)
    if re.search(r"\s|://", text) or not text.isprintable() or not text.strip("."):
        hint = "give the id as the API shows it, a UUID, and not the name or the URL of the space"
        raise SettingError(f"{text!r} is not a space id", where=setting.where, hint=hint)
    return text
