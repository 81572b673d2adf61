"""Compares two OpenAPI documents: normalise, match, compare with direction, and tell what was found."""

from __future__ import annotations

import re
from itertools import chain, product
from math import prod
from typing import TYPE_CHECKING

from pytest_bctrl.contract.document import SAMPLES, escape_token
from pytest_bctrl.contract.outline import Part, RawOperation, Spec, operations, parameters, responses
from pytest_bctrl.drift.compare_parameters import compare_parameters
from pytest_bctrl.drift.compare_responses import compare_request_bodies, compare_responses
from pytest_bctrl.drift.compare_security import Demands, Security, compare_schemes, compare_security, known_credentials
from pytest_bctrl.drift.equality import Equality
from pytest_bctrl.drift.lifecycle import OPERATION, compare_lifecycle, removed_after
from pytest_bctrl.drift.match import match_operations
from pytest_bctrl.drift.normalize import Normalizer
from pytest_bctrl.drift.pair import Sides
from pytest_bctrl.drift.place import Place
from pytest_bctrl.drift.report import Report
from pytest_bctrl.drift.unmatched import note_unused_schemas, read_schemas, used_schemas
from pytest_bctrl.errors import DocumentError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_bctrl.contract.document import Document
    from pytest_bctrl.drift.options import Options
    from pytest_bctrl.findings.finding import Finding


