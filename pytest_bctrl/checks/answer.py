"""What a check looks at: one answer of one operation, as plain data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pytest_bctrl.checks.select import Path, select
from pytest_bctrl.checks.strict_json import Parsed, parse
from pytest_bctrl.contract.model import Contract, Operation, ResponseSpec, Schema


@dataclass(frozen=True)
class Answer:
    """One answer to one request.

    `body` is the content after transfer and content coding; `path_values` are the values that stood in the
    path, unencoded; `reproduce` is a shell command that sends the request again, without the key in it.
    """

    contract: Contract = field(repr=False)
    operation: Operation = field(repr=False)
    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = field(default=b"", repr=False)
    path_values: Mapping[str, str] = field(default_factory=dict)
    reproduce: str = ""

    def header(self, name: str) -> str | None:
        """Return a header's value by its name in any case, several joined by a comma (RFC 9110, 5.3)."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        return ", ".join(values) if values else None

    @property
    def media_type(self) -> str:
        """The media type alone, in lower case, or an empty string where the header is missing."""
        return (self.header("Content-Type") or "").split(";")[0].strip().lower()

    @cached_property
    def documented(self) -> ResponseSpec | None:
        """What the contract documents for this status."""
        return self.operation.response_for(self.status)

    @cached_property
    def schema(self) -> Schema | None:
        """The documented schema of this body; None where the status or its body is not documented.

        An answer with a wrong or missing content type is held to the one schema there is: that its type is
        wrong is a finding of its own, and no reason to leave the body unseen.
        """
        if self.documented is None or not self.documented.content or self.operation.method == "HEAD":
            return None
        content = self.documented.content
        covering = [media for media in content if covers(media, self.media_type)]
        # The most exact one: `application/json` before `application/*` before `*/*`.
        chosen = min(covering, key=lambda media: media.count("*"), default=None)
        if chosen is not None:
            return content[chosen] if _may_be_json(self.media_type) else None
        return next((schema for media, schema in content.items() if _may_be_json(media)), None)

    @cached_property
    def parsed(self) -> Parsed:
        """The body read as strict JSON, once for all checks."""
        return parse(self.body)

    def select(self, place: str) -> Iterator[tuple[Path, Any]]:
        """Yield path and value of every place of the body that a location such as `runtimes[*].id` names.

        Nothing where the body is no JSON, or has no such place.
        """
        yield from select(self.data, place) if self.parsed.ok else ()

    @property
    def data(self) -> Any:
        """The body's JSON value; meaningful where `parsed.ok`."""
        return self.parsed.value


def covers(documented: str, actual: str) -> bool:
    """Whether a documented media type or range (`application/*`, `*/*`) covers the actual one."""
    kind, _, subtype = documented.partition(";")[0].strip().lower().partition("/")
    actual_kind, _, actual_subtype = actual.partition("/")
    return bool(actual) and kind in ("*", actual_kind) and subtype in ("*", actual_subtype)


def _may_be_json(media: str) -> bool:
    """Whether a media type or range can name JSON (RFC 8259, 11; RFC 6839, 3.1)."""
    name = media.partition(";")[0].strip().lower()
    return name.endswith(("/json", "+json", "/*"))
