"""Compares two OpenAPI documents: normalises and matches them, compares them by direction, and returns findings."""

from __future__ import annotations

import re
from itertools import chain, product
from math import prod
from typing import TYPE_CHECKING

from pytest_bctrl.contract.document import SAMPLES, escape_token
from pytest_bctrl.contract.outline import (
    Key,
    Part,
    RawOperation,
    RawParameter,
    Spec,
    operations,
    parameters,
    responses,
)
from pytest_bctrl.drift.change_location import ChangeLocation
from pytest_bctrl.drift.compare_content import compare_request_bodies
from pytest_bctrl.drift.compare_parameters import compare_parameters
from pytest_bctrl.drift.compare_responses import compare_responses
from pytest_bctrl.drift.compare_security import Demands, Security, compare_schemes, compare_security, known_credentials
from pytest_bctrl.drift.compare_webhooks import callbacks, compare_callbacks, compare_webhooks, webhooks
from pytest_bctrl.drift.equality import Equality
from pytest_bctrl.drift.lifecycle import OPERATION, compare_lifecycle, removed_after
from pytest_bctrl.drift.match import Operations, match_operations
from pytest_bctrl.drift.normalize import Normalizer
from pytest_bctrl.drift.pair import Sides
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
"""Maximum number of URLs that one server expands to."""
_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<host>[^/?#]*)(?P<rest>.*)", re.DOTALL)
_PORTS = {"http": ":80", "https": ":443"}


def compare_documents(base: Document, revision: Document, options: Options) -> list[Finding]:
    """Return what changed from `base` to `revision`, worst first.

    Raises `DocumentError` if a relevant part of either cannot be read: a wrong type, a `$ref` without a target.
    """
    try:
        return _compare_all(base, revision, options)
    except RecursionError:
        raise DocumentError(
            "schemas nest too deeply to be compared", where=f"{base.name} or {revision.name}", hint="flatten them"
        ) from None


def _compare_all(base: Document, revision: Document, options: Options) -> list[Finding]:
    """Compare operations, webhooks, servers, schemes, version, samples and unused schemas; return the findings."""
    before, after = Normalizer(Spec(base)), Normalizer(Spec(revision))
    equality = Equality(before, after, options.descriptions)
    report = Report(Sides(before, after, options, equality))
    old, new = operations(report.base), operations(report.revision)
    matched = match_operations(old, new)
    shapes = {operation.shape for operation in new}
    for operation in matched.removed:
        _note_removed_operation(report, options, operation, shapes)
    changed, references = _compare_matched_operations(report, matched)
    for operation in matched.added:
        report.add("endpoint-added", _operation_location(operation), None, operation.label, "", operation.part.pointer)
    compare_webhooks(report)
    # Every schema is read, so that an invalid document never counts as unchanged; identical schemas are read once.
    read_schemas(before, used_schemas(report.base, _with_outgoing(report.base, old)), ())
    referenced = ((Part({"$ref": reference}, reference[1:]),) for reference in references)
    used = used_schemas(report.revision, _with_outgoing(report.revision, [*matched.added, *changed]))
    read_schemas(after, chain(used, referenced), equality.components)
    if not matched.both or any(own_servers(old) is None and own_servers(new) is None for old, new in matched.both):
        # The servers of any other operation are compared with that operation.
        compare_servers(report, report.base.root / "servers", report.revision.root / "servers", ChangeLocation())
    compare_schemes(report)
    _compare_version(report)
    _compare_samples(report, base.samples, revision.samples)
    note_unused_schemas(report)
    if options.steps and report:
        from pytest_bctrl.drift.counterexample import Examples

        report.examples = Examples(before, after, report.schemas.verifier, options.steps)
    return report.findings()


def _with_outgoing(spec: Spec, operations_of: list[RawOperation]) -> list[RawOperation]:
    """Return operations, their callbacks, and the webhooks of the document."""
    outgoing = webhooks(spec)
    for operation in operations_of:
        outgoing += callbacks(spec, operation)
    return [*operations_of, *outgoing]


def _compare_matched_operations(report: Report, matched: Operations) -> tuple[list[RawOperation], set[str]]:
    """Compare the operations of both documents; return the changed ones, and the references of the others.

    Return those of the new document whose schemas must be read, and the references that must be read for the others,
    which are written alike.
    """
    sides, equality = report.sides, report.sides.equality
    old_demands = Demands(report.base)
    renamed_in = None
    if sides.options.ignores_undefined_schemes:
        renamed_in = old_demands
    new_demands = Demands(report.revision, renamed_in)
    changed: list[RawOperation] = []
    referenced: set[str] = set()
    for old, new in matched.both:
        security = old_demands.of(old), new_demands.of(new)
        references = equality.references(old.contents, new.contents)
        is_alike = references is not None and old.path == new.path
        if references is None or not is_alike or not equality.are_unchanged(references):
            _compare_operation(report, old, new, security, is_alike=is_alike)
            # Of an operation that is written alike, only the targets of references have to be read.
            is_short = references is not None and all(ref.startswith(_SCHEMAS) for ref in references)
            if references is not None and is_short and report.base.is_30 == report.revision.is_30:
                referenced |= references
            else:
                changed.append(new)
        elif security[0] != security[1]:
            required = _required_parameters(parameters(report.base, old))
            compare_security(report, *security, required, _operation_location(old))
    return changed, referenced


def _required_parameters(parameters_of: Mapping[Key, RawParameter]) -> frozenset[Key]:
    """Return the keys of the parameters that are required."""
    return frozenset(key for key, parameter in parameters_of.items() if parameter.required)


def _operation_location(operation: RawOperation) -> ChangeLocation:
    """Return the location of an operation."""
    return ChangeLocation(operation.label, f"{operation.method.upper()} {operation.shape}")


def _compare_operation(
    report: Report, old: RawOperation, new: RawOperation, security: tuple[Security, Security], *, is_alike: bool
) -> None:
    """Note what changed in an operation. With `is_alike`, its own text is equal, but targets of references changed."""
    location, options, equality = _operation_location(old), report.sides.options, report.sides.equality
    if not is_alike:
        at = old.part.pointer, new.part.pointer
        for rule, was, now in compare_lifecycle(options, OPERATION, old.part.value, new.part.value):
            report.add(rule, location, was, now, *at)
        _compare_operation_texts(report, old, new, location)
        servers_of = own_servers(old), own_servers(new)
        if servers_of[0] is not None or servers_of[1] is not None:
            roots = report.base.root / "servers", report.revision.root / "servers"
            compare_servers(report, servers_of[0] or roots[0], servers_of[1] or roots[1], location)
    if (
        security[0] != security[1]
        or not is_alike
        or not equality.unchanged(_parameter_lists(old), _parameter_lists(new))
    ):
        before, after = parameters(report.base, old), parameters(report.revision, new)
        compare_parameters(report, before, after, location, known_credentials(*security, before, after))
        compare_security(report, *security, _required_parameters(before), location)
    if not equality.unchanged(old.part.value.get("requestBody"), new.part.value.get("requestBody")):
        compare_request_bodies(report, old, new, location)
    compare_responses(report, responses(report.base, old), responses(report.revision, new), location)
    compare_callbacks(report, old, new)


def _parameter_lists(operation: RawOperation) -> list[object]:
    """Return the `parameters` of the path item and of the operation, as written."""
    return [operation.item.value.get("parameters"), operation.part.value.get("parameters")]


def _compare_operation_texts(report: Report, old: RawOperation, new: RawOperation, location: ChangeLocation) -> None:
    """Note changes of an operation's `operationId`, tags, summary and description."""
    at = (old.part / "operationId").pointer, (new.part / "operationId").pointer
    before, after = report.base.text(old.part / "operationId"), report.revision.text(new.part / "operationId")
    id_location = location._replace(path="operationId")
    if before and before != after:
        report.add("api-operation-id-removed", id_location, before, after or None, *at)
    elif after and not before:
        report.add("api-operation-id-added", id_location, None, after, *at)
    tags = [
        {spec.text(item): "" for item in spec.items(operation.part / "tags")}
        for spec, operation in ((report.base, old), (report.revision, new))
    ]
    at = (old.part / "tags").pointer, (new.part / "tags").pointer
    report.add_each("api-tag", location._replace(path="tags"), tags, at)
    for keyword in ("summary", "description"):
        at = (old.part / keyword).pointer, (new.part / keyword).pointer
        report.compare_words(location._replace(path=keyword), old.part, new.part, keyword, at)


def _compare_version(report: Report) -> None:
    """Note a changed `info.version`."""
    was, now = ((spec.root / "info" / "version").value for spec in (report.base, report.revision))
    if was != now:
        at = "/info/version"
        report.add("api-version-changed", ChangeLocation(path="info.version"), str(was), str(now), at, at)


def _compare_samples(report: Report, old: Mapping[str, str], new: Mapping[str, str]) -> None:
    """Note changed code samples of a page, if both documents are pages with samples."""
    if not old or not new:
        return
    for name in dict.fromkeys([*old, *new]):
        was, now = _short_sample_digest(old, name), _short_sample_digest(new, name)
        if was != now:
            at = f"/{SAMPLES}/{escape_token(name)}"
            report.add("page-sample-changed", ChangeLocation(path=f"sample {name}"), was, now, at, at)


def _short_sample_digest(samples: Mapping[str, str], name: str) -> str | None:
    """Return the start of a code sample's digest; None if the page has no such sample."""
    digest = samples.get(name)
    if digest is None:
        return None
    return str(digest)[:12]


def _note_removed_operation(report: Report, options: Options, operation: RawOperation, shapes: set[str]) -> None:
    """Note a removed operation, under a rule that depends on whether the removal was announced."""
    subject = "api-path-removed"
    if operation.shape in shapes:
        subject = "api-removed"
    announced = removed_after(operation.part.value, options)
    rule = f"{subject}-{announced}"
    if announced == "parse":
        rule = "api-path-sunset-parse"
    report.add(rule, _operation_location(operation), operation.label, None, operation.part.pointer)


def servers(spec: Spec, part: Part) -> dict[str, Part]:
    """Return the URLs of a list of servers with variables filled in, and the server of each; `/` if there is none."""
    server_of: dict[str, Part] = {}
    for server in spec.items(part):
        spec.mapping(server)
        for url in _server_urls(spec, server):
            server_of.setdefault(_normalized_url(url), server)
    return server_of or {"/": part}


def _normalized_url(url: str) -> str:
    """Return a URL in its normal form (RFC 3986, section 6.2.3), without a slash at its end."""
    parts = _URL.fullmatch(url)
    if parts is not None:
        scheme, host = parts["scheme"].lower(), parts["host"].lower()
        url = f"{scheme}://{host.removesuffix(_PORTS.get(scheme, ':'))}{parts['rest']}"
    return url.rstrip("/") or "/"


def _server_urls(spec: Spec, server: Part) -> list[str]:
    """Return the URLs of a server with its variables filled in; with too many combinations, one URL that lists them."""
    url = server / "url"
    if url.value is None:
        raise spec.refuse(server, "a server has no url", "give it one")
    template = spec.text(url)
    names = _VARIABLE.findall(template)
    choices = [_variable_values(spec, server / "variables" / name, name) for name in names]
    if prod(map(len, choices)) > _MOST:
        # All values of a variable appear in a single URL, so a change of a value is a change of that URL.
        choices = [[f"{{{'|'.join(sorted(values))}}}"] for values in choices]
    urls = []
    for filling in product(*choices):
        text = template
        for name, value in zip(names, filling, strict=True):
            text = text.replace(f"{{{name}}}", value)
        urls.append(text)
    return urls


def _variable_values(spec: Spec, variable: Part, name: str) -> list[str]:
    """Return the values of a server variable: those of its enum, else its default, else its placeholder."""
    spec.mapping(variable)
    values = [spec.text(item) for item in spec.items(variable / "enum")]
    if values:
        return values
    default = (variable / "default").value
    if default is None:
        return [f"{{{name}}}"]
    return [str(default)]


def compare_servers(report: Report, old: Part, new: Part, location: ChangeLocation) -> None:
    """Note added and removed server URLs, in any order."""
    urls = []
    for spec, part in ((report.base, old), (report.revision, new)):
        urls.append({url: server.pointer for url, server in servers(spec, part).items()})
    report.add_each("api-server", location._replace(path="servers"), urls, (old.pointer, new.pointer))


def own_servers(operation: RawOperation) -> Part | None:
    """Return the servers of an operation or its path item, or None if those of the document apply."""
    for part in (operation.part / "servers", operation.item / "servers"):
        if part.value:
            return part
    return None
