"""Reads how an operation pages, from the names that APIs use for it, or from its `x-bctrl-paging`:

```text
size: limit                 the query parameter for the page size
cursor: cursor              the query parameter that takes the `next` value of the previous response; or instead of it
  item: starting_after      … the id of the last item,
  page: page                … the number of the page, or
  offset: offset            … the number of items to skip
next: meta.next_cursor      the location of the next cursor or its URL; `Link` for the header field (RFC 8288)
more: has_more              the location of the flag for further items; `total` and `pages` for the counts
items: data                 the member with the list
id: id                      the member that identifies an item
```

The parts of the extension take precedence over known names. `x-bctrl-paging: false` means that the operation does not
page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property, lru_cache
from typing import Any

from pytest_bctrl.contract.model import Contract, Operation, Parameter, Schema
from pytest_bctrl.contract.paging import LINK, By, Members, Paging
from pytest_bctrl.contract.schema.locations import exact_location
from pytest_bctrl.contract.schema.ref import SchemaRef, flatten, types_of
from pytest_bctrl.contract.schema.shapes import shapes
from pytest_bctrl.errors import DocumentError


@lru_cache(maxsize=256)
def list_member(contract: Contract, operation: Operation) -> str | None:
    """Return the name of the list in the success response; empty if the body is the list, None if it is not clear.

    That is the only array that may be empty and holds objects, or else the only required array that may be empty.
    """
    if isinstance(operation.paging, Mapping) and "items" in operation.paging:
        return operation.paging["items"]
    schema = _response_schema(operation)
    if any(shape.kind == "array" for shape in shapes(contract, schema)):
        return ""
    holds_objects: dict[str, bool] = {}
    flat = flatten(contract, schema)
    for name, inner in flat.get("properties", {}).items():
        for shape in shapes(contract, inner):
            array = shape.schema or {}
            if shape.kind == "array" and _may_be_empty(array):
                items = shapes(contract, array.get("items", True))
                holds_objects[str(name)] = any(item.kind in ("object", "branch") for item in items)
    candidates = [name for name, is_object_list in holds_objects.items() if is_object_list]
    if not candidates:
        candidates = [name for name in holds_objects if name in flat.get("required", ())]
    if len(candidates) != 1:
        return None
    return candidates[0]


def _response_schema(operation: Operation) -> Schema:
    """Return the JSON schema of the success response, or `False` if there is none."""
    if operation.success is None or operation.success.json is None:
        return False
    return operation.success.json[1]


def list_schema(contract: Contract, operation: Operation, items: str) -> Mapping[str, Any] | None:
    """Return the schema of the list at a member of the success response, or of the body; None if it is not an array."""
    schema = _response_schema(operation)
    if items:
        schema = flatten(contract, schema).get("properties", {}).get(items, False)
    return next((shape.schema for shape in shapes(contract, schema) if shape.kind == "array"), None)


def item_members(contract: Contract, operation: Operation) -> dict[str, Schema]:
    """Return the schemas of the properties that all items of the list may have, by name."""
    items = list_member(contract, operation)
    array = (list_schema(contract, operation, items) if items is not None else None) or {}
    return _common_members(contract, array.get("items", True))


def _common_members(contract: Contract, schema: Schema, depth: int = 0) -> dict[str, Schema]:
    """Return the properties of a schema by name, with those that all branches of its `oneOf` or `anyOf` have."""
    flat = flatten(contract, schema)
    members: dict[str, Schema] = dict(flat.get("properties", {}))
    for keyword in ("oneOf", "anyOf"):
        if keyword in flat and depth < _MAX_NESTED_BRANCHES:
            branches = [_common_members(contract, branch, depth + 1) for branch in flat[keyword]]
            common = set(branches[0]).intersection(*branches)
            members = {**{name: {"anyOf": [branch[name] for branch in branches]} for name in common}, **members}
    return members


def _may_be_empty(schema: Mapping[str, Any]) -> bool:
    """Return whether an array is a list that may be empty, and not a tuple."""
    return not schema.get("minItems", 0) and not schema.keys() & {"prefixItems", "contains"}


@lru_cache(maxsize=256)
def read_paging(contract: Contract, operation: Operation) -> Paging | None:
    """Return the paging of an operation, from its extension or from known names; None if it does not page."""
    items = list_member(contract, operation)
    if operation.method != "GET" or operation.paging is False or items is None:
        return None
    return _PagingReader(contract, operation, items).read()


class _PagingReader:
    """Finds the parts of an operation's paging: those named by its extension, the others by well-known names."""

    def __init__(self, contract: Contract, operation: Operation, items: str) -> None:
        self._contract, self._operation, self._items = contract, operation, items
        self._extension: Mapping[str, str] = operation.paging if isinstance(operation.paging, Mapping) else {}
        self._query = {
            parameter.name: parameter for parameter in operation.other_parameters if parameter.in_ == "query"
        }
        self._schemas: dict[Members, Schema] = {}
        if items:
            self._schemas = dict(self._body_members(_response_schema(operation), ()))
        self._by_location = {exact_location(members): members for members in self._schemas}

    def read(self) -> Paging | None:
        """Return the paging; None if no link and no parameter, with the members that it needs, selects a page."""
        in_header = self._has_link_header()
        size = self._parameter("size", _SIZE, ("integer",))
        identity = self._identity_member()
        more, total, pages = (self._named_member(key, names, kind) for key, (names, kind) in _COUNTED.items())
        starts: list[tuple[By, Parameter | None]] = [*self._start_parameters(), ("", None)]
        for by, start in starts:
            next_ = () if in_header else self._next_member(by, start)
            is_link = self._is_url(next_, by)
            has_next = bool(in_header or next_)
            is_paged = {
                "cursor": has_next,
                "item": more and identity,
                "": in_header or is_link or self._implies_pages(size),
            }
            if is_paged.get(by, has_next or more or total or pages or size):
                break
        else:
            return None
        return Paging(
            items=self._items,
            identity=identity,
            size=size,
            default_size=self._keyword_integer(size, "default", None),
            start=start,
            by=by,
            first=self._first_page_value(start, by),
            next=next_,
            more=more,
            total=total,
            pages=pages,
            echoes=tuple(self._echoes(size, start if by in ("page", "offset") else None)),
            is_link=is_link,
            in_header=in_header,
        )

    def _has_link_header(self) -> bool:
        """Return whether a `Link` field has the next page's URL: by the extension, else if the field is documented."""
        if "next" in self._extension:
            return self._extension["next"] == LINK
        headers = self._operation.success.headers if self._operation.success else ()
        return any(header.name.lower() == "link" for header in headers)

    def _next_member(self, by: By, start: Parameter | None) -> Members:
        """Return the location of the cursor or link of the next page in the body; empty if there is none."""
        names: tuple[str, ...] = _NEXT
        if start is not None and by == "cursor":
            names = (*_NEXT, _without_separators(start.name))
        members = self._named_member("next", names, "string", "integer")
        if by in ("page", "offset", "") and not self._is_url(members, by) and "integer" not in self._types_at(members):
            # A marker, for example, by which the operation pages only on request.
            return ()
        return members

    def _first_page_value(self, start: Parameter | None, by: By) -> int:
        """Return the value of the start parameter for the first page, 0 or 1."""
        usual_first = int(by == "page")
        first: int = self._keyword_integer(start, "default", self._keyword_integer(start, "minimum", usual_first))
        return first if first in (0, 1) else usual_first

    def _echoes(self, *parameters: Parameter | None) -> Iterator[tuple[Members, Parameter]]:
        """Yield the members of the response that have the name of a parameter, so that they repeat its value."""
        for parameter in parameters:
            if parameter is None:
                continue
            for members in self._schemas:
                if _without_separators(members[-1]) == _without_separators(parameter.name):
                    yield members, parameter

    def _implies_pages(self, size: Parameter | None) -> bool:
        """Return whether the size parameter alone shows that the operation has pages."""
        return size is not None and (bool(self._extension) or _without_separators(size.name) in _SIZE_ALONE)

    def _keyword_integer(self, parameter: Parameter | None, keyword: str, default: Any) -> Any:
        """Return an integer that the schema of a parameter has as a keyword, or the default."""
        if parameter is None:
            return default
        number = flatten(self._contract, parameter.schema).get(keyword)
        return number if isinstance(number, int) and not isinstance(number, bool) else default

    def _body_members(self, schema: Schema, parent: Members) -> Iterator[tuple[Members, Schema]]:
        """Yield location and schema of the body's members besides its list, those of objects about pages too."""
        for name, inner in flatten(self._contract, schema).get("properties", {}).items():
            members = (*parent, name)
            if members == (self._items,):
                continue
            yield members, inner
            location = exact_location(members)
            is_named = any(value.startswith(location) for value in self._extension.values())
            if (_without_separators(name) in _ABOUT or is_named) and len(parent) < _DEEPEST:
                yield from self._body_members(inner, members)

    def _types_at(self, members: Members) -> frozenset[str]:
        """Return the JSON types of a member of the body."""
        return types_of(self._contract, [SchemaRef(self._schemas.get(members, False), "")])

    def _accepts(self, parameter: Parameter, types: Iterable[str]) -> bool:
        """Return whether a parameter accepts one of the types."""
        return not types_of(self._contract, [SchemaRef(parameter.schema, "")]).isdisjoint(types)

    def _parameter(self, key: str, names: Iterable[str], types: Iterable[str]) -> Parameter | None:
        """Return the query parameter that the extension names, else the first with a known name and type; or None."""
        if key in self._extension:
            return self._query.get(self._extension[key])
        for parameter in self._query.values():
            if _without_separators(parameter.name) in names and self._accepts(parameter, types):
                return parameter
        return None

    def _start_parameters(self) -> Iterator[tuple[By, Parameter]]:
        """Yield the parameters that may select a page: the named parameter alone, else all with known names."""
        named = next((key for key in _STARTS if key in self._extension), None)
        # A parameter that a switch enables, such as `usemarker`, is not how the operation pages by itself.
        switches = {
            _without_separators(name)
            for name, parameter in self._query.items()
            if self._accepts(parameter, ["boolean"])
        }
        for by, (names, types) in _STARTS.items():
            if named not in (None, by):
                continue
            parameter = self._parameter(by, names, types)
            if parameter is not None and (named or f"use{_without_separators(parameter.name)}" not in switches):
                yield by, parameter

    def _named_member(self, key: str, names: tuple[str, ...], *types: str) -> Members:
        """Return the location of the member that the extension names, else of one with a known name and type."""
        if key in self._extension:
            return self._by_location.get(self._extension[key], ())
        candidates: dict[str, Members] = {}
        for members in self._schemas:
            name, member_types = _significant_name(members), self._types_at(members)
            if name in names and "object" not in member_types and not member_types.isdisjoint(types):
                candidates.setdefault(name, members)
        return next((candidates[name] for name in names if name in candidates), ())

    def _is_url(self, members: Members, by: By) -> bool:
        """Return whether the next-page member is a URL: by its format or name, or because no parameter accepts it."""
        if "string" not in self._types_at(members):
            return False
        format_ = str(flatten(self._contract, self._schemas[members]).get("format", ""))
        if format_.startswith(("ur", "ir")) or _URL.search(_without_separators(members[-1])):
            return True
        return by not in ("cursor", "item") and _significant_name(members) in ("next", "nextpage")

    def _identity_member(self) -> str:
        """Return the member that identifies an item, by the extension, an invariant or a known name; else empty."""
        prefix = f"{self._items}[*]."
        locations = (str(rule.get("unique", "")) for rule in self._operation.invariants)
        unique = (location.removeprefix(prefix) for location in locations if location.startswith(prefix))
        candidates = [self._extension.get("id", ""), *unique, *_IDENTITIES]
        return next((name for name in candidates if name in self._item_members), "")

    @cached_property
    def _item_members(self) -> Mapping[str, Any]:
        """The schemas of the properties that all items may have, by name."""
        return item_members(self._contract, self._operation)

    def problem(self) -> tuple[str, str] | None:
        """Return what is wrong with the extension and a hint to correct it; None if it is right."""
        starts = [key for key in _STARTS if key in self._extension]
        if len(starts) > 1:
            return f"it names both {starts[0]} and {starts[1]}", "keep the parameter that the operation uses for paging"
        documented = {
            **dict.fromkeys(("size", *starts), (self._query, "no query parameter is called")),
            **dict.fromkeys(("next", *_COUNTED), ({*self._by_location, LINK}, "the response documents no")),
            "id": (self._item_members, "an item documents no"),
        }
        for key, value in self._extension.items():
            names, problem = documented.get(key, ([value], ""))
            if value not in names:
                return f"{key}: {problem} {value!r}", f"there is: {', '.join(names) or 'none'}"
        if self.read() is None:
            return "no parameter selects a page", "name a query parameter: cursor: cursor"
        return None


