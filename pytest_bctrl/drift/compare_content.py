"""Compares the content of requests and responses: media types, bodies, and the encoding of their parts."""

from __future__ import annotations

from typing import NamedTuple

from pytest_bctrl.contract.outline import RawOperation, is_json, media_types, schema_parts
from pytest_bctrl.contract.spec import Part
from pytest_bctrl.drift.binary import are_same_binary, binary_media_type
from pytest_bctrl.drift.change_location import ChangeLocation
from pytest_bctrl.drift.compare_encoding import compare_encodings
from pytest_bctrl.drift.node import accepts_anything
from pytest_bctrl.drift.pair import View
from pytest_bctrl.drift.report import Report
from pytest_bctrl.drift.rules import requirement_word

REQUEST_BODY = "requestBody"


class ContentPair(NamedTuple):
    """A body in both documents: the parts with its `content`, its location, and the name that its media types follow.

    `is_sent`: the consumer sends the body; else it receives it.
    """

    old: Part
    new: Part
    location: ChangeLocation
    name: str
    is_sent: bool

    @property
    def media_type_rule(self) -> str:
        """The start of the ids of rules about media types of this content."""
        if self.is_sent:
            return "request-body-media-type"
        return "response-media-type"

    @property
    def scope(self) -> str:
        """The scope of the rules about schemas of this content: `request-body` or `response-body`."""
        if self.is_sent:
            return "request-body"
        return "response-body"


def compare_request_bodies(
    report: Report, old: RawOperation, new: RawOperation, location: ChangeLocation, *, is_sent: bool = True
) -> None:
    """Note a request body that was added or removed, and the changes of its content.

    `is_sent`: the consumer sends the request, unlike that of a webhook.
    """
    before, after = report.base.resolve(old.part / REQUEST_BODY), report.revision.resolve(new.part / REQUEST_BODY)
    body_location = location._replace(path=REQUEST_BODY)
    was, now = report.base.mapping(before), report.revision.mapping(after)
    was_required, is_required = report.base.flag(before / "required"), report.revision.flag(after / "required")
    at = before.pointer, after.pointer
    if is_sent and was and not now:
        report.add("request-body-removed", body_location, None, None, *at, content=_body_digest(report, before, None))
    elif is_sent and now and not was:
        rule, content = f"request-body-added-{requirement_word(is_required)}", _body_digest(report, None, after)
        report.add(rule, body_location, None, None, *at, content=content)
    if is_sent and (not was or not now):
        return
    if was and now and was_required != is_required:
        values = requirement_word(was_required), requirement_word(is_required)
        rule = "request-body"
        if not is_sent:
            rule = "webhook-body"
        report.add(f"{rule}-became-{requirement_word(is_required)}", body_location, *values, *at, keys=("required",))
    compare_content(report, ContentPair(before, after, body_location, REQUEST_BODY, is_sent))


def _body_digest(report: Report, old: Part | None, new: Part | None) -> str:
    """Return a digest of the schemas of a body that was added or removed, in all of its media types."""
    schemas: list[tuple[Part, ...] | None] = []
    for spec, body in ((report.base, old), (report.revision, new)):
        if body is None:
            schemas.append(None)
            continue
        schemas.append(tuple(part for media in media_types(spec, body).values() for part in schema_parts(media)))
    return report.sides.content(schemas[0], schemas[1])


def compare_content(report: Report, body: ContentPair) -> None:
    """Note added, removed and renamed media types, and the changes of the bodies in those that remain."""
    before, after = media_types(report.base, body.old), media_types(report.revision, body.new)
    rule, location = body.media_type_rule, body.location
    pairs = [(name, name) for name in before if name in after]
    added = [name for name in after if name not in before]
    for name in before:
        if name in after:
            continue
        match = next((candidate for candidate in added if _media_type_relation(name, candidate)), None)
        at = location._replace(path=f"{body.name} {name}")
        if match is not None:
            pairs.append((name, match))
        if match is None or _is_replaced(name, match, is_sent=body.is_sent):
            report.add(f"{rule}-removed", at, name, None, before[name].pointer, body.new.pointer)
            continue
        added.remove(match)
        report.add(
            f"{rule}-name-{_media_type_relation(name, match)}",
            at,
            name,
            match,
            before[name].pointer,
            after[match].pointer,
        )
    for name in added:
        at = location._replace(path=f"{body.name} {name}")
        report.add(f"{rule}-added", at, None, name, body.old.pointer, after[name].pointer)
    for name, match in pairs:
        _compare_media_type(report, body, before[name], after[match], name)


def _media_type_relation(old: str, new: str) -> str:
    """Return how two media types are related (`changed`, `generalized`, `specialized`); empty if they are not."""
    old_type, new_type = old.split(";")[0], new.split(";")[0]
    if old_type == new_type:
        return "changed"
    if _is_within_media_type(old_type, new_type):
        return "generalized"
    if _is_within_media_type(new_type, old_type):
        return "specialized"
    return ""


def _is_replaced(old: str, new: str, *, is_sent: bool) -> bool:
    """Return whether a media type counts as removed although a related one was added, which a peer may not read.

    A consumer of `application/json` may not read `application/vnd+json`; a consumer of a range reads all types in it.
    A server that accepts the one may reject the other, so a request may not replace either by the other.
    """
    relation = _media_type_relation(old, new)
    if relation == "specialized":
        return "*" not in old.split(";")[0]
    return is_sent and relation == "generalized" and "*" not in new.split(";")[0]


def _is_within_media_type(narrow: str, wide: str) -> bool:
    """Return whether a media type is in a range such as `application/*`, or its suffix (`+json`) stands for `wide`."""
    kind, _, subtype = narrow.partition("/")
    if wide in ("*/*", f"{kind}/*"):
        return True
    return "+" in subtype and wide == f"{kind}/{subtype.rpartition('+')[2]}"


def _compare_media_type(report: Report, body: ContentPair, old: Part, new: Part, media_type: str) -> None:
    """Compare the schema and the encoding of a body under one media type."""
    location = body.location._replace(context=(*body.location.context, ("media_type", media_type)))
    before, after = schema_parts(old), schema_parts(new)
    at = location._replace(path=f"{body.name} {media_type}")
    rule, binary = f"{body.scope}-media-type-schema", binary_media_type(media_type)
    if (before and after) or (not before and not after):
        report.compare(before, after, View(body.scope, is_json(media_type), binary=binary), location)
    elif are_same_binary(report.sides.old.node(before), report.sides.new.node(after), binary):
        return
    elif before and not accepts_anything(report.sides.old.node(before)):
        content = report.sides.content(before, None)
        report.add(f"{rule}-removed", at, None, None, old.pointer, new.pointer, content=content, keys=("schema",))
    elif after and not accepts_anything(report.sides.new.node(after)):
        content = report.sides.content(None, after)
        report.add(f"{rule}-added", at, None, None, old.pointer, new.pointer, content=content, keys=("schema",))
    compare_encodings(report, old, new, media_type, at, is_sent=body.is_sent)
