"""Values of path parameters that the response with a list contains, such as an id from `/pets` for `/pets/{id}`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pytest_bctrl.checks.response import Response
from pytest_bctrl.contract.model import Contract, Operation, Parameter
from pytest_bctrl.contract.paging import member_value
from pytest_bctrl.contract.paging_read import list_member, list_schema
from pytest_bctrl.contract.parameters import serialize_scalar, survives_transport
from pytest_bctrl.contract.schema.ref import SchemaRef, flatten, types_of
from pytest_bctrl.samples.inputs import words_in

_MAX_LENGTH = 1_000
"""Maximum number of characters of a value: servers limit the length of a path."""


@dataclass(frozen=True, slots=True)
class ValueSource:
    """Where the value of a path parameter comes from: a property of the first item of the list of an operation.

    `member` is the name of the list in the body, empty if the body is the list.
    """

    operation: Operation
    parameter: Parameter
    member: str
    name: str

    def value_in(self, response: Response) -> str:
        """Return the value in a response. Raises `LookupError`, with the reason, if it has none that can be sent."""
        if response.status >= 300:
            raise LookupError(f"it responds with {response.status}")
        items = member_value(response.data, (self.member,) if self.member else ())
        if not isinstance(items, list) or not items:
            raise LookupError("it returned no item")
        value = items[0].get(self.name) if isinstance(items[0], Mapping) else None
        if isinstance(value, str | int) and not isinstance(value, bool):
            text = serialize_scalar(value)
            has_length = bool(text.strip(".")) and len(text) <= _MAX_LENGTH
            if has_length and survives_transport(response.contract, self.parameter, text):
                return text
        raise LookupError(f"its first item has no {self.name} that can be sent")


def source_in(contract: Contract, operation: Operation, parameter: Parameter) -> ValueSource | None:
    """Return where a list has the value of a path parameter: in the property of an item that has its name or meaning.

    None if the operation documents no list of objects with such a property, of a type that the parameter allows.
    """
    member = list_member(contract, operation)
    if member is None:
        return None
    array = list_schema(contract, operation, member) or {}
    properties = flatten(contract, array.get("items", True)).get("properties", {})
    names = {_without_separators(name): name for name in reversed(properties)}
    types = types_of(contract, [SchemaRef(parameter.schema, "")])
    if "string" in types:
        # A path is text, in which a number is a string too.
        types |= {"integer"}
    for candidate in _property_names(parameter.name):
        name = names.get(candidate)
        if name is not None and types & _SCALARS & types_of(contract, [SchemaRef(properties[name], "")]):
            return ValueSource(operation, parameter, member, name)
    return None


_SCALARS = frozenset({"string", "integer"})

_OTHER_IDS = frozenset({
    "name", "slug", "code", "key", "number", "no", "handle", "login", "username", "email", "token", "secret", "hash",
    "url", "uri", "domain", "host", "hostname", "path", "date", "year", "version", "format", "type", "status",
    "language", "locale", "country", "currency", "symbol", "index",
})  # fmt: skip
"""Last words of the names of parameters whose value is not the `id` of an item."""


def _property_names(parameter: str) -> Iterator[str]:
    """Yield the names that a property with the value of a parameter may have, without separators.

    For `petId` and `pet_id`, these are `petid` and `id`; for `petSlug`, `petslug` and `slug`; for `pet`, `pet` and
    `id`.
    """
    words = words_in(parameter)
    yield _without_separators(parameter)
    yield from words[-1:]
    if _OTHER_IDS.isdisjoint(words[-1:]):
        yield "id"


def _without_separators(name: str) -> str:
    """Return the words of a name as one; a name without ASCII letters and digits unchanged."""
    return "".join(words_in(name)) or name
