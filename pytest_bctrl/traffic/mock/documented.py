"""Responses as the contract documents them: with a documented example, or else with generated values."""

from __future__ import annotations

from typing import Any

from pytest_bctrl.contract.engine import accepts
from pytest_bctrl.contract.model import Contract, Parameter, ResponseSpec, Schema, concrete_media_type
from pytest_bctrl.contract.outline import is_json
from pytest_bctrl.contract.parameters import serialize_field
from pytest_bctrl.errors import DocumentError
from pytest_bctrl.http.message import Headers, MockResponse, Payload
from pytest_bctrl.samples.build import Builder
from pytest_bctrl.samples.examples import body_examples, body_problem
from pytest_bctrl.samples.text import RoundRobin, encode

SEED = 1
_CONNECTION_FIELDS = frozenset(
    {"connection", "content-encoding", "content-length", "content-type", "date", "keep-alive", "trailer"}
    | {"transfer-encoding", "upgrade"}
)
"""Header fields that the server sets, because they describe the message as it is sent."""


class UnknownExampleError(Exception):
    """A request prefers an example that the contract does not have."""


class DocumentedResponses:
    """The responses of a contract, each built once."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        # By the identity of parts of the contract, which live as long as the contract.
        self._payloads: dict[tuple[int, str, str | None], Payload] = {}
        self._samples: dict[int, Any] = {}
        self._fields: dict[tuple[int, bool], Headers] = {}

    def response(
        self, spec: ResponseSpec, code: int, name: str | None = None, requested: str | None = None
    ) -> MockResponse:
        """Return a documented response with the first conforming example, only `name` if given; else a generated body.

        `requested` is one of its media types; by default, it is that of the JSON body, or else the first. Raises
        `UnknownExampleError` for an unknown example, and `DocumentError` if no body can be generated.
        """
        if spec.invalid:
            raise DocumentError(
                f"the response {spec.status} is invalid in the document: {spec.invalid}",
                where=self._contract.name,
                hint="correct the document",
            )
        media_type, schema = next(iter(spec.content.items()), ("", True))
        if spec.json is not None:
            media_type, schema = spec.json
        if requested is not None and requested in spec.content:
            media_type, schema = requested, spec.content[requested]
        if not media_type:
            if name is not None:
                raise UnknownExampleError(f"the response {spec.status} has no examples, because it has no body")
            return MockResponse(code)
        key = id(spec), media_type, name
        if key not in self._payloads:
            self._payloads[key] = Payload(self._body(spec, media_type, schema, name))
        return MockResponse(code, (("Content-Type", concrete_media_type(media_type)),), self._payloads[key])

    def has_example(self, spec: ResponseSpec) -> bool:
        """Return whether a conforming example of the JSON body is documented."""
        if spec.json is None:
            return False
        media_type, schema = spec.json
        values = body_examples(self._contract, spec, media_type, schema).values()
        return any(not body_problem(self._contract, media_type, schema, value) for value in values)

    def _body(self, spec: ResponseSpec, media_type: str, schema: Schema, name: str | None) -> bytes:
        """Return the body of a response: the first conforming example, only `name` if given; else a generated value.

        Raises `UnknownExampleError` if there is no example `name`.
        """
        examples = body_examples(self._contract, spec, media_type, schema)
        if name is not None:
            if name not in examples:
                names = ", ".join(filter(None, examples)) or "none"
                raise UnknownExampleError(f"the response {spec.status} has no example {name}; it has: {names}")
            examples = {name: examples[name]}
        for value in examples.values():
            if not body_problem(self._contract, media_type, schema, value):
                return _encoded(media_type, value)
        value = self.sample(schema)
        if not is_json(media_type) and not isinstance(value, str):
            return b"a sample"
        return _encoded(media_type, value)

    def sample(self, schema: Schema) -> Any:
        """Return a value that a schema allows, with every property; raises `DocumentError` if there is none.

        It is the same at each call.
        """
        if id(schema) not in self._samples:
            builder = Builder(self._contract, RoundRobin(SEED, optional=True), prefers_examples=True)
            self._samples[id(schema)] = builder.value(schema)
        return self._samples[id(schema)]

    def header_fields(self, spec: ResponseSpec, *, only_required: bool) -> Headers:
        """Return the header fields of a response: required ones, and unless `only_required` those with an example."""
        key = id(spec), only_required
        if key not in self._fields:
            fields = ((field.name, self._field_value(field, only_required=only_required)) for field in spec.headers)
            self._fields[key] = tuple((name, value) for name, value in fields if value is not None)
        return self._fields[key]

    def _field_value(self, field: Parameter, *, only_required: bool) -> str | None:
        """Return the value with which a documented header field is sent; None if it is not sent."""
        name = field.name.lower()
        if name in _CONNECTION_FIELDS:
            return None
        is_served = field.required
        examples = [value for value in field.examples if accepts(self._contract, field.schema, value)]
        if not only_required:
            # The mock itself sends the link of each page.
            is_served = field.required or name == "location" or (bool(examples) and name != "link")
        if not is_served:
            return None
        value = examples[0] if examples else self.sample(field.schema)
        text = serialize_field(field, value)
        return text if text.isprintable() else None


def _encoded(media_type: str, value: Any) -> bytes:
    """Return a value as the body of a media type: text as it is, or JSON."""
    if isinstance(value, str) and not is_json(media_type):
        return value.encode("utf-8", "surrogatepass")
    return encode(value)