def require_known_paging(contract: Contract) -> None:
    """Raise `DocumentError`, with the location, for an `x-bctrl-paging` that does not fit its operation."""
    for operation in contract.operations:
        if not isinstance(operation.paging, Mapping):
            continue
        problem = _paging_problem(contract, operation)
        if problem is not None:
            pointer = f"{operation.pointer}/x-bctrl-paging"
            raise DocumentError(problem[0], where=f"{contract.name}: #{pointer}", hint=problem[1]).at(pointer)


def _paging_problem(contract: Contract, operation: Operation) -> tuple[str, str] | None:
    """Return what is wrong with an operation's `x-bctrl-paging` and a hint to correct it; None if it is right."""
    items = list_member(contract, operation)
    if operation.method != "GET" or _response_schema(operation) is False:
        return "the operation returns no list", "use it for a GET operation with a JSON response"
    if items is None or list_schema(contract, operation, items) is None:
        return f"items: the response has no list {items or ''!r}", "name the member with the list: items: data"
    return _PagingReader(contract, operation, items).problem()


def _without_separators(name: str) -> str:
    """Return a name in lower case without separators: `page[size]` and `pageSize` are the same name."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _significant_name(members: Members) -> str:
    """Return a member's name without separators; `next` if its object gives it that meaning, as in `next.href`."""
    name = _without_separators(members[-1])
    if len(members) > 1 and (_without_separators(members[-2]), name) in _WITHIN:
        return "next"
    return name


