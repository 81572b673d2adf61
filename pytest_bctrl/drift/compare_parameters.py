"""Compares the parameters of one operation: path parameters by position, header names in any case."""

from __future__ import annotations

from pytest_bctrl.contract.outline import Key, RawParameter, is_json
from pytest_bctrl.drift.change_location import ChangeLocation
from pytest_bctrl.drift.compare_keywords import show_types
from pytest_bctrl.drift.pair import RANK, View
from pytest_bctrl.drift.report import Report
from pytest_bctrl.drift.rules import requirement_word


def compare_parameters(
    report: Report,
    old: dict[Key, RawParameter],
    new: dict[Key, RawParameter],
    location: ChangeLocation,
    credentials: frozenset[Key],
) -> None:
    """Note added, removed and changed parameters that the consumer sends.

    `credentials`: those that `compare_security` reports. The path of the location, if any, comes before the parameter.
    """
    for key in dict.fromkeys([*old, *new]):
        parameter = old.get(key) or new[key]
        parameter_location = location._replace(path=f"{location.path} {_parameter_path(key, parameter)}".lstrip())
        before, after = old.get(key), new.get(key)
        if before is not None and after is not None:
            if not report.sides.equality.unchanged(before.part.value, after.part.value):
                _compare_parameter(report, before, after, parameter_location)
        elif before is not None and key not in credentials:
            _note_removed(report, before, parameter_location)
        elif after is not None:
            _note_added(report, after, parameter_location, key in credentials)


def _parameter_path(key: Key, parameter: RawParameter) -> str:
    """Return how a location names a parameter: `path {id}`, `header x-name`, `query limit`."""
    if key[0] == "path" and key[1].startswith("#"):
        return f"path {{{parameter.name}}}"
    if key[0] == "header":
        return f"header {parameter.name.lower()}"
    return f"{key[0]} {parameter.name}"


def _note_removed(report: Report, parameter: RawParameter, location: ChangeLocation) -> None:
    """Note a removed parameter, under a rule that depends on whether it was deprecated."""
    rule = "request-parameter-removed"
    if parameter.part.value.get("deprecated") is True:
        rule += "-with-deprecation"
    report.add(rule, location, parameter.name, None, parameter.part.pointer)


def _note_added(report: Report, parameter: RawParameter, location: ChangeLocation, is_credential: bool) -> None:
    """Note an added parameter, under a rule that depends on whether it is required, in the path, or a credential."""
    flags, content = report.sides.new.node(parameter.schema).flags, report.sides.content(None, parameter.schema)
    if is_credential:
        rule = "new-request-parameter-for-known-credential"
    elif parameter.in_ == "path":
        rule = "new-request-path-parameter"
    elif parameter.required:
        rule = "new-required-request-parameter"
    elif "default" in flags:
        rule = "new-optional-request-default-parameter-to-existing-path"
        content = f"{content} {flags['default']!r}"
    else:
        rule = "new-optional-request-parameter"
    report.add(rule, location, None, parameter.name, "", parameter.part.pointer, content=content)


def _compare_parameter(report: Report, old: RawParameter, new: RawParameter, location: ChangeLocation) -> None:
    """Note the changes of a parameter that both operations have."""
    at = old.part.pointer, new.part.pointer
    add = report.add
    if old.required != new.required:
        add(
            f"request-parameter-became-{requirement_word(new.required)}",
            location,
            requirement_word(old.required),
            requirement_word(new.required),
            *at,
            keys=("required",),
        )
    if old.style != new.style:
        add("request-parameter-style-changed", location, old.style, new.style, *at, keys=("style",))
    elif old.explode != new.explode and is_written_in_parts(report, old, new):
        add("request-parameter-explode-changed", location, old.explode, new.explode, *at, keys=("explode",))
    if old.in_ == "query":
        _compare_flags(report, old, new, location, at)
    report.compare_deprecation("request-parameter", old.part, new.part, location)
    report.compare_words(location, old.part, new.part, "description", at)
    is_header, is_required = old.in_ == "header", old.required or new.required
    view = View("request-parameter", is_json(old.style), is_header=is_header, is_required=is_required)
    if _became_list(report, old, new, view):
        types = show_types(report.sides.old.node(old.schema)), show_types(report.sides.new.node(new.schema))
        add("request-parameter-type-generalized", location, *types, *at)
    else:
        report.compare(old.schema, new.schema, view, location)


_FLAGS = (("allowReserved", "allow-reserved"), ("allowEmptyValue", "allow-empty-value"))


def _compare_flags(
    report: Report, old: RawParameter, new: RawParameter, location: ChangeLocation, at: tuple[str, str]
) -> None:
    """Compare the flags that only a query parameter has (OpenAPI 3.1, 4.8.12.2)."""
    for keyword, words in _FLAGS:
        was, now = report.base.flag(old.part / keyword), report.revision.flag(new.part / keyword)
        action = "unset"
        if now:
            action = "set"
        if was != now:
            report.add(f"request-parameter-{words}-{action}", location, was, now, *at, keys=(keyword,))


def _became_list(report: Report, old: RawParameter, new: RawParameter, view: View) -> bool:
    """Return whether a value became a list of such values, where a list of a single value is sent alike (`q=a`)."""
    if not (old.style == new.style == "form" and new.explode):
        return False
    if report.sides.equality.written_alike(old.schema, new.schema):
        return False
    single, many = report.sides.old.node(old.schema), report.sides.new.node(new.schema)
    if many.types != frozenset({"array"}) or single.takes("array") or many.constraints.keys() - {"maxItems"}:
        return False
    if many.children.keys() - {"items"} or many.prefix or many.choices or many.enum is not None:
        return False
    worst = report.schemas.worst(old.schema, many.child("items"), view)
    return worst is None or worst.rank == RANK["info"]


def is_written_in_parts(report: Report, old: RawParameter, new: RawParameter) -> bool:
    """Return whether `explode` changes how a parameter or header is written.

    It does for an object, and for a list unless the style is `simple`.
    """
    nodes = report.sides.old.node(old.schema), report.sides.new.node(new.schema)
    return any(node.takes("object") or (node.takes("array") and old.style != "simple") for node in nodes)
