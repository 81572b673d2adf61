"""Compares what one operation takes and answers: the request body, statuses, headers, media types, bodies.

Request bodies are compared as one finding: a kit that only reads has no use for more.
"""

from __future__ import annotations

from pytest_bctrl.contract.outline import Part, RawOperation, headers, is_json, media_types, schema_parts
from pytest_bctrl.drift.node import takes_anything
from pytest_bctrl.drift.pair import RANK, Located, View
from pytest_bctrl.drift.place import Place
from pytest_bctrl.drift.report import Report
from pytest_bctrl.drift.rules import word

Responses = dict[str, Part]


def compare_responses(report: Report, old: Responses, new: Responses, place: Place) -> None:
    """Note statuses that came, went or changed. A range takes the place of a status that it holds."""
    added = [status for status in new if status not in old]
    taken: set[str] = set()
    for status, before in old.items():
        here = place._replace(context=(("status", status),))
        if status in new:
            if not report.sides.equality.unchanged(before.value, new[status].value):
                _compare_response(report, before, new[status], here)
            continue
        wider = next((other for other in added if _holds(other, status)), None)
        narrower = [other for other in added if _holds(status, other)]
        others = [wider] if wider is not None else narrower
        for other in others:
            taken.add(other)
            _compare_response(report, before, new[other], here)
        at = here._replace(location=status)
        if wider is not None:
            report.add("response-status-generalized", at, status, wider, before.pointer, new[wider].pointer)
        elif narrower:
            for other in narrower:
                report.add("response-status-specialized", at, status, other, before.pointer, new[other].pointer)
        else:
            rule = f"response-{_kind(status, old)}-status-removed"
            report.add(rule, at, status, None, before.pointer)
    for status in added:
        if status not in taken:
            at = place._replace(location=status, context=(("status", status),))
            report.add(f"response-{_kind(status, new)}-status-added", at, None, status, "", new[status].pointer)


def _kind(status: str, among: dict[str, Part]) -> str:
    only = status == "default" and not any(other.startswith("2") for other in among)
    return "success" if status.startswith("2") or only else "non-success"


def _holds(wide: str, narrow: str) -> bool:
    """Tell a status that stands for another one. Each is on one side only, so they are never the same."""
    return wide == "default" or (wide.endswith("XX") and narrow.startswith(wide[0]))


def _compare_response(report: Report, old: Part, new: Part, place: Place) -> None:
    _compare_headers(report, old, new, place)
    _compare_media_types(report, old, new, place)
    there = place._replace(location=place.context[0][1])
    report.compare_words(there, old, new, "description", (old.pointer, new.pointer))


def _compare_headers(report: Report, old: Part, new: Part, place: Place) -> None:
    before, after = headers(report.base, old), headers(report.revision, new)
    for key, one in before.items():
        here, other = place._replace(location=f"header {key}"), after.get(key)
        if other is None:
            rule = "required-response-header-removed" if one.required else "optional-response-header-removed"
            report.add(rule, here, one.name, None, one.part.pointer, new.pointer)
            continue
        at = one.part.pointer, other.part.pointer
        if one.required != other.required:
            was, now = word(one.required), word(other.required)
            report.add(f"response-header-became-{now}", here, was, now, *at)
        if one.style != other.style:
            report.add("response-header-type-changed", here, one.style, other.style, *at)
        else:
            report.compare(one.schema, other.schema, View("response-header", is_json(one.style)), here)
    for key, other in after.items():
        if key not in before:
            here = place._replace(location=f"header {key}")
            report.add("response-header-added", here, None, other.name, old.pointer, other.part.pointer)


def _compare_media_types(report: Report, old: Part, new: Part, place: Place) -> None:
    before, after = media_types(report.base, old), media_types(report.revision, new)
    status = place.context[0][1]
    pairs = [(name, name) for name in before if name in after]
    rest = [name for name in after if name not in before]
    for name in before:
        if name in after:
            continue
        match = next((other for other in rest if _relation(name, other)), None)
        at = place._replace(location=f"{status} {name}")
        if match is not None:
            pairs.append((name, match))
        if match is None or _is_replaced(name, match):
            report.add("response-media-type-removed", at, name, None, before[name].pointer, new.pointer)
            continue
        rest.remove(match)
        rule = f"response-media-type-name-{_relation(name, match)}"
        report.add(rule, at, name, match, before[name].pointer, after[match].pointer)
    for name in rest:
        at = place._replace(location=f"{status} {name}")
        report.add("response-media-type-added", at, None, name, old.pointer, after[name].pointer)
    for name, other in pairs:
        _compare_body(report, before[name], after[other], name, place)


