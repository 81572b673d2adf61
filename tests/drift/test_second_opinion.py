"""A second list of labelled changes of the published spec, written by reading the spec alone."""

from __future__ import annotations

import copy

import pytest

from pytest_bctrl.drift import compare

from .published import SPEC
from .spec_changes import (
    Change,
    Doc,
    add,
    become,
    become_method,
    become_status,
    branch,
    demand,
    deprecate,
    drop,
    endpoint,
    enum,
    envelope,
    header,
    loosen,
    lose_branch,
    media,
    method,
    move,
    no_envelope,
    of_parameter,
    page,
    parameter,
    ref,
    schema,
    secure,
    secure_otherwise,
    secure_whole,
    servers,
    set_,
    single,
    status,
)

BREAKING, HARMLESS = "breaking", "not breaking"
TEXT: Doc = {"type": "string"}


FULL = {"type": "object", "properties": {"kind": {"const": "snapshot"}}, "required": ["kind"]}
CASES: dict[str, tuple[str, Change]] = {
    # properties
    "a required property goes": (BREAKING, drop("Items", "region")),
    "a required nested property goes": (BREAKING, drop("ConnectionsCdp", "available")),
    "an optional nested property goes": (HARMLESS, drop("Connections", "vnc")),
    "an optional property of the summary goes": (HARMLESS, drop("Summary", "storageSpace")),
    "the optional summary goes": (HARMLESS, drop("Items", "summary")),
    "the optional backing goes": (HARMLESS, drop("Items", "backing")),
    "a property of an alternative goes": (BREAKING, drop("Backing1", "profile")),
    "what tells an alternative goes": (BREAKING, drop("Backing0", "kind")),
    "an optional property comes": (HARMLESS, add("Items", "label", TEXT)),
    "a required property comes": (HARMLESS, add("Items", "label", TEXT, True)),
    "a nested required property comes": (HARMLESS, add("ConnectionsVnc", "url", TEXT, True)),
    "a property of the summary comes": (HARMLESS, add("Summary", "pages", {"type": "integer"})),
    "a property of an alternative comes": (HARMLESS, add("Backing0", "until", TEXT)),
    "a required property of an alternative comes": (HARMLESS, add("Backing1", "version", TEXT, True)),
    "a required property becomes optional": (BREAKING, loosen("Items", "createdAt")),
    "a nested one becomes optional": (BREAKING, loosen("ConnectionsHttp", "available")),
    "one of an alternative becomes optional": (BREAKING, loosen("Backing1", "profile")),
    "the only one of the envelope becomes optional": (BREAKING, loosen("Response_200", "runtimes")),
    "an optional property becomes required": (HARMLESS, demand("Items", "summary")),
    "a nested one becomes required": (HARMLESS, demand("Connections", "cdp")),
    # values
    "a status comes": (BREAKING, enum("ItemsStatus", "active", "stopped", "failed", "paused")),
    "a status goes": (HARMLESS, enum("ItemsStatus", "active", "stopped")),
    "a status is renamed": (BREAKING, enum("ItemsStatus", "active", "halted", "failed")),
    "statuses are no longer listed": (BREAKING, enum("ItemsStatus")),
    "a kind comes": (BREAKING, enum("ItemsKind", "browser", "desktop", "spreadsheet", "terminal")),
    "what tells an alternative has another value": (BREAKING,
        become("Backing0", "kind", {"type": "string", "enum": ["temporary"]})),
    "what tells an alternative has one more value": (BREAKING,
        become("Backing0", "kind", {"type": "string", "enum": ["ephemeral", "temporary"]})),
    "a text is limited to values": (HARMLESS, set_("Items", "region", enum=["eu", "us"])),
    # null
    "a property may be null": (BREAKING, set_("Items", "name", type=["string", "null"])),
    "a property may be null, as an alternative": (BREAKING,
        become("Items", "name", {"anyOf": [TEXT, {"type": "null"}]})),
    "the status may be null": (BREAKING,
        lambda d: schema(d)["properties"].update(status={"oneOf": [ref(d, "ItemsStatus"), {"type": "null"}]})),
    "the connections may be null": (BREAKING,
        lambda d: schema(d)["properties"].update(connections={"anyOf": [ref(d, "ItemsConnections"),
            {"type": "null"}]})),
    "items may be null": (BREAKING, set_("Items", "capabilities", items={"type": ["string", "null"]})),
    "a property is never null again": (HARMLESS, set_("Items", "activeRunId", type="string")),
    "one of the summary is never null again": (HARMLESS, set_("Summary", "currentDriver", type="string")),
    "metadata is never null again": (HARMLESS, set_("Items", "metadata", type="object")),
    # formats and types
    "a format goes": (BREAKING, set_("Items", "id", format=None)),
    "a format becomes another": (BREAKING, set_("Items", "spaceId", format="uri")),
    "a format comes": (HARMLESS, set_("Items", "createdAt", format="date-time")),
    "a text becomes a number": (BREAKING, set_("Items", "createdAt", type="integer")),
    "a text may be a number": (BREAKING, set_("Items", "region", type=["string", "integer"])),
    "a flag becomes a text": (BREAKING, set_("ConnectionsMcp", "available", type="string")),
    "a list becomes a text": (BREAKING, become("Items", "capabilities", TEXT)),
    "items become objects": (BREAKING, set_("Items", "capabilities", items={"type": "object"})),
    "items may be anything": (BREAKING, set_("Items", "capabilities", items=None)),
    "metadata becomes a list": (BREAKING, become("Items", "metadata", {"type": ["array", "null"]})),
    "values of metadata become texts": (HARMLESS, set_("Items", "metadata", additionalProperties=TEXT)),
    "metadata is empty": (HARMLESS, set_("Items", "metadata", additionalProperties=False)),
    "a length is limited": (HARMLESS, set_("Items", "name", maxLength=64)),
    "a property may be anything": (BREAKING, become("Items", "updatedAt", {})),
    # alternatives
    "an alternative comes": (BREAKING, branch(FULL)),
    "the first alternative goes": (HARMLESS, lose_branch(0)),
    "the second alternative goes": (HARMLESS, lose_branch(1)),
    "an alternative is null": (BREAKING, branch({"type": "null"})),
    "an alternative is a text": (BREAKING, branch(TEXT)),
    # the envelope
    "the envelope's property is renamed": (BREAKING, envelope),
    "there is no envelope": (BREAKING, no_envelope),
    "the envelope pages": (HARMLESS, page),
    "the list becomes one": (BREAKING, single),
    # statuses, media types, headers
    "an error status comes": (HARMLESS, status("404")),
    "a success status comes": (HARMLESS, status("202")),
    "the default comes": (HARMLESS, status("default")),
    "success has another status": (BREAKING, become_status("206")),
    "a media type comes": (HARMLESS, media("application/json", "application/xml")),
    "the media type is another": (BREAKING, media("text/csv")),
    "the media type is more general": (BREAKING, media("application/*")),
    "a header comes": (HARMLESS, header(True)),
    # parameters and endpoints
    "an optional parameter comes": (HARMLESS, parameter(schema={"type": "integer"})),
    "a required parameter comes": (BREAKING, parameter(required=True, schema={"type": "integer"})),
    "the id must be a uuid": (BREAKING, of_parameter(0, schema={"type": "string", "format": "uuid"})),
    "the id becomes a number": (BREAKING, of_parameter(0, schema={"type": "integer"})),
    "the header becomes optional": (HARMLESS, of_parameter(1, required=False)),
    "the path moves": (BREAKING, move("/v2/spaces/{id}/runtimes")),
    "the method is another": (BREAKING, become_method),
    "an endpoint comes": (HARMLESS, endpoint),
    "a method comes": (HARMLESS, method("post")),
    "the operation goes": (BREAKING, lambda d: d.update(paths={})),
    "the operation is deprecated": (HARMLESS, deprecate),
    # servers and security
    "a server comes": (HARMLESS, servers("https://api.bctrl.ai", "http://localhost:8787", "https://eu.bctrl.ai")),
    "a server goes": (BREAKING, servers("https://api.bctrl.ai")),
    "a server moves": (BREAKING, servers("https://api.bctrl.com", "http://localhost:8787")),
    "the header is told as security": (HARMLESS, lambda d: secure(d, keep=False)),
    "the header is told as security as well": (HARMLESS, lambda d: secure(d, keep=True)),
    "the whole API is secured as the header did": (HARMLESS, secure_whole),
    "another credential is demanded": (BREAKING, secure_otherwise),
}  # fmt: skip