_SIZE_ALONE = ("limit", "pagesize", "perpage", "maxresults", "pagelimit")
_SIZE = (*_SIZE_ALONE, "size", "count", "first", "top", "take", "maxitems", "resultsperpage", "itemsperpage")
_PAGE = ("page", "pagenumber", "pageno", "pagenum", "pageindex", "currentpage")
_OFFSET = ("offset", "skip", "start", "startindex", "startat", "pageoffset")
_CURSOR = (
    *("cursor", "startcursor", "nextcursor", "pagecursor", "pagetoken", "nextpagetoken", "nexttoken", "pageinfo"),
    *("continuationtoken", "continuation", "marker", "paginationtoken", "startingtoken"),
    *("after", "pageafter", "aftercursor"),
)
_STARTS: Mapping[By, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "cursor": (_CURSOR, ("string", "integer")),
    "item": (("startingafter", "startafter", "afterid", "lastid"), ("string", "integer")),
    "offset": (_OFFSET, ("integer",)),
    "page": (_PAGE, ("integer",)),
}
_NEXT = (
    *("nextcursor", "nextpagetoken", "nexttoken", "nextmarker", "nextcontinuationtoken", "continuationtoken"),
    *("aftercursor", "endcursor", "nextpagecursor", "nextlink", "odatanextlink", "nexturl", "nexturi"),
    *("nextpageurl", "nextpageuri", "nextpagelink", "nextpage", "next"),
)
_URL = re.compile(r"(?:url|uri|link|href)$")
_WITHIN = {("next", "href"), ("next", "url"), ("next", "after"), ("next", "cursor"), ("cursors", "after")}
_COUNTED: Mapping[str, tuple[tuple[str, ...], str]] = {
    "more": (("hasmore", "hasnext", "hasnextpage", "more", "moreavailable", "istruncated", "hasmoreitems"), "boolean"),
    "total": (("total", "totalcount", "totalitems", "totalresults", "totalelements"), "integer"),
    "pages": (("pages", "totalpages", "pagecount", "lastpage", "numpages"), "integer"),
}
_ABOUT = (
    *("meta", "metadata", "pagination", "paging", "pageinfo", "page", "links", "cursors", "next", "info"),
    *("responsemetadata", "resultinfo", "navigation"),
)
_DEEPEST = 3
_MAX_NESTED_BRANCHES = 4
"""How many levels of alternatives within alternatives are read."""

_IDENTITIES = ("id", "uuid", "guid", "key")