def _relation(old: str, new: str) -> str:
    """How two media types that are not the same are still related; empty where they are not."""
    one, other = old.split(";")[0], new.split(";")[0]
    if one == other:
        return "changed"
    if _within(one, other):
        return "generalized"
    return "specialized" if _within(other, one) else ""


def _is_replaced(old: str, new: str) -> bool:
    """Whether a media type gave way to one that is built on it.

    Who reads `application/json` may not read `application/vnd+json`; who reads a range reads all that it held.
    """
    return _relation(old, new) == "specialized" and "*" not in old.split(";")[0]


def _within(narrow: str, wide: str) -> bool:
    kind, _, subtype = narrow.partition("/")
    if wide in ("*/*", f"{kind}/*"):
        return True
    return "+" in subtype and wide == f"{kind}/{subtype.rpartition('+')[2]}"


def _compare_body(report: Report, old: Part, new: Part, media_type: str, place: Place) -> None:
    here = place._replace(location="", context=(*place.context, ("media_type", media_type)))
    before, after = schema_parts(old), schema_parts(new)
    if bool(before) != bool(after):
        there = report.sides.old.node(before) if before else report.sides.new.node(after)
        if not takes_anything(there):
            rule = f"response-body-media-type-schema-{'removed' if before else 'added'}"
            at = here._replace(location=f"{place.context[0][1]} {media_type}")
            report.add(rule, at, None, None, old.pointer, new.pointer)
        return
    report.compare(before, after, View("response-body", is_json(media_type)), here)


_SHOWN = 20
_BODY_RULES = ("request-body-narrowed", "request-body-may-be-narrowed", "request-body-widened")


def compare_request_bodies(report: Report, old: RawOperation, new: RawOperation, place: Place) -> None:
    """Note a request body that came, went, or takes less or more than it did."""
    before, after = report.base.resolve(old.part / "requestBody"), report.revision.resolve(new.part / "requestBody")
    here = place._replace(location="requestBody")
    was, now = report.base.mapping(before), report.revision.mapping(after)
    demanded, demands = report.base.flag(before / "required"), report.revision.flag(after / "required")
    at = before.pointer, after.pointer
    if not was and not now:
        return
    if not was or not now:
        rule = "request-body-removed" if was else f"request-body-added-{'required' if demands else 'optional'}"
        report.add(rule, here, None, None, *at)
        return
    if demanded != demands:
        report.add(f"request-body-became-{word(demands)}", here, word(demanded), word(demands), *at)
    ranks, worst = _compare_content(report, before, after)
    if ranks:
        report.add(_BODY_RULES[min(ranks)], here, None, None, *at, made_of=worst)


def _compare_content(report: Report, old: Part, new: Part) -> tuple[set[int], list[Located]]:
    """How bad what changed in the media types of a body is, and the worst of what changed in a schema."""
    before, after = media_types(report.base, old), media_types(report.revision, new)
    ranks = {RANK["error"]} if before.keys() - after.keys() else set()
    ranks |= {RANK["info"]} if after.keys() - before.keys() else set()
    found: list[Located] = []
    for name in before:
        if name in after:
            view = View("request-parameter", strongly_typed=is_json(name))
            found += report.schemas.changes(schema_parts(before[name]), schema_parts(after[name]), view)
    ranks |= {_rank(one) for one in found}
    return ranks, [one for one in found if _rank(one) == min(ranks)][:_SHOWN]


def _rank(found: Located) -> int:
    """How bad a change is in a body: what refuses a value narrows it; that a property is no longer named, perhaps."""
    is_bad = found.rank < RANK["info"] and found.change.rule != "request-parameter-property-removed"
    return RANK["error"] if is_bad else found.rank
