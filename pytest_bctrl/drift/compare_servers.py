"""Compares the servers of two documents, path items or operations: their URLs, with variables filled in."""

from __future__ import annotations

import re
from itertools import product
from math import prod
from typing import NamedTuple

from pytest_bctrl.contract.outline import NAME, RawOperation
from pytest_bctrl.contract.spec import Part, Spec
from pytest_bctrl.drift.change_location import ChangeLocation
from pytest_bctrl.drift.report import Report

_VARIABLE = re.compile(r"\{([^{}]+)\}")
_MOST = 64
"""Maximum number of URLs that one server expands to."""
_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<host>[^/?#]*)(?P<rest>.*)", re.DOTALL)
_PORTS = {"http": ":80", "https": ":443"}


def servers(spec: Spec, part: Part, base: str = "") -> dict[str, Part]:
    """Return the URLs of a list of servers with variables filled in, and the server of each; `/` if there is none.

    `base` is the start of paths, which is appended to each.
    """
    server_of: dict[str, Part] = {}
    for server in spec.items(part):
        spec.mapping(server)
        for url in _server_urls(spec, server):
            server_of.setdefault(_normalized_url(url, base), server)
    return server_of or {base or "/": part}


def operation_urls(spec: Spec, operation: RawOperation) -> list[str]:
    """Return the URLs of an operation on each of its servers, without the names of path parameters."""
    part = own_servers(operation) or spec.root / "servers"
    return [NAME.sub("{}", f"{url.rstrip('/')}{operation.shape}") for url in servers(spec, part)]


def url_path(url: str) -> str:
    """Return the path of a URL, which is all of a relative one."""
    parts = _URL.fullmatch(url)
    if parts is None:
        return url
    return parts["rest"]


Bases = tuple[str, str]
"""The starts of the paths of a matched operation that only one side has; the rests of both paths are the same."""


def bases(old: RawOperation, new: RawOperation) -> Bases:
    """Return the starts of two paths before the segments that both end with, such as `/v1`; empty if they are alike."""
    before, after = old.shape.split("/"), new.shape.split("/")
    while before and after and before[-1] == after[-1]:
        before.pop()
        after.pop()
    return "/".join(before), "/".join(after)


class _DefaultUrl(NamedTuple):
    """The URL of a server with the defaults of its variables, the server, and these defaults by name."""

    url: str
    server: Part
    defaults: tuple[tuple[str, str], ...]


def _default_url(spec: Spec, server: Part, base: str) -> _DefaultUrl | None:
    """Return the default URL of a server; None if a variable lacks its default."""
    url = spec.text(server / "url")
    values = {name: (server / "variables" / name / "default").value for name in _VARIABLE.findall(url)}
    if None in values.values():
        return None
    defaults = tuple((name, str(value)) for name, value in values.items())
    for name, default in defaults:
        url = url.replace(f"{{{name}}}", default)
    return _DefaultUrl(_normalized_url(url, base), server, defaults)


def _default_urls(spec: Spec, part: Part, base: str) -> dict[str, _DefaultUrl]:
    """Return the default URL of each server with variables, or of the only server, under each URL of that server."""
    default_of: dict[str, _DefaultUrl] = {}
    listed = spec.items(part)
    for server in listed:
        default = _default_url(spec, server, base)
        if default is None or (len(listed) > 1 and not default.defaults):
            continue
        for member in _server_urls(spec, server):
            default_of.setdefault(_normalized_url(member, base), default)
    return default_of


def _normalized_url(url: str, base: str) -> str:
    """Return a URL with a base appended in its normal form (RFC 3986, section 6.2.3), without a slash at its end."""
    parts = _URL.fullmatch(url)
    if parts is not None:
        scheme, host = parts["scheme"].lower(), parts["host"].lower()
        url = f"{scheme}://{host.removesuffix(_PORTS.get(scheme, ':'))}{parts['rest']}"
    return f"{url.rstrip('/')}{base}" or "/"


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


def compare_servers(report: Report, old: Part, new: Part, location: ChangeLocation, moved: Bases = ("", "")) -> None:
    """Note added and removed server URLs, in any order, and default URLs that are no longer the default of a server.

    The URLs include the starts of paths that only one side has.
    """
    urls = []
    for spec, part, base in ((report.base, old, moved[0]), (report.revision, new, moved[1])):
        urls.append({url: server.pointer for url, server in servers(spec, part, base).items()})
    location = location._replace(path="servers")
    report.add_each("api-server", location, urls, (old.pointer, new.pointer))
    before, after = _default_urls(report.base, old, moved[0]), _default_urls(report.revision, new, moved[1])
    pairs = [(before[url], after[url]) for url in before if url in after]
    listed = [_default_url(report.revision, server, moved[1]) for server in report.revision.items(new)]
    defaults = {default.url for default in listed if default}
    for was, now in {(was.url, now.url): (was, now) for was, now in pairs}.values():
        # A default that is no longer offered is a removed URL. The URL of a server with too many is not among the keys.
        is_offered = was.url in after or was.url not in before
        if is_offered and was.url not in defaults:
            at, keys = (was.server.pointer, now.server.pointer), _changed_default(was, now)
            report.add("api-server-default-changed", location, was.url, now.url, *at, keys=keys)


def _changed_default(was: _DefaultUrl, now: _DefaultUrl) -> tuple[str, ...]:
    """Return the keys from a server to the default that changed; none if several did, or if variables were renamed."""
    changed = [name for name, default in was.defaults if (name, default) not in now.defaults]
    if len(changed) != 1 or changed[0] not in dict(now.defaults):
        return ()
    return "variables", changed[0], "default"


def own_servers(operation: RawOperation) -> Part | None:
    """Return the servers of an operation or its path item, or None if those of the document apply."""
    for part in (operation.part / "servers", operation.item / "servers"):
        if part.value:
            return part
    return None
