"""What a check looks at: one answer of one operation, as plain data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pytest_bctrl.checks.strict_json import Parsed, parse
from pytest_bctrl.contract.model import Contract, Operation, ResponseSpec, Schema, chosen
from pytest_bctrl.contract.schema.locations import Path, select
from pytest_bctrl.observed.facts import Observation
from pytest_bctrl.observed.observe import NO_BODY, examine


@dataclass(frozen=True)
class Answer:
    """One answer to one request.

    `body` is the content after transfer and content coding; `path_values` are the values that stood in the
    path, unencoded; `reproduce` is a shell command that sends the request again, without the key in it; `method`
    is the request's, where it is another than the operation's. `has_all_headers` says that `headers` are all that
    were sent: a recording keeps some, and a bare body has none.
    """

    contract: Contract = field(repr=False)
    operation: Operation = field(repr=False)
    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = field(default=b"", repr=False)
    path_values: Mapping[str, str] = field(default_factory=dict)
    reproduce: str = ""
    method: str = ""
    has_all_headers: bool = False

    def header(self, name: str) -> str | None:
        """Return a header's value by its name in any case, several joined by a comma (RFC 9110, 5.3)."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        return ", ".join(values) if values else None

    @property
    def media_type(self) -> str:
        """The media type alone, in lower case, or an empty string where the header is missing."""
        return (self.header("Content-Type") or "").split(";")[0].strip().lower()

    @property
    def is_to_head(self) -> bool:
        """Whether it answers a HEAD, and so has no body (RFC 9110, 9.3.2)."""
        return "HEAD" in (self.operation.method, self.method)

    @cached_property
    def documented(self) -> ResponseSpec | None:
        """What the contract documents for this status."""
        return self.operation.response_for(self.status)

    @cached_property
    def schema(self) -> Schema | None:
        """The documented schema of this body; None where the status or its body is not documented, or for HEAD."""
        if self.is_to_head:
            return None
        content = self.documented.content if self.documented is not None else {}
        media = chosen(content, self.media_type)
        return None if media is None else content[media]

    @cached_property
    def parsed(self) -> Parsed:
        """The body read as strict JSON, once for all checks."""
        return parse(self.body)

    def select(self, place: str) -> Iterator[tuple[Path, Any]]:
        """Yield path and value of every place of the body that a location such as `runtimes[*].id` names.

        Nothing where the body is no JSON, or has no such place; raises `ValueError` for what is no location.
        """
        yield from select(self.data, place) if self.parsed.ok else ()

    @property
    def data(self) -> Any:
        """The body's JSON value; meaningful where `parsed.ok`."""
        return self.parsed.value

    @property
    def conforms(self) -> bool:
        """Whether the body conforms to its schema; True where there is no schema, or no JSON to hold to one."""
        return self._examined[1]

    @property
    def observed(self) -> Observation:
        """What stands in the body, by place; looked at once for all that want to know."""
        return self._examined[0]

    @cached_property
    def _examined(self) -> tuple[Observation, bool]:
        made, data = Observation(), self.data if self.schema is not None and self.parsed.ok else NO_BODY
        return made, examine(self.contract, self.operation, self.status, data, made, self.media_type)
