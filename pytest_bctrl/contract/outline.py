"""The operations, parameters, responses and security schemes of an OpenAPI document, before the contract is read.

Operations inherit from their path item, and references are followed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from pytest_bctrl.contract.document import EXCLUDED
from pytest_bctrl.contract.spec import Part, Spec

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")
"""The methods that a path item may have (OpenAPI 3.2, 4.10), as it names them."""

ADDITIONAL = "additionalOperations"
"""The member of a path item with the operations of other methods, by their names (OpenAPI 3.2, 4.10)."""

STYLES = {"query": "form", "cookie": "form", "path": "simple", "header": "simple", "querystring": "form"}
"""The values of a parameter's `in`, and the default style of each (OpenAPI 3.2, 4.12.2)."""

NAME = re.compile(r"\{([^{}/]+)\}")
"""Matches a parameter in a path template."""

Key = tuple[str, str]


class RawOperation(NamedTuple):
    """An operation of the document: a method of a path. `shape` is the path without the names of its parameters."""

    method: str
    path: str
    shape: str
    item: Part
    part: Part

    @property
    def label(self) -> str:
        """The label shown to users, such as `GET /v1/spaces/{id}/runtimes`."""
        return f"{self.method.upper()} {self.path}"

    @property
    def contents(self) -> list[Any]:
        """The parts of the document that define the operation, for comparison: its own, and those of its path item."""
        return [self.part.value, self.item.value.get("parameters"), self.item.value.get("servers")]

    @property
    def path_parameters(self) -> list[str]:
        """The names in the path template, in order."""
        return NAME.findall(self.path)


def operations(spec: Spec) -> list[RawOperation]:
    """Return the operations that are not excluded, in order. Raises `DocumentError` for a path without a slash."""
    operations = []
    for path, item in spec.fields(spec.root / "paths"):
        if not path.startswith("/"):
            raise spec.error_at(
                item, f"the path {path[:80]!r} does not begin with a slash", "see OpenAPI 3.1, section 4.8.8.1"
            )
        item = spec.resolve(item, "pathItems")
        shape = NAME.sub("{}", path)
        for method, part in operations_of(spec, item):
            operations.append(RawOperation(method, path, shape, item, part))
    return operations


def operations_of(spec: Spec, item: Part) -> Iterator[tuple[str, Part]]:
    """Yield method and part of the operations of a path item that are not marked as excluded."""
    members = [(method, item / method) for method in METHODS]
    for method, part in [*members, *spec.members(item / ADDITIONAL)]:
        if part.value is None or EXCLUDED in spec.mapping(part):
            continue
        # Most references to operations were replaced before; one without a target is an error.
        yield method, spec.resolve(part)


def operation_keys(method: str) -> tuple[str, ...]:
    """Return the keys that lead from a path item to the operation of a method."""
    if method.lower() in METHODS:
        return (method.lower(),)
    return ADDITIONAL, method


class RawParameter(NamedTuple):
    """A parameter, or a header of a response. `holder` is the part with the `schema`.

    `style` defines how the value is serialised: a style of OpenAPI, or the media type of its `content`.
    """

    in_: str
    name: str
    part: Part
    holder: Part
    required: bool
    style: str
    explode: bool

    @property
    def schema(self) -> tuple[Part, ...]:
        """The schema of the value, if there is one."""
        return schema_parts(self.holder)


def parameters(spec: Spec, operation: RawOperation) -> dict[Key, RawParameter]:
    """Return the parameters of an operation by key, including those of its path item that it does not override.

    They are keyed by `in` and by an identity: the name in lower case for a header, the position for a path parameter.
    Raises `DocumentError` for an invalid parameter.
    """
    # The method and path, because two paths may share a path item and name its parameters in another order.
    operation_key = operation.method, operation.path
    by_operation = _parameters_by_document.setdefault(spec, {})
    if operation_key in by_operation:
        return by_operation[operation_key]
    parameters: dict[Key, RawParameter] = {}
    for holder in (operation.item / "parameters", operation.part / "parameters"):
        for part in spec.items(holder):
            part = spec.resolve(part, "parameters")
            in_, name = spec.text(part / "in"), spec.text(part / "name")
            if in_ not in STYLES or not name:
                problem = "a parameter has no name, or is in none of path, query, querystring, header, cookie"
                raise spec.error_at(part, problem, "name it and say where")
            key = _parameter_key(operation, in_, name)
            if in_ != "header" or key not in IGNORED_FIELDS:
                parameters[in_, key] = _raw_parameter(spec, in_, name, part)
    by_operation[operation_key] = parameters
    return parameters


