"""Compares the parameters of one operation: path parameters by position, header names in any case."""

from __future__ import annotations

from pytest_bctrl.contract.outline import Key, RawParameter, is_json
from pytest_bctrl.drift.compare_keywords import show_types
from pytest_bctrl.drift.lifecycle import PARAMETER, compare_lifecycle, removed_after
from pytest_bctrl.drift.options import Options
from pytest_bctrl.drift.pair import RANK, View
from pytest_bctrl.drift.place import Place
from pytest_bctrl.drift.report import Report
from pytest_bctrl.drift.rules import word


def compare_parameters(
    report: Report, old: dict[Key, RawParameter], new: dict[Key, RawParameter], place: Place, known: frozenset[Key]
) -> None:
    """Note parameters that came, went or changed. `known`: keys of credentials that security tells of already."""
    for key in dict.fromkeys([*old, *new]):
        parameter = old.get(key) or new[key]
        here = place._replace(location=_location(key, parameter))
        before, after = old.get(key), new.get(key)
        if before is not None and after is not None:
            if not report.sides.equality.unchanged(before.part.value, after.part.value):
                _compare_one(report, before, after, here)
        elif before is not None and key not in known:
            _note_removed(report, report.sides.options, before, here)
        elif after is not None:
            _note_added(report, after, here, key in known)


def _location(key: Key, parameter: RawParameter) -> str:
    name = f"{{{parameter.name}}}" if key[0] == "path" and key[1].startswith("#") else parameter.name
    return f"{key[0]} {name.lower() if key[0] == 'header' else name}"


def _note_removed(report: Report, options: Options, parameter: RawParameter, place: Place) -> None:
    after = removed_after(parameter.part.value, options)
    rule = "request-parameter-sunset-parse" if after == "parse" else f"request-parameter-removed-{after}"
    report.add(rule.removesuffix("-without-deprecation"), place, parameter.name, None, parameter.part.pointer)


def _note_added(report: Report, parameter: RawParameter, place: Place, is_known: bool) -> None:
    if is_known:
        rule = "new-request-parameter-for-known-credential"
    elif parameter.in_ == "path":
        rule = "new-request-path-parameter"
    elif parameter.required:
        rule = "new-required-request-parameter"
    elif "default" in report.sides.new.node(parameter.schema).flags:
        rule = "new-optional-request-default-parameter-to-existing-path"
    else:
        rule = "new-optional-request-parameter"
    report.add(rule, place, None, parameter.name, "", parameter.part.pointer)


def _compare_one(report: Report, old: RawParameter, new: RawParameter, place: Place) -> None:
    at = old.part.pointer, new.part.pointer
    add, options = report.add, report.sides.options
    if old.required != new.required:
        add(f"request-parameter-became-{word(new.required)}", place, word(old.required), word(new.required), *at)
    if old.style != new.style:
        add("request-parameter-style-changed", place, old.style, new.style, *at)
    elif old.explode != new.explode and _has_parts(report, old, new):
        add("request-parameter-explode-changed", place, old.explode, new.explode, *at)
    for rule, was, now in compare_lifecycle(options, PARAMETER, old.part.value, new.part.value):
        report.add(rule, place, was, now, *at)
    report.compare_words(place, old.part, new.part, "description", at)
    view = View("request-parameter", is_json(old.style), is_header=old.in_ == "header")
    if _became_list(report, old, new, view):
        types = show_types(report.sides.old.node(old.schema)), show_types(report.sides.new.node(new.schema))
        add("request-parameter-type-generalized", place, *types, *at)
    else:
        report.compare(old.schema, new.schema, view, place)


def _became_list(report: Report, old: RawParameter, new: RawParameter, view: View) -> bool:
    """Tell a value that became a list of such, sent so that a list of one looks like the value did (`q=a`)."""
    if not (old.style == new.style == "form" and new.explode) or report.sides.equality.written_alike(
        old.schema, new.schema
    ):
        return False
    one, many = report.sides.old.node(old.schema), report.sides.new.node(new.schema)
    if many.types != frozenset({"array"}) or one.takes("array") or many.constraints.keys() - {"maxItems"}:
        return False
    said = many.children.keys() - {"items"} or many.prefix or many.choices or many.enum is not None
    worst = None if said else report.schemas.worst(old.schema, many.child("items"), view)
    return not said and (worst is None or worst.rank == RANK["info"])


def _has_parts(report: Report, old: RawParameter, new: RawParameter) -> bool:
    """Only lists and objects are exploded."""
    nodes = report.sides.old.node(old.schema), report.sides.new.node(new.schema)
    return any(node.takes("array") or node.takes("object") for node in nodes)