def verdict(changed: Doc) -> str:
    levels = {finding.level for finding in compare(SPEC, changed)}
    return BREAKING if "error" in levels else HARMLESS if levels else "no change in meaning"


@pytest.mark.parametrize("name", CASES)
def test_the_verdict_on_a_change_matches_its_label(name: str) -> None:
    """The labelled change of the published spec is breaking, harmless, or no change."""
    label, change = CASES[name]
    changed = copy.deepcopy(SPEC)
    change(changed)
    assert verdict(changed) == label


def changed_twice(first: str, second: str) -> Doc | None:
    """Return the spec with both changes; None if the first removes what the second changes."""
    changed = copy.deepcopy(SPEC)
    CASES[first][1](changed)
    try:
        CASES[second][1](changed)
    except (KeyError, StopIteration, ValueError, IndexError):
        return None
    return changed


NAMES = [*CASES]
PAIRS = [
    pair for far in (31, 47) for pair in zip(NAMES, NAMES[far:] + NAMES[:far], strict=True) if changed_twice(*pair)
]


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_two_changes_are_breaking_if_either_is(first: str, second: str) -> None:
    """Neither change hides the other."""
    changed = changed_twice(first, second)
    assert changed is not None
    assert verdict(changed) == (BREAKING if BREAKING in {CASES[first][0], CASES[second][0]} else HARMLESS)
