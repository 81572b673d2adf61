"""Finds query parameters that a server ignores: a filter that items of the list violate, and the size of a page.

A filter is a query parameter that lists the same values as the property of the items with the same name. No schema says
what a parameter means, so both findings are warnings.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from pytest_bctrl.checks.response import Response, looked
from pytest_bctrl.checks.violation import Violation
from pytest_bctrl.contract.credential_names import credentials_for
from pytest_bctrl.contract.engine import accepts
from pytest_bctrl.contract.model import Contract, Operation, Parameter, Schema
from pytest_bctrl.contract.paging import items_of
from pytest_bctrl.contract.paging_read import item_members, list_member, read_paging
from pytest_bctrl.contract.parameters import Pair, item_schema, read_pairs
from pytest_bctrl.contract.schema.locations import Path
from pytest_bctrl.contract.schema.ref import SchemaRef, json_text, values_of

RULE = "ignored_filter"
_WHY = "a warning, because no schema says what a parameter means"


def check_ignored_parameters(response: Response) -> Iterator[Violation]:
    """Yield a warning for each item that violates a filter of the request, and for more items than it requests.

    Nothing is checked if the query of the request is not known, or if it is not clear which list it is about.
    """
    looked(response).add("ignored parameters")
    contract, operation = response.contract, response.operation
    is_success = response.documented is operation.success and response.status < 300
    if not response.query or not is_success or response.schema is None or not response.parsed.ok:
        return
    member = list_member(contract, operation)
    if member is None or operation.method != "GET":
        return
    items, pairs = items_of(response.data, member), _pairs_without_credentials(response)
    paging = read_paging(contract, operation)
    if paging is not None and paging.size is not None:
        yield from _size_violations(paging.size, _value_in(contract, paging.size, pairs), len(items))
    for parameter, listed in _filters(contract, operation):
        sent = _texts(_value_in(contract, parameter, pairs))
        if sent <= listed:
            prefix = (member,) if member else ()
            yield from _filter_violations(parameter.name, sent, listed - sent, items, prefix)


def _size_violations(size: Parameter, requested: Any, count: int) -> Iterator[Violation]:
    """Yield a warning if a page has more items than requested."""
    # To many servers, 0 and -1 mean all items.
    if isinstance(requested, int) and 0 < requested < count:
        message, expected = f"a page has more items than requested; {_WHY}", f"{requested} at most"
        yield Violation("ignored_page_size", "warning", message, (), f"query {size.name}", expected, count)


def _filter_violations(
    name: str, sent: frozenset[str], others: frozenset[str], items: list[Any], prefix: Path
) -> Iterator[Violation]:
    """Yield a warning for each item that has only `others` of the documented values, and none that was sent."""
    message = f"the request filters by {name}, and the item has another value; {_WHY}"
    expected = [json.loads(text) for text in sorted(sent)]
    for index, item in enumerate(items):
        value = item.get(name) if isinstance(item, Mapping) else None
        if _texts(value) <= others:
            yield Violation(RULE, "warning", message, (*prefix, index, name), "", expected, value)


@lru_cache(maxsize=256)
def _filters(contract: Contract, operation: Operation) -> list[tuple[Parameter, frozenset[str]]]:
    """Return the query parameters of an operation that filter its list, and the values that each lists."""
    properties = item_members(contract, operation)
    listed = [
        (parameter, _listed_texts(contract, parameter.schema))
        for parameter in operation.other_parameters
        if parameter.in_ == "query" and parameter.name in properties
    ]
    return [
        (parameter, values)
        for parameter, values in listed
        if values and values == _listed_texts(contract, properties[parameter.name]) and _exclude_each_other(values)
    ]


def _exclude_each_other(values: frozenset[str]) -> bool:
    """Return whether no value contains another one: none means all, or is above another, as `food` above `food.bar`."""
    texts = {value.strip('"').lower() for value in values}
    parents = {text[: separator.start()] for text in texts for separator in re.finditer("[./:]", text)}
    return texts.isdisjoint({"all", "any", "both", "*", *parents})


def _listed_texts(contract: Contract, schema: Schema) -> frozenset[str]:
    """Return the values besides null that a schema, or that of the items of its list, lists, as JSON texts."""
    values = values_of(contract, [SchemaRef(schema, "")])
    if values is None:
        values = values_of(contract, [SchemaRef(item_schema(contract, schema), "")])
    return frozenset(values or ()) - {"null"}


def _texts(value: Any) -> frozenset[str]:
    """Return a value, or the items of a list, as JSON texts; an object or a list as an empty text."""
    values = value if isinstance(value, list) else [value]
    return frozenset("" if isinstance(inner, dict | list) else json_text(inner) for inner in values)


def _pairs_without_credentials(response: Response) -> list[Pair]:
    """Return the pairs in the query of the request whose values are no credentials, so that they can be shown."""
    credentials = credentials_for(response.contract, response.operation)
    credentials.url(f"?{urlencode(response.query)}")
    return [pair for pair in response.query if pair[1] not in credentials.values]


def _value_in(contract: Contract, parameter: Parameter, pairs: list[Pair]) -> Any:
    """Return the value of a parameter in a query; None if it is not sent or not allowed."""
    values = read_pairs(contract, parameter, pairs)
    return next((value for value in values if accepts(contract, parameter.schema, value)), None)
