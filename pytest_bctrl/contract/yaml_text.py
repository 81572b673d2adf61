"""Reads YAML as OpenAPI wants it: nothing that JSON has no word for (OpenAPI 3.1, 4.3; YAML 1.2, 10.2)."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from pytest_bctrl.errors import DocumentError

_WORDS = (
    ("tag:yaml.org,2002:null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("tag:yaml.org,2002:bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("tag:yaml.org,2002:int", r"^[-+]?(?:0|[1-9][0-9]*)$", list("-+0123456789")),
    (
        "tag:yaml.org,2002:float",
        r"^[-+]?(?:\.[0-9]+|[0-9]+(?=[.eE])(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$",
        [*"-+.0123456789"],
    ),
    ("tag:yaml.org,2002:merge", r"^<<$", ["<"]),
)
"""YAML 1.2's core schema. YAML 1.1, PyYAML's own, reads dates, `on`, `yes` and `12:30` as something else than text."""


def parse_yaml(text: str, name: str) -> Any:
    """Parse a YAML text safely into JSON data, keys as texts; raises `DocumentError` with line and reason."""
    import yaml

    try:
        return _plain(yaml.load(text, Loader=_loader()), [], name)  # noqa: S506
    except (yaml.YAMLError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise DocumentError(f"it is not YAML: {reason}", where=name, mend="mend the file") from None
    except RecursionError:
        raise DocumentError("it is nested too deep", where=name, mend="mend the file") from None


@cache
def _loader() -> Any:
    import yaml

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    loader: Any = type("CoreLoader", (base,), {"yaml_implicit_resolvers": {}})
    for tag, pattern, first in _WORDS:
        loader.add_implicit_resolver(tag, re.compile(pattern), first)
    return loader


def _plain(value: Any, above: list[int], name: str) -> Any:
    """The value as JSON has it; `above` holds the ids of the containers that it stands in."""
    if isinstance(value, dict | list):
        if id(value) in above:
            raise DocumentError("an alias holds itself", where=name, mend="use a $ref for what is recursive")
        inside = [*above, id(value)]
        if isinstance(value, list):
            return [_plain(item, inside, name) for item in value]
        return {_key(key): _plain(item, inside, name) for key, item in value.items()}
    if value is None or isinstance(value, str | bool | int | float):
        return value
    raise DocumentError(f"it holds a {type(value).__name__}, which JSON has not", where=name, mend="write it as a text")


def _key(key: Any) -> str:
    if isinstance(key, bool):
        return str(key).lower()
    return "null" if key is None else str(key)
