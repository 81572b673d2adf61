"""Compares the servers: the URLs under which the API can be called."""

from __future__ import annotations

import re
from itertools import product
from math import prod
from typing import TYPE_CHECKING

from pytest_bctrl.drift.spec import Part, Spec

if TYPE_CHECKING:
    from pytest_bctrl.drift.match import Operation
    from pytest_bctrl.drift.report import Place, Report

_VARIABLE = re.compile(r"\{([^{}]+)\}")
_MOST = 64
"""URLs that one server is written out as."""
_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<host>[^/?#]*)(?P<rest>.*)", re.DOTALL)
_PORTS = {"http": ":80", "https": ":443"}


def servers(spec: Spec, whole: Part) -> dict[str, Part]:
    """Return the URLs that a list of servers stands for, variables filled in; `/` where there is none."""
    found: dict[str, Part] = {}
    for server in spec.items(whole):
        spec.mapping(server)
        for url in _urls(spec, server):
            found.setdefault(_one_form(url), server)
    return found or {"/": whole}


def _one_form(url: str) -> str:
    """A URL as any other that leads to the same place (RFC 3986, section 6.2.3), without a slash at its end."""
    parts = _URL.fullmatch(url)
    if parts is not None:
        scheme, host = parts["scheme"].lower(), parts["host"].lower()
        url = f"{scheme}://{host.removesuffix(_PORTS.get(scheme, ':'))}{parts['rest']}"
    return url.rstrip("/") or "/"


def _urls(spec: Spec, server: Part) -> list[str]:
    url = server / "url"
    if url.value is None:
        raise spec.refuse(server, "a server has no url", "give it one")
    template = spec.text(url)
    names = _VARIABLE.findall(template)
    choices = []
    for name in names:
        variable = server / "variables" / name
        spec.mapping(variable)
        values = [spec.text(item) for item in spec.items(variable / "enum")]
        default = str((variable / "default").value) if (variable / "default").value is not None else f"{{{name}}}"
        choices.append(values or [default])
    if prod(map(len, choices)) > _MOST:
        # All values of a variable stand in the one URL, so that a change of one is a change of it.
        choices = [[f"{{{'|'.join(sorted(values))}}}"] for values in choices]
    filled = []
    for filling in product(*choices):
        text = template
        for name, value in zip(names, filling, strict=True):
            text = text.replace(f"{{{name}}}", value)
        filled.append(text)
    return filled


def compare_servers(report: Report, old: Part, new: Part, place: Place) -> None:
    """Note URLs that came or went, in any order."""
    found = (
        {url: part.pointer for url, part in servers(spec, whole).items()}
        for spec, whole in ((report.base, old), (report.revision, new))
    )
    report.add_each("api-server", place._replace(location="servers"), found, (old.pointer, new.pointer))


def own_servers(operation: Operation) -> Part | None:
    """The servers that an operation or its path item sets for itself."""
    for part in (operation.part / "servers", operation.item / "servers"):
        if part.value:
            return part
    return None
