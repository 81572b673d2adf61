"""Reads how an operation pages, from the names that APIs give these things, or from its `x-bctrl-paging`:

```text
size: limit                 the query parameter that says how many items a page has
cursor: cursor              the one that takes what the answer before gave as `next`; or instead of it
  item: starting_after      … the id of the last item,
  page: page                … the number of the page, or
  offset: offset            … how many items to pass over
next: meta.next_cursor      where the answer has the next cursor or its URL; `Link` for the header field (RFC 8288)
more: has_more              where it says whether there is more; `total` and `pages` where it counts items and pages
items: data                 the member that holds the list
id: id                      the member of an item by which it is known
```

Its parts take the place of what is recognised; `x-bctrl-paging: false` says that the operation has no pages.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property, lru_cache
from typing import Any

from pytest_bctrl.contract.document import escape_token
from pytest_bctrl.contract.model import Contract, Operation, Parameter, Schema
from pytest_bctrl.contract.paging import LINK, By, Members, Paging
from pytest_bctrl.contract.schema.locations import exact_location
from pytest_bctrl.contract.schema.ref import SchemaRef, flatten, types_of
from pytest_bctrl.contract.schema.shapes import shapes
from pytest_bctrl.errors import DocumentError


@lru_cache(maxsize=256)
def list_member(contract: Contract, operation: Operation) -> str | None:
    """The one member of an answer that holds its list: one that may be empty, of objects, or of anything where it is
    required. It is empty where the body is the list, None where there is none.
    """
    if isinstance(operation.paging, Mapping) and "items" in operation.paging:
        return operation.paging["items"]
    schema = _schema_of(operation)
    if any(shape.kind == "array" for shape in shapes(contract, schema)):
        return ""
    found: dict[str, bool] = {}
    flat = flatten(contract, schema)
    for name, inner in flat.get("properties", {}).items():
        for shape in shapes(contract, inner):
            if shape.kind == "array" and _is_list(shape.schema or {}):
                items = shapes(contract, (shape.schema or {}).get("items", True))
                found[str(name)] = any(item.kind in ("object", "branch") for item in items)
    of_objects = [name for name, holds_objects in found.items() if holds_objects]
    candidates = of_objects or [name for name in found if name in flat.get("required", ())]
    return candidates[0] if len(candidates) == 1 else None


def _schema_of(operation: Operation) -> Schema:
    """The schema of the successful answer in JSON; one that allows nothing where there is none."""
    return operation.success.json[1] if operation.success is not None and operation.success.json else False


def list_schema(contract: Contract, operation: Operation, items: str) -> Mapping[str, Any] | None:
    """The schema of the list that a member of the answer is, or the answer itself; None where that is none."""
    schema = _schema_of(operation)
    listed = flatten(contract, schema).get("properties", {}).get(items, False) if items else schema
    return next((one.schema for one in shapes(contract, listed) if one.kind == "array"), None)


def _is_list(schema: Mapping[str, Any]) -> bool:
    """Whether an array is a list of things, which may be empty, and no tuple."""
    return not schema.get("minItems", 0) and not schema.keys() & {"prefixItems", "contains"}


@lru_cache(maxsize=256)
def read_paging(contract: Contract, operation: Operation) -> Paging | None:
    """Return how an operation pages, as its contract says or names it; None where it does not."""
    items = list_member(contract, operation)
    if operation.method != "GET" or operation.paging is False or items is None:
        return None
    return _Reader(contract, operation, items).read()


class _Reader:
    """Finds the parts of the paging of one operation: those that its extension names, else those with a known name."""

    def __init__(self, contract: Contract, operation: Operation, items: str) -> None:
        self._contract, self._operation, self._items = contract, operation, items
        self._named: Mapping[str, str] = operation.paging if isinstance(operation.paging, Mapping) else {}
        self._query = {one.name: one for one in operation.other_parameters if one.in_ == "query"}
        self._found = dict(self._members(_schema_of(operation), ())) if items else {}
        self._places = {exact_location(members): members for members in self._found}

    def read(self) -> Paging | None:
        """Return what there is; None where nothing asks for a page."""
        headers = self._operation.success.headers if self._operation.success else ()
        has_link = "next" not in self._named and any(one.name.lower() == "link" for one in headers)
        in_header = has_link or self._named.get("next") == LINK
        size, identity = self._parameter("size", _SIZE, ("integer",)), self._identity()
        more, total, pages = (self._place(word, names, kind) for word, (names, kind) in _COUNTED.items())
        starts: list[tuple[By, Parameter | None]] = [*self._starts(), ("", None)]
        for by, start in starts:
            own = (_plain(start.name),) if start is not None and by == "cursor" else ()
            following = () if in_header else self._place("next", (*_NEXT, *own), "string", "integer")
            is_link = self._is_url(following, by)
            if by in ("page", "offset", "") and not is_link and "integer" not in self._types(following):
                # Such as a marker, by which the operation pages when it is told to.
                following = ()
            tells = bool(in_header or following)
            fits = {"cursor": tells, "item": more and identity, "": in_header or is_link or self._has_plain_size(size)}
            if fits.get(by, tells or more or total or pages or size):
                break
        else:
            return None
        first = self._number(start, "default", self._number(start, "minimum", int(by == "page")))
        asking = [one for one in (size, start if by in ("page", "offset") else None) if one is not None]
        return Paging(
            items=self._items,
            identity=identity,
            size=size,
            default_size=self._number(size, "default", None),
            start=start,
            by=by,
            first=first if first in (0, 1) else int(by == "page"),
            next=following,
            more=more,
            total=total,
            pages=pages,
            echoes=tuple((at, one) for one in asking for at in self._found if _plain(at[-1]) == _plain(one.name)),
            is_link=is_link,
            in_header=in_header,
        )

    def _has_plain_size(self, size: Parameter | None) -> bool:
        """Whether a size alone is enough to say that there are pages."""
        return size is not None and (bool(self._named) or _plain(size.name) in _SIZE_ALONE)

    def _number(self, parameter: Parameter | None, word: str, default: Any) -> Any:
        found = None if parameter is None else flatten(self._contract, parameter.schema).get(word)
        return found if isinstance(found, int) and not isinstance(found, bool) else default

    def _members(self, schema: Schema, above: Members) -> Iterator[tuple[Members, Schema]]:
        """The members of the body beside its list, those of the objects that are about its pages too."""
        for name, inner in flatten(self._contract, schema).get("properties", {}).items():
            members = (*above, name)
            if members != (self._items,):
                yield members, inner
                is_named = any(said.startswith(exact_location(members)) for said in self._named.values())
                if (_plain(name) in _ABOUT or is_named) and len(above) < _DEEPEST:
                    yield from self._members(inner, members)

    def _types(self, members: Members) -> frozenset[str]:
        return types_of(self._contract, [SchemaRef(self._found.get(members, False), "")])

    def _takes(self, parameter: Parameter, kinds: Iterable[str]) -> bool:
        return not types_of(self._contract, [SchemaRef(parameter.schema, "")]).isdisjoint(kinds)

    def _parameter(self, word: str, names: Iterable[str], kinds: Iterable[str]) -> Parameter | None:
        if word in self._named:
            return self._query.get(self._named[word])
        fitting = (one for one in self._query.values() if _plain(one.name) in names and self._takes(one, kinds))
        return next(fitting, None)

    def _starts(self) -> Iterator[tuple[By, Parameter]]:
        """What may say which page is asked for: what is named alone, else by all known names."""
        named = next((word for word in _STARTS if word in self._named), None)
        # One that a switch turns on, such as `usemarker`, is not how the operation pages by itself.
        switches = {_plain(name) for name, one in self._query.items() if self._takes(one, ["boolean"])}
        for by, (names, kinds) in _STARTS.items():
            found = self._parameter(by, names, kinds) if named in (None, by) else None
            if found is not None and (named or f"use{_plain(found.name)}" not in switches):
                yield by, found

    def _place(self, word: str, names: tuple[str, ...], *kinds: str) -> Members:
        """The member that says something of the pages: what is named, else that with the first of some names."""
        if word in self._named:
            return self._places.get(self._named[word], ())
        fitting = [one for one in self._found if _word(one) in names and not self._types(one).isdisjoint(kinds)]
        fitting = [one for one in fitting if "object" not in self._types(one)]
        return min(fitting, key=lambda one: names.index(_word(one)), default=())

    def _is_url(self, members: Members, by: By) -> bool:
        """Whether what comes next is given as a URL: it says so, or nothing takes it as a value."""
        if "string" not in self._types(members):
            return False
        form = str(flatten(self._contract, self._found[members]).get("format", ""))
        is_said = form.startswith(("ur", "ir")) or _URL.search(_plain(members[-1])) is not None
        return is_said or (by not in ("cursor", "item") and _word(members) in ("next", "nextpage"))

    def _identity(self) -> str:
        """The member that a rule says is unique among the items, else one of the names that identifiers have."""
        place = f"{self._items}[*]."
        ruled = (str(rule.get("unique", "")) for rule in self._operation.invariants)
        unique = (one.removeprefix(place) for one in ruled if one.startswith(place))
        known = [self._named.get("id", ""), *unique, *_IDENTITIES]
        return next((name for name in known if name in self._item_members), "")

    @cached_property
    def _item_members(self) -> Mapping[str, Any]:
        array = list_schema(self._contract, self._operation, self._items) or {}
        found: Mapping[str, Any] = flatten(self._contract, array.get("items", True)).get("properties", {})
        return found

    def problem(self) -> tuple[str, str] | None:
        """What the extension names that the operation does not document, and what would be right."""
        starts = [word for word in _STARTS if word in self._named]
        if len(starts) > 1:
            return f"it names both {starts[0]} and {starts[1]}", "keep the one that the operation pages by"
        known = {
            **dict.fromkeys(("size", *starts), (self._query, "no query parameter is called")),
            **dict.fromkeys(("next", *_COUNTED), ({*self._places, LINK}, "the answer documents no")),
            "id": (self._item_members, "an item documents no"),
        }
        for word, said in self._named.items():
            names, problem = known.get(word, ([said], ""))
            if said not in names:
                return f"{word}: {problem} {said!r}", f"there is: {', '.join(names) or 'none'}"
        return None if self.read() else ("nothing in it asks for a page", "name a query parameter: cursor: cursor")


def require_known_paging(contract: Contract) -> None:
    """Raise `DocumentError`, naming the place, for an `x-bctrl-paging` that does not fit its operation."""
    for operation in contract.operations:
        if not isinstance(operation.paging, Mapping):
            continue
        items = list_member(contract, operation)
        if operation.method != "GET" or _schema_of(operation) is False:
            problem = "the operation lists nothing", "say it of a GET that answers with JSON"
        elif items is None or list_schema(contract, operation, items) is None:
            problem = f"items: the answer has no list {items or ''!r}", "name the member that holds it: items: data"
        elif (found := _Reader(contract, operation, items).problem()) is None:
            continue
        else:
            problem = found
        place = f"{contract.name}: #/paths/{escape_token(operation.path)}/{operation.method.lower()}"
        raise DocumentError(problem[0], where=f"{place}/x-bctrl-paging", hint=problem[1])


def _plain(name: str) -> str:
    """A name in lower case and without what stands between its words: `page[size]` and `pageSize` are one."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _word(members: Members) -> str:
    """The name that says what a member is: of `next.after` and `links.next.href` it is that of the object around."""
    last, above = _plain(members[-1]), _plain(members[-2]) if len(members) > 1 else ""
    return "next" if (above, last) in _WITHIN else last


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
_IDENTITIES = ("id", "uuid", "guid", "key")
