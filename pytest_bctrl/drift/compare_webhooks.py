"""Compares webhooks and callbacks: requests that the API sends, and to which the consumer responds.

So everything is compared in the opposite direction: a request like a response of an operation, and a response like a
request body. The servers of webhooks and callbacks have no effect, because the consumer chooses the URL.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_bctrl.contract.outline import METHODS, NAME, RawOperation, parameters, responses
from pytest_bctrl.contract.spec import Part, Spec
from pytest_bctrl.drift.change_location import operation_location
from pytest_bctrl.drift.report import Report

_PATH_PARAMETER = re.compile(r"\{\$request\.path\.[^{}/]+\}")


def webhooks(spec: Spec) -> list[RawOperation]:
    """Return the operations of the webhooks of a document; `path` is `webhook:` and the name."""
    operations: list[RawOperation] = []
    for name, item in spec.fields(spec.root / "webhooks"):
        path = f"webhook:{name}"
        operations += _path_item_operations(spec, item, path, NAME.sub("{}", path))
    return operations


def callbacks(spec: Spec, operation: RawOperation) -> list[RawOperation]:
    """Return the operations of the callbacks of an operation.

    `path` is the label of the operation, `callback:` with the name, and the expression of the URL. An expression that
    refers to another part of the request is another callback; the names of path parameters do not count.
    """
    operations: list[RawOperation] = []
    for name, callback in spec.fields(operation.part / "callbacks"):
        callback = spec.resolve(callback, "callbacks")
        for expression, item in spec.fields(callback):
            path = f"{operation.label} callback:{name} {expression}"
            shape = (
                f"{operation.method.upper()} {operation.shape} callback:{name} {_PATH_PARAMETER.sub('{}', expression)}"
            )
            operations += _path_item_operations(spec, item, path, shape)
    return operations


def _path_item_operations(spec: Spec, item: Part, path: str, shape: str) -> Iterator[RawOperation]:
    """Yield the operations of a webhook or a callback."""
    item = spec.resolve(item, "pathItems")
    for method in METHODS:
        part = item / method
        if part.value is not None:
            spec.mapping(part)
            yield RawOperation(method, path, shape, item, part)


def compare_webhooks(report: Report) -> None:
    """Note added, removed and changed webhooks."""
    _compare_all(report, webhooks(report.base), webhooks(report.revision), "webhook")


def compare_callbacks(report: Report, old: RawOperation, new: RawOperation) -> None:
    """Note added, removed and changed callbacks of an operation."""
    if "callbacks" in old.part.value or "callbacks" in new.part.value:
        prefixes = f"{old.method.upper()} {old.shape} ", f"{new.method.upper()} {new.shape} "
        _compare_all(report, callbacks(report.base, old), callbacks(report.revision, new), "callback", prefixes)


def _compare_all(
    report: Report, old: list[RawOperation], new: list[RawOperation], kind: str, prefixes: tuple[str, str] = ("", "")
) -> None:
    """Report operations that were added, removed or changed; `kind` is `webhook` or `callback`.

    `prefixes` are those of the shapes of callbacks, which name the operation: its path may have changed.
    """
    before, after = (
        {(operation.method, operation.shape.removeprefix(prefix)): operation for operation in operations}
        for operations, prefix in zip((old, new), prefixes, strict=True)
    )
    for key, operation in before.items():
        if key in after:
            _compare_outgoing(report, operation, after[key])
        else:
            report.add(f"{kind}-removed", operation_location(operation), operation.label, None, operation.part.pointer)
    for key, operation in after.items():
        if key not in before:
            report.add(
                f"{kind}-added", operation_location(operation), None, operation.label, "", operation.part.pointer
            )


def _compare_outgoing(report: Report, old: RawOperation, new: RawOperation) -> None:
    """Note the changes of a webhook or callback operation that both documents have."""
    references = report.sides.equality.references(old.contents, new.contents)
    if references is not None and report.sides.equality.are_unchanged(references):
        return
    # Imported here, because most runs find no change.
    from pytest_bctrl.drift.compare_content import compare_request_bodies
    from pytest_bctrl.drift.compare_headers import compare_headers
    from pytest_bctrl.drift.compare_operation_texts import compare_operation_texts
    from pytest_bctrl.drift.compare_responses import compare_responses
    from pytest_bctrl.drift.compare_security import compare_outgoing_security

    location = operation_location(old)
    report.compare_deprecation("endpoint", old.part, new.part, location)
    compare_operation_texts(report, old, new, location)
    compare_outgoing_security(report, old, new, location)
    before, after = parameters(report.base, old), parameters(report.revision, new)
    for in_ in ("path", "query", "header", "cookie"):
        was, now = (
            {key: parameter for (kind, key), parameter in side.items() if kind == in_} for side in (before, after)
        )
        compare_headers(report, was, now, location, (old.part, new.part))
    compare_request_bodies(report, old, new, location, is_sent=False)
    compare_responses(report, responses(report.base, old), responses(report.revision, new), location, is_sent=True)
