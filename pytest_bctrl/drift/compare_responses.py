"""Compares the requests and responses of an operation: the request body, statuses, headers, media types, bodies.

Request bodies are compared as one finding: a kit that only reads has no use for more.
"""

from __future__ import annotations

from pytest_bctrl.contract.outline import Part, RawOperation, headers, is_json, media_types, schema_parts
from pytest_bctrl.drift.change_location import ChangeLocation
from pytest_bctrl.drift.node import takes_anything
from pytest_bctrl.drift.pair import RANK, Located, View
from pytest_bctrl.drift.report import Report
from pytest_bctrl.drift.rules import word

Responses = dict[str, Part]


def compare_responses(report: Report, old: Responses, new: Responses, location: ChangeLocation) -> None:
    """Note added, removed and changed statuses. A range may replace a status that it contains."""
    added = [status for status in new if status not in old]
    matched: set[str] = set()
    for status, before in old.items():
        status_location = location._replace(context=(("status", status),))
        if status not in new:
            matched |= _compare_missing(report, status, old, new, status_location)
        elif not report.sides.equality.unchanged(before.value, new[status].value):
            _compare_response(report, before, new[status], status_location)
    for status in added:
        if status not in matched:
            at = location._replace(path=status, context=(("status", status),))
            report.add(f"response-{_kind(status, new)}-status-added", at, None, status, "", new[status].pointer)


def _compare_missing(report: Report, status: str, old: Responses, new: Responses, location: ChangeLocation) -> set[str]:
    """Compare a missing status with the new ones that contain it or that it contains; return those."""
    before, at = old[status], location._replace(path=status)
    added = [candidate for candidate in new if candidate not in old]
    wider = [candidate for candidate in added if _holds(candidate, status)][:1]
    narrower = [candidate for candidate in added if _holds(status, candidate)]
    replacements = wider or narrower
    for replacement in replacements:
        _compare_response(report, before, new[replacement], location)
    if not replacements:
        report.add(f"response-{_kind(status, old)}-status-removed", at, status, None, before.pointer)
    rule = "response-status-specialized"
    if wider:
        rule = "response-status-generalized"
    for replacement in replacements:
        report.add(rule, at, status, replacement, before.pointer, new[replacement].pointer)
    return {*replacements}


def _kind(status: str, among: dict[str, Part]) -> str:
    is_only_success = status == "default" and not any(sibling.startswith("2") for sibling in among)
    if status.startswith("2") or is_only_success:
        return "success"
    return "non-success"


def _holds(wide: str, narrow: str) -> bool:
    """Return whether the first status contains the second. Each is on one side only, so they always differ."""
    return wide == "default" or (wide.endswith("XX") and narrow.startswith(wide[0]))


def _compare_response(report: Report, old: Part, new: Part, location: ChangeLocation) -> None:
    _compare_headers(report, old, new, location)
    _compare_media_types(report, old, new, location)
    status_location = location._replace(path=location.context[0][1])
    report.compare_words(status_location, old, new, "description", (old.pointer, new.pointer))


def _compare_headers(report: Report, old: Part, new: Part, location: ChangeLocation) -> None:
    before, after = headers(report.base, old), headers(report.revision, new)
    for key, old_header in before.items():
        header_location, new_header = location._replace(path=f"header {key}"), after.get(key)
        if new_header is None:
            rule = f"{word(old_header.required)}-response-header-removed"
            report.add(rule, header_location, old_header.name, None, old_header.part.pointer, new.pointer)
            continue
        at = old_header.part.pointer, new_header.part.pointer
        if old_header.required != new_header.required:
            was, now = word(old_header.required), word(new_header.required)
            report.add(f"response-header-became-{now}", header_location, was, now, *at)
        if old_header.style != new_header.style:
            report.add("response-header-type-changed", header_location, old_header.style, new_header.style, *at)
        else:
            view = View("response-header", is_json(old_header.style))
            report.compare(old_header.schema, new_header.schema, view, header_location)
    for key, new_header in after.items():
        if key not in before:
            header_location = location._replace(path=f"header {key}")
            report.add(
                "response-header-added", header_location, None, new_header.name, old.pointer, new_header.part.pointer
            )