_parameters_by_document: WeakKeyDictionary[Spec, dict[Key, dict[Key, RawParameter]]] = WeakKeyDictionary()
"""The parameters of the operations that were read before, by document, and by method and path."""


def _parameter_key(operation: RawOperation, in_: str, name: str) -> str:
    """Return the key of a parameter within `in_`: its position in the path, its name, or its name in lower case."""
    if in_ == "header":
        return name.lower()
    names = operation.path_parameters
    if in_ == "path" and name in names:
        return f"#{names.index(name)}"
    return name


IGNORED_FIELDS = frozenset({"accept", "content-type"})
"""Headers whose parameter definitions "shall be ignored" (OpenAPI 3.1, 4.8.12.1)."""


def _raw_parameter(spec: Spec, in_: str, name: str, part: Part) -> RawParameter:
    """Return a parameter or header with its defaults filled in."""
    media, holder = "", part
    if (part / "schema").value is None:
        media, holder = next(iter(media_types(spec, part).items()), ("", part))
    style = media or spec.text(part / "style", STYLES[in_])
    explode = part / "explode"
    is_exploded = style == "form"
    if explode.value is not None:
        is_exploded = spec.flag(explode)
    return RawParameter(in_, name, part, holder, in_ == "path" or spec.flag(part / "required"), style, is_exploded)


def headers(spec: Spec, response: Part) -> dict[str, RawParameter]:
    """Return a response's headers by name in lower case, without `Content-Type` (OpenAPI 3.1, 4.8.17.1)."""
    resolved = [(name, spec.resolve(part, "headers")) for name, part in spec.members(response / "headers")]
    return {
        name.lower(): _raw_parameter(spec, "header", name, part)
        for name, part in resolved
        if name.lower() != "content-type"
    }


def schema_parts(holder: Part) -> tuple[Part, ...]:
    """Return the schema of a parameter, header or media type, as a tuple that is empty if any value is allowed."""
    part = holder / "schema"
    if part.value is None:
        return ()
    return (part,)


def responses(spec: Spec, operation: RawOperation) -> dict[str, Part]:
    """Return an operation's responses by status: a code, `2XX` or `default`."""
    responses = {}
    for key, part in spec.fields(operation.part / "responses"):
        status = key.upper()
        if status == "DEFAULT":
            status = "default"
        responses[status] = spec.resolve(part, "responses")
    return responses


def media_types(spec: Spec, holder: Part) -> dict[str, Part]:
    """Return the media types of a part's `content` by normalised name, references followed.

    Raises `DocumentError` if a media type is not a mapping.
    """
    media_types = {}
    for name, part in spec.members(holder / "content"):
        part = spec.resolve(part, "mediaTypes")
        # In lower case, with sorted parameters and no blanks around them.
        essence, *parameters = [piece.strip().lower() for piece in name.split(";")]
        media_types["; ".join([essence, *sorted(filter(None, parameters))])] = part
    return media_types


def security_schemes(spec: Spec) -> dict[str, Part]:
    """Return the security schemes of a document by name."""
    named = spec.members(spec.root / "components" / "securitySchemes")
    return {name: spec.resolve(part, "securitySchemes") for name, part in named}


def security_requirements(spec: Spec, part: Part, among: Collection[str] | None = None) -> list[dict[str, Part]]:
    """Return the alternative requirements in a part, as scopes by scheme; with `among`, those of only these schemes.

    Without it, an undefined scheme raises `DocumentError`.
    """
    defined = spec.mapping(spec.root / "components" / "securitySchemes")
    requirements = [dict(spec.members(requirement)) for requirement in spec.items(part)]
    if among is not None:
        return [requirement for requirement in requirements if requirement.keys() <= {*among}]
    for requirement in requirements:
        for name, scopes in requirement.items():
            if name not in defined:
                raise spec.error_at(
                    scopes,
                    f"security names the scheme {name[:80]!r}, which is not defined",
                    f"define it under components/securitySchemes, which has: {', '.join(defined) or 'none'}",
                )
    return requirements


def security_part(spec: Spec, operation: RawOperation) -> Part:
    """Return the `security` of an operation, which overrides that of the document (OpenAPI 3.1, 4.8.10)."""
    part = operation.part / "security"
    if part.value is None:
        return spec.root / "security"
    return part


def is_json(media: str) -> bool:
    """Return whether a media type is JSON: `application/json`, `…/json` or `…+json`."""
    return media.partition(";")[0].strip().lower().endswith(("/json", "+json"))
