"""Compares the servers of two documents, path items or operations: their URLs, with variables filled in."""

from __future__ import annotations

import re
from itertools import product
from math import prod

from pytest_bctrl.contract.outline import RawOperation
from pytest_bctrl.contract.spec import Part, Spec
from pytest_bctrl.drift.change_location import ChangeLocation
from pytest_bctrl.drift.report import Report

_VARIABLE = re.compile(r"\{([^{}]+)\}")
_MOST = 64
"""Maximum number of URLs that one server expands to."""
_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<host>[^/?#]*)(?P<rest>.*)", re.DOTALL)
_PORTS = {"http": ":80", "https": ":443"}


def servers(spec: Spec, part: Part) -> dict[str, Part]:
    """Return the URLs of a list of servers with variables filled in, and the server of each; `/` if there is none."""
    server_of: dict[str, Part] = {}
    for server in spec.items(part):
        spec.mapping(server)
        for url in _server_urls(spec, server):
            server_of.setdefault(_normalized_url(url), server)
    return server_of or {"/": part}


def _normalized_url(url: str) -> str:
    """Return a URL in its normal form (RFC 3986, section 6.2.3), without a slash at its end."""
    parts = _URL.fullmatch(url)
    if parts is not None:
        scheme, host = parts["scheme"].lower(), parts["host"].lower()
        url = f"{scheme}://{host.removesuffix(_PORTS.get(scheme, ':'))}{parts['rest']}"
    return url.rstrip("/") or "/"


def _server_urls(spec: Spec, server: Part) -> list[str]:
    """Return the URLs of a server with its variables filled in; with too many combinations, one URL that lists them.

    Raises `DocumentError` for a server without a URL.
    """
    url = server / "url"
    if url.value is None:
        raise spec.error_at(server, "a server has no url", "give it one")
    template = spec.text(url)
    names = _VARIABLE.findall(template)
    choices = [_variable_values(spec, server / "variables" / name, name) for name in names]
    if prod(map(len, choices)) > _MOST:
        # All values of a variable appear in a single URL, so a change of a value is a change of that URL.
        choices = [[f"{{{'|'.join(sorted(values))}}}"] for values in choices]
    urls = []
    for filling in product(*choices):
        text = template
        for name, value in zip(names, filling, strict=True):
            text = text.replace(f"{{{name}}}", value)
        urls.append(text)
    return urls


def _variable_values(spec: Spec, variable: Part, name: str) -> list[str]:
    """Return the values of a server variable: those of its enum, else its default, else its placeholder."""
    spec.mapping(variable)
    values = [spec.text(item) for item in spec.items(variable / "enum")]
    if values:
        return values
    default = (variable / "default").value
    if default is None:
        return [f"{{{name}}}"]
    return [str(default)]


def compare_servers(report: Report, old: Part, new: Part, location: ChangeLocation) -> None:
    """Note added and removed server URLs; their order does not matter."""
    urls = []
    for spec, part in ((report.base, old), (report.revision, new)):
        urls.append({url: server.pointer for url, server in servers(spec, part).items()})
    report.add_each("api-server", location._replace(path="servers"), urls, (old.pointer, new.pointer))


def own_servers(operation: RawOperation) -> Part | None:
    """Return the servers of an operation or its path item, or None if those of the document apply."""
    for part in (operation.part / "servers", operation.item / "servers"):
        if part.value:
            return part
    return None