def _compare_media_types(report: Report, old: Part, new: Part, location: ChangeLocation) -> None:
    before, after = media_types(report.base, old), media_types(report.revision, new)
    status = location.context[0][1]
    pairs = [(name, name) for name in before if name in after]
    added = [name for name in after if name not in before]
    for name in before:
        if name in after:
            continue
        match = next((candidate for candidate in added if _relation(name, candidate)), None)
        at = location._replace(path=f"{status} {name}")
        if match is not None:
            pairs.append((name, match))
        if match is None or _is_replaced(name, match):
            report.add("response-media-type-removed", at, name, None, before[name].pointer, new.pointer)
            continue
        added.remove(match)
        rule = f"response-media-type-name-{_relation(name, match)}"
        report.add(rule, at, name, match, before[name].pointer, after[match].pointer)
    for name in added:
        at = location._replace(path=f"{status} {name}")
        report.add("response-media-type-added", at, None, name, old.pointer, after[name].pointer)
    for name, match in pairs:
        _compare_body(report, before[name], after[match], name, location)


def _relation(old: str, new: str) -> str:
    """Return how two different media types are related, or an empty string if they are not."""
    old_type, new_type = old.split(";")[0], new.split(";")[0]
    if old_type == new_type:
        return "changed"
    if _within(old_type, new_type):
        return "generalized"
    if _within(new_type, old_type):
        return "specialized"
    return ""


def _is_replaced(old: str, new: str) -> bool:
    """Return whether a media type was replaced by a type that is built on it.

    A consumer of `application/json` may not read `application/vnd+json`; a consumer of a range reads all types in it.
    """
    return _relation(old, new) == "specialized" and "*" not in old.split(";")[0]


def _within(narrow: str, wide: str) -> bool:
    kind, _, subtype = narrow.partition("/")
    if wide in ("*/*", f"{kind}/*"):
        return True
    return "+" in subtype and wide == f"{kind}/{subtype.rpartition('+')[2]}"


def _compare_body(report: Report, old: Part, new: Part, media_type: str, location: ChangeLocation) -> None:
    body_location = location._replace(path="", context=(*location.context, ("media_type", media_type)))
    before, after = schema_parts(old), schema_parts(new)
    at = body_location._replace(path=f"{location.context[0][1]} {media_type}")
    rule = "response-body-media-type-schema"
    if (before and after) or (not before and not after):
        report.compare(before, after, View("response-body", is_json(media_type)), body_location)
    elif before and not takes_anything(report.sides.old.node(before)):
        report.add(f"{rule}-removed", at, None, None, old.pointer, new.pointer)
    elif after and not takes_anything(report.sides.new.node(after)):
        report.add(f"{rule}-added", at, None, None, old.pointer, new.pointer)


_SHOWN = 20
_BODY_RULES = ("request-body-narrowed", "request-body-may-be-narrowed", "request-body-widened")


def compare_request_bodies(report: Report, old: RawOperation, new: RawOperation, location: ChangeLocation) -> None:
    """Note a request body that was added, removed, narrowed or widened."""
    before, after = report.base.resolve(old.part / "requestBody"), report.revision.resolve(new.part / "requestBody")
    body_location = location._replace(path="requestBody")
    was, now = report.base.mapping(before), report.revision.mapping(after)
    was_required, is_required = report.base.flag(before / "required"), report.revision.flag(after / "required")
    at = before.pointer, after.pointer
    if was and not now:
        report.add("request-body-removed", body_location, None, None, *at)
    elif now and not was:
        report.add(f"request-body-added-{word(is_required)}", body_location, None, None, *at)
    if not was or not now:
        return
    if was_required != is_required:
        values = word(was_required), word(is_required)
        report.add(f"request-body-became-{word(is_required)}", body_location, *values, *at)
    ranks, worst = _compare_content(report, before, after)
    if ranks:
        report.add(_BODY_RULES[min(ranks)], body_location, None, None, *at, made_of=worst)


def _compare_content(report: Report, old: Part, new: Part) -> tuple[set[int], list[Located]]:
    """Return the ranks of the changes in the media types of a body, and the worst changes of schemas."""
    before, after = media_types(report.base, old), media_types(report.revision, new)
    ranks: set[int] = set()
    if before.keys() - after.keys():
        ranks.add(RANK["error"])
    if after.keys() - before.keys():
        ranks.add(RANK["info"])
    changes: list[Located] = []
    for name in before:
        if name in after:
            view = View("request-parameter", strongly_typed=is_json(name))
            changes += report.schemas.changes(schema_parts(before[name]), schema_parts(after[name]), view)
    ranks |= {_rank(located) for located in changes}
    return ranks, [located for located in changes if _rank(located) == min(ranks)][:_SHOWN]


def _rank(located: Located) -> int:
    """Return the severity of a change in a body: rejecting a value narrows it, an undeclared property only may."""
    if located.rank < RANK["info"] and located.change.rule != "request-parameter-property-removed":
        return RANK["error"]
    return located.rank
