"""A second list of labelled changes of the published spec, written by reading the spec alone."""

from __future__ import annotations

import copy

import pytest

from pytest_bctrl.drift import compare

from .published import SPEC
from .spec_changes import (
    Change,
    Doc,
    add_alternative,
    add_cursor,
    add_global_security,
    add_method,
    add_parameter,
    add_path,
    add_property,
    add_response_header,
    add_security,
    add_status,
    change_method_to_post,
    change_path,
    deprecate_operation,
    make_optional,
    make_required,
    reference_to,
    remove_alternative,
    remove_envelope,
    remove_property,
    rename_list_property,
    rename_media_type,
    rename_success_status,
    replace_list_by_item,
    replace_property,
    require_another_key,
    schema,
    set_enum,
    set_keywords,
    set_servers,
    update_parameter,
)

BREAKING, HARMLESS = "breaking", "not breaking"
TEXT: Doc = {"type": "string"}


FULL = {"type": "object", "properties": {"kind": {"const": "snapshot"}}, "required": ["kind"]}
CASES: dict[str, tuple[str, Change]] = {
    # properties
    "a required property goes": (BREAKING, remove_property("Items", "region")),
    "a required nested property goes": (BREAKING, remove_property("ConnectionsCdp", "available")),
    "an optional nested property goes": (HARMLESS, remove_property("Connections", "vnc")),
    "an optional property of the summary goes": (HARMLESS, remove_property("Summary", "storageSpace")),
    "the optional summary goes": (HARMLESS, remove_property("Items", "summary")),
    "the optional backing goes": (HARMLESS, remove_property("Items", "backing")),
    "a property of an alternative goes": (BREAKING, remove_property("Backing1", "profile")),
    "what tells an alternative goes": (BREAKING, remove_property("Backing0", "kind")),
    "an optional property comes": (HARMLESS, add_property("Items", "label", TEXT)),
    "a required property comes": (HARMLESS, add_property("Items", "label", TEXT, True)),
    "a nested required property comes": (HARMLESS, add_property("ConnectionsVnc", "url", TEXT, True)),
    "a property of the summary comes": (HARMLESS, add_property("Summary", "pages", {"type": "integer"})),
    "a property of an alternative comes": (HARMLESS, add_property("Backing0", "until", TEXT)),
    "a required property of an alternative comes": (HARMLESS, add_property("Backing1", "version", TEXT, True)),
    "a required property becomes optional": (BREAKING, make_optional("Items", "createdAt")),
    "a nested one becomes optional": (BREAKING, make_optional("ConnectionsHttp", "available")),
    "one of an alternative becomes optional": (BREAKING, make_optional("Backing1", "profile")),
    "the only one of the envelope becomes optional": (BREAKING, make_optional("Response_200", "runtimes")),
    "an optional property becomes required": (HARMLESS, make_required("Items", "summary")),
    "a nested one becomes required": (HARMLESS, make_required("Connections", "cdp")),
    # values
    "a status comes": (BREAKING, set_enum("ItemsStatus", "active", "stopped", "failed", "paused")),
    "a status goes": (HARMLESS, set_enum("ItemsStatus", "active", "stopped")),
    "a status is renamed": (BREAKING, set_enum("ItemsStatus", "active", "halted", "failed")),
    "statuses are no longer listed": (BREAKING, set_enum("ItemsStatus")),
    "a kind comes": (BREAKING, set_enum("ItemsKind", "browser", "desktop", "spreadsheet", "terminal")),
    "what tells an alternative has another value": (BREAKING,
        replace_property("Backing0", "kind", {"type": "string", "enum": ["temporary"]})),
    "what tells an alternative has one more value": (BREAKING,
        replace_property("Backing0", "kind", {"type": "string", "enum": ["ephemeral", "temporary"]})),
    "a text is limited to values": (HARMLESS, set_keywords("Items", "region", enum=["eu", "us"])),
    # null
    "a property may be null": (BREAKING, set_keywords("Items", "name", type=["string", "null"])),
    "a property may be null, as an alternative": (BREAKING,
        replace_property("Items", "name", {"anyOf": [TEXT, {"type": "null"}]})),
    "the status may be null": (BREAKING,
        lambda d: schema(d)["properties"].update(status={"oneOf": [reference_to(d, "ItemsStatus"), {"type": "null"}]})),
    "the connections may be null": (BREAKING,
        lambda d: schema(d)["properties"].update(connections={"anyOf": [reference_to(d, "ItemsConnections"),
            {"type": "null"}]})),
    "items may be null": (BREAKING, set_keywords("Items", "capabilities", items={"type": ["string", "null"]})),
    "a property is never null again": (HARMLESS, set_keywords("Items", "activeRunId", type="string")),
    "one of the summary is never null again": (HARMLESS, set_keywords("Summary", "currentDriver", type="string")),
    "metadata is never null again": (HARMLESS, set_keywords("Items", "metadata", type="object")),
    # formats and types
    "a format goes": (BREAKING, set_keywords("Items", "id", format=None)),
    "a format becomes another": (BREAKING, set_keywords("Items", "spaceId", format="uri")),
    "a format comes": (HARMLESS, set_keywords("Items", "createdAt", format="date-time")),
    "a text becomes a number": (BREAKING, set_keywords("Items", "createdAt", type="integer")),
    "a text may be a number": (BREAKING, set_keywords("Items", "region", type=["string", "integer"])),
    "a flag becomes a text": (BREAKING, set_keywords("ConnectionsMcp", "available", type="string")),
    "a list becomes a text": (BREAKING, replace_property("Items", "capabilities", TEXT)),
    "items become objects": (BREAKING, set_keywords("Items", "capabilities", items={"type": "object"})),
    "items may be anything": (BREAKING, set_keywords("Items", "capabilities", items=None)),
    "metadata becomes a list": (BREAKING, replace_property("Items", "metadata", {"type": ["array", "null"]})),
    "values of metadata become texts": (HARMLESS, set_keywords("Items", "metadata", additionalProperties=TEXT)),
    "metadata is empty": (HARMLESS, set_keywords("Items", "metadata", additionalProperties=False)),
    "a length is limited": (HARMLESS, set_keywords("Items", "name", maxLength=64)),
    "a property may be anything": (BREAKING, replace_property("Items", "updatedAt", {})),
    # alternatives
    "an alternative comes": (BREAKING, add_alternative(FULL)),
    "the first alternative goes": (HARMLESS, remove_alternative(0)),
    "the second alternative goes": (HARMLESS, remove_alternative(1)),
    "an alternative is null": (BREAKING, add_alternative({"type": "null"})),
    "an alternative is a text": (BREAKING, add_alternative(TEXT)),
    # the envelope
    "the envelope's property is renamed": (BREAKING, rename_list_property),
    "there is no envelope": (BREAKING, remove_envelope),
    "the envelope pages": (HARMLESS, add_cursor),
    "the list becomes one": (BREAKING, replace_list_by_item),
    # statuses, media types, headers
    "an error status comes": (HARMLESS, add_status("404")),
    "a success status comes": (HARMLESS, add_status("202")),
    "the default comes": (HARMLESS, add_status("default")),
    "success has another status": (BREAKING, rename_success_status("206")),
    "a media type comes": (HARMLESS, rename_media_type("application/json", "application/xml")),
    "the media type is another": (BREAKING, rename_media_type("text/csv")),
    "the media type is more general": (BREAKING, rename_media_type("application/*")),
    "a header comes": (HARMLESS, add_response_header(True)),
    # parameters and endpoints
    "an optional parameter comes": (HARMLESS, add_parameter(schema={"type": "integer"})),
    "a required parameter comes": (BREAKING, add_parameter(required=True, schema={"type": "integer"})),
    "the id must be a uuid": (BREAKING, update_parameter(0, schema={"type": "string", "format": "uuid"})),
    "the id becomes a number": (BREAKING, update_parameter(0, schema={"type": "integer"})),
    "the header becomes optional": (HARMLESS, update_parameter(1, required=False)),
    "the path moves": (BREAKING, change_path("/v2/spaces/{id}/runtimes")),
    "the method is another": (BREAKING, change_method_to_post),
    "an endpoint comes": (HARMLESS, add_path),
    "a method comes": (HARMLESS, add_method("post")),
    "the operation goes": (BREAKING, lambda d: d.update(paths={})),
    "the operation is deprecated": (HARMLESS, deprecate_operation),
    # servers and security
    "a server comes": (HARMLESS, set_servers("https://api.bctrl.ai", "http://localhost:8787", "https://eu.bctrl.ai")),
    "a server goes": (BREAKING, set_servers("https://api.bctrl.ai")),
    "a server moves": (BREAKING, set_servers("https://api.bctrl.com", "http://localhost:8787")),
    "the header is told as security": (HARMLESS, lambda d: add_security(d, keep=False)),
    "the header is told as security as well": (HARMLESS, lambda d: add_security(d, keep=True)),
    "the whole API is secured as the header did": (HARMLESS, add_global_security),
    "another credential is demanded": (BREAKING, require_another_key),
}  # fmt: skip


def verdict(changed: Doc) -> str:
    """Return how the findings for a changed spec label the change: breaking, not breaking, or none."""
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