_VARIABLE = re.compile(r"\{([^{}]+)\}")
_SCHEMAS = "#/components/schemas/"
_MOST = 64
"""URLs that one server is written out as."""
_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<host>[^/?#]*)(?P<rest>.*)", re.DOTALL)
_PORTS = {"http": ":80", "https": ":443"}


def compare_documents(base: Document, revision: Document, options: Options) -> list[Finding]:
    """Return what changed from `base` to `revision`, worst first.

    Raises `DocumentError` where a part of either that matters cannot be read: a wrong shape, a `$ref` to nothing.
    """
    try:
        return _compare(base, revision, options)
    except RecursionError:
        raise DocumentError(
            "schemas nest too deeply to be compared", where=f"{base.name} or {revision.name}", hint="flatten them"
        ) from None


def _compare(base: Document, revision: Document, options: Options) -> list[Finding]:
    before, after = Normalizer(Spec(base)), Normalizer(Spec(revision))
    equality = Equality(before, after, options.descriptions)
    report = Report(Sides(before, after, options, equality))
    old, new = operations(report.base), operations(report.revision)
    first = Demands(report.base)
    demands = first, Demands(report.revision, first if options.ignores_undefined_schemes else None)
    matched = match_operations(old, new)
    for one in matched.removed:
        _note_removed(report, options, one, {other.shape for other in new})
    changed = list(matched.added)
    led_to: set[str] = set()
    for one, other in matched.both:
        was, now = demands[0].of(one), demands[1].of(other)
        references = equality.references(one.contents, other.contents)
        is_alike = references is not None and one.path == other.path
        if references is None or not is_alike or not equality.are_unchanged(references):
            _compare_operation(report, one, other, (was, now), is_alike=is_alike)
            # What is written alike need not be read again, but what it leads to.
            is_short = references is not None and all(ref.startswith(_SCHEMAS) for ref in references)
            if references is not None and is_short and report.base.is_30 == report.revision.is_30:
                led_to |= references
            else:
                changed.append(other)
        elif was != now:
            known = frozenset(key for key, one in parameters(report.base, one).items() if one.required)
            compare_security(report, was, now, known, _place(one))
    for one in matched.added:
        report.add("endpoint-added", _place(one), None, one.label, "", one.part.pointer)
    # A document that cannot be read is never taken for unchanged; what is written alike is read once.
    read_schemas(before, used_schemas(report.base, old), ())
    more = ((Part({"$ref": reference}, reference[1:]),) for reference in led_to)
    read_schemas(after, chain(used_schemas(report.revision, changed), more), equality.components)
    compare_servers(report, report.base.root / "servers", report.revision.root / "servers", Place())
    compare_schemes(report)
    _compare_version(report)
    _compare_samples(report, base.samples, revision.samples)
    note_unused_schemas(report)
    if options.seconds and report:
        from pytest_bctrl.drift.counterexample import Examples

        report.examples = Examples(before, after, options.seconds)
    return report.findings()


def _place(operation: RawOperation) -> Place:
    return Place(operation.label, f"{operation.method.upper()} {operation.shape}")


def _compare_operation(
    report: Report, old: RawOperation, new: RawOperation, security: tuple[Security, Security], *, is_alike: bool
) -> None:
    """Note what changed in an operation. `is_alike`: it is written alike, and what it leads to is not."""
    place, options, equality = _place(old), report.sides.options, report.sides.equality
    if not is_alike:
        at = old.part.pointer, new.part.pointer
        for rule, was, now in compare_lifecycle(options, OPERATION, old.part.value, new.part.value):
            report.add(rule, place, was, now, *at)
        _compare_names(report, old, new, place)
        servers = own_servers(old), own_servers(new)
        if servers[0] is not None or servers[1] is not None:
            roots = report.base.root / "servers", report.revision.root / "servers"
            compare_servers(report, servers[0] or roots[0], servers[1] or roots[1], place)
    if security[0] != security[1] or not is_alike or not equality.unchanged(_parameters(old), _parameters(new)):
        before, after = parameters(report.base, old), parameters(report.revision, new)
        known = known_credentials(*security, before, after)
        demanded = frozenset(key for key, parameter in before.items() if parameter.required)
        compare_parameters(report, before, after, place, known)
        compare_security(report, *security, demanded, place)
    if not equality.unchanged(old.part.value.get("requestBody"), new.part.value.get("requestBody")):
        compare_request_bodies(report, old, new, place)
    compare_responses(report, responses(report.base, old), responses(report.revision, new), place)


def _parameters(operation: RawOperation) -> list[object]:
    """What its path item and itself say of parameters."""
    return [operation.item.value.get("parameters"), operation.part.value.get("parameters")]


def _compare_names(report: Report, old: RawOperation, new: RawOperation, place: Place) -> None:
    at = (old.part / "operationId").pointer, (new.part / "operationId").pointer
    before, after = report.base.text(old.part / "operationId"), report.revision.text(new.part / "operationId")
    here = place._replace(location="operationId")
    if before and before != after:
        report.add("api-operation-id-removed", here, before, after or None, *at)
    elif after and not before:
        report.add("api-operation-id-added", here, None, after, *at)
    tags = [
        {spec.text(item): "" for item in spec.items(operation.part / "tags")}
        for spec, operation in ((report.base, old), (report.revision, new))
    ]
    at = (old.part / "tags").pointer, (new.part / "tags").pointer
    report.add_each("api-tag", place._replace(location="tags"), tags, at)
    for keyword in ("summary", "description"):
        at = (old.part / keyword).pointer, (new.part / keyword).pointer
        report.compare_words(place._replace(location=keyword), old.part, new.part, keyword, at)


def _compare_version(report: Report) -> None:
    was, now = ((spec.root / "info" / "version").value for spec in (report.base, report.revision))
    if was != now:
        at = "/info/version"
        report.add("api-version-changed", Place(location="info.version"), str(was), str(now), at, at)


def _compare_samples(report: Report, old: Mapping[str, str], new: Mapping[str, str]) -> None:
    """Note the code samples of a page that changed, where there is a page with samples on both sides."""
    if not old or not new:
        return
    for name in dict.fromkeys([*old, *new]):
        was, now = (None if side.get(name) is None else str(side[name])[:12] for side in (old, new))
        if was != now:
            at = f"/{SAMPLES}/{escape_token(name)}"
            report.add("page-sample-changed", Place(location=f"sample {name}"), was, now, at, at)


def _note_removed(report: Report, options: Options, operation: RawOperation, shapes: set[str]) -> None:
    subject = "api-removed" if operation.shape in shapes else "api-path-removed"
    after = removed_after(operation.part.value, options)
    rule = "api-path-sunset-parse" if after == "parse" else f"{subject}-{after}"
    report.add(rule, _place(operation), operation.label, None, operation.part.pointer)


def servers(spec: Spec, whole: Part) -> dict[str, Part]:
    """Return the URLs that a list of servers stands for, variables filled in; `/` where there is none."""
    found: dict[str, Part] = {}
    for server in spec.items(whole):
        spec.mapping(server)
        for url in _urls(spec, server):
            found.setdefault(_one_form(url), server)
    return found or {"/": whole}


def _one_form(url: str) -> str:
    """A URL as any other that leads to the same place (RFC 3986, section 6.2.3), without a slash at its end."""
    parts = _URL.fullmatch(url)
    if parts is not None:
        scheme, host = parts["scheme"].lower(), parts["host"].lower()
        url = f"{scheme}://{host.removesuffix(_PORTS.get(scheme, ':'))}{parts['rest']}"
    return url.rstrip("/") or "/"


def _urls(spec: Spec, server: Part) -> list[str]:
    url = server / "url"
    if url.value is None:
        raise spec.refuse(server, "a server has no url", "give it one")
    template = spec.text(url)
    names = _VARIABLE.findall(template)
    choices = []
    for name in names:
        variable = server / "variables" / name
        spec.mapping(variable)
        values = [spec.text(item) for item in spec.items(variable / "enum")]
        default = str((variable / "default").value) if (variable / "default").value is not None else f"{{{name}}}"
        choices.append(values or [default])
    if prod(map(len, choices)) > _MOST:
        # All values of a variable stand in the one URL, so that a change of one is a change of it.
        choices = [[f"{{{'|'.join(sorted(values))}}}"] for values in choices]
    filled = []
    for filling in product(*choices):
        text = template
        for name, value in zip(names, filling, strict=True):
            text = text.replace(f"{{{name}}}", value)
        filled.append(text)
    return filled


def compare_servers(report: Report, old: Part, new: Part, place: Place) -> None:
    """Note URLs that came or went, in any order."""
    found = (
        {url: part.pointer for url, part in servers(spec, whole).items()}
        for spec, whole in ((report.base, old), (report.revision, new))
    )
    report.add_each("api-server", place._replace(location="servers"), found, (old.pointer, new.pointer))


def own_servers(operation: RawOperation) -> Part | None:
    """The servers that an operation or its path item sets for itself."""
    for part in (operation.part / "servers", operation.item / "servers"):
        if part.value:
            return part
    return None
