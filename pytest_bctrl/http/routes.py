"""Finds the operation that a request target names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

from pytest_bctrl.contract.model import Contract, Operation, decode_path, path_pattern, path_specificity, path_value
from pytest_bctrl.contract.parameters import by_fit

_VERSION = re.compile(r"v\d+")
_ABSOLUTE = re.compile(r"https?://[^/?#]*", re.IGNORECASE)
_SHORT = 256
"""Maximum length of a target whose match is cached."""


@dataclass(frozen=True, slots=True)
class Match:
    """The operations of one path, by method, and the decoded values of the path parameters.

    `alternatives` has all operations of a method if there are several, because the names of their parameters are the
    only difference between their paths. The one whose parameters fit the values best is the first.
    """

    operations: Mapping[str, Operation]
    values: Mapping[str, str]
    alternatives: Mapping[str, Sequence[Operation]] = field(default_factory=dict)

    def of(self, method: str) -> Operation | None:
        """Return the operation of a method; that of GET serves HEAD if HEAD has none (RFC 9110, 9.3.2)."""
        if method == "HEAD" and "HEAD" not in self.operations:
            method = "GET"
        return self.operations.get(method)

    @property
    def allow(self) -> str:
        """The value of an `Allow` header (RFC 9110, 10.2.1): GET implies HEAD, and every path has OPTIONS."""
        methods = {*self.operations, "OPTIONS"}
        if "GET" in self.operations:
            methods.add("HEAD")
        return ", ".join(sorted(methods))


class _Route(NamedTuple):
    """A pattern of paths, the names of its groups in each path template, and the operations by method.

    A method has several operations if their path templates differ only in the names of parameters. Each comes with
    these names.
    """

    pattern: re.Pattern[str]
    names: list[list[str]]
    operations: dict[str, list[tuple[Operation, list[str]]]]


class Routes:
    """The paths of a contract, each with and without the base path of a server and a leading version.

    Clients tolerate a base URL with or without `/v1`, so `/v1/spaces/…`, `/v1/v1/spaces/…` and `/spaces/…` name one
    operation, unless the contract documents another operation with that path. A segment is decoded after the path was
    split, so `%2F` stays inside its segment, and dot segments are not resolved: they name no space, and a client that
    wanted them resolved had done it (RFC 3986, 5.2.4).
    """

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        by_path: dict[str, dict[str, Operation]] = {}
        for operation in contract.operations:
            by_path.setdefault(operation.path, {})[operation.method] = operation
        bases = sorted({base_path(server) for server in contract.servers} or {""})
        by_specificity = sorted(by_path.items(), key=lambda item: path_specificity(item[0]))
        routes: dict[str, _Route] = {}
        # A path that the contract documents is never another operation's path with another version or base.
        for accepted in (_documented_paths, _paths_without_base, _paths_with_other_version):
            added: dict[str, _Route] = {}
            for path, operations in by_specificity:
                for spelled in accepted(path, bases):
                    pattern, names = path_pattern(spelled, "*")
                    route = added.setdefault(pattern.pattern, _Route(pattern, [], {}))
                    # Templates that differ only in the names of their parameters share their methods.
                    route.names.append(names)
                    for method, operation in operations.items():
                        route.operations.setdefault(method, []).append((operation, names))
            routes = {**routes, **{pattern: route for pattern, route in added.items() if pattern not in routes}}
        self._routes = list(routes.values())
        self._cached_find = lru_cache(maxsize=512)(self._find_match)

    def match(self, target: str) -> Match | None:
        """Return the match of a target in origin or absolute form (RFC 9112, 3.2); None if no route has its path."""
        if len(target) < _SHORT:
            return self._cached_find(target)
        return self._find_match(target)

    def _find_match(self, target: str) -> Match | None:
        """Return the match of the first route that has the path of a target, or None."""
        path = decode_path(_ABSOLUTE.sub("", target, count=1).partition("#")[0].partition("?")[0])
        for route in self._routes:
            match = route.pattern.fullmatch(path)
            if match and not self._is_list_with_slash(path, match):
                texts = [path_value(text) for text in match.groups()]
                values: dict[str, str] = {}
                for names in route.names:
                    values |= zip(names, texts, strict=True)
                return self._best_match(route, texts, values)
        return None

    def _best_match(self, route: _Route, texts: Sequence[str], values: Mapping[str, str]) -> Match:
        """Return the match of a route, with the operations whose parameters fit the values of the path."""
        operations: dict[str, Operation] = {}
        alternatives: dict[str, list[Operation]] = {}
        for method, named in route.operations.items():
            operations[method] = named[0][0]
            if len(named) > 1:
                candidates = [(operation, dict(zip(names, texts, strict=True))) for operation, names in named]
                alternatives[method] = by_fit(self._contract, candidates)
                operations[method] = alternatives[method][0]
        return Match(operations, values, alternatives)

    def _is_list_with_slash(self, path: str, match: re.Match[str]) -> bool:
        """Return whether a match takes the end of `/items/` for an empty identifier, although `/items` is a path."""
        if not path.endswith("/") or match.lastindex is None or match[match.lastindex]:
            return False
        return any(route.pattern.fullmatch(path[:-1]) for route in self._routes)

    def operation_and_values(self, method: str, target: str) -> tuple[Operation | None, Mapping[str, str]]:
        """Return the operation of a request, or None, and the values in its path."""
        match = self.match(target)
        if match is None:
            return None, {}
        return match.of(method), match.values


def base_path(server: str, base_url: str = "") -> str:
    """Return the path of a server's URL without a slash at its end; empty for an invalid URL.

    A relative URL is resolved against the base URL, or without one against the root (RFC 3986, 5.2).
    """
    try:
        return urlsplit(urljoin(base_url or "http://localhost", server)).path.rstrip("/")
    except ValueError:
        return ""


def _documented_paths(path: str, bases: Sequence[str]) -> Iterator[str]:
    """Yield a path template after the base path of each server."""
    for base in bases:
        yield base + path


def _paths_without_base(path: str, _bases: Sequence[str]) -> Iterator[str]:
    """Yield a path template without a base path."""
    yield path


def _paths_with_other_version(path: str, bases: Sequence[str]) -> Iterator[str]:
    """Yield a path template, if it begins with a version, without it and with the version twice; per base path."""
    for base in ("", *bases):
        _, version, *rest = (base + path).split("/")
        if rest and _VERSION.fullmatch(version):
            yield "/" + "/".join(rest)
            yield f"/{version}{base}{path}"
