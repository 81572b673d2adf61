"""Whether a request is let in: its credential, the values of its path, its query and its header."""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

from pytest_bctrl.contract.engine import errors
from pytest_bctrl.contract.key_fields import BEARER, KeyField, key_fields
from pytest_bctrl.contract.model import Contract, Operation, Parameter, SecurityScheme
from pytest_bctrl.contract.parameters import read_field, read_pairs
from pytest_bctrl.samples.inputs import known_values
from pytest_bctrl.secret import Secret
from pytest_bctrl.traffic.mock.message import Request


class Refused(NamedTuple):
    """Why a request is not let in: the status to answer with, the reason in words, and further header fields."""

    status: int
    reason: str
    headers: Mapping[str, str] = {}


class Admission:
    """What one operation asks of a request, for one key and one space."""

    def __init__(self, contract: Contract, operation: Operation, key: Secret, space_id: str) -> None:
        self._contract = contract
        self._operation = operation
        self._key = key
        self._space_id = space_id

    def refusal(self, request: Request, values: Mapping[str, str]) -> Refused | None:
        """Return why a request is refused, the credential first; None where it is let in."""
        return self._unauthorized(request) or self._unknown(values) or self._invalid(request)

    def _unauthorized(self, request: Request) -> Refused | None:
        operation = self._operation
        if operation.is_public or any(self._satisfies(request, schemes) for schemes in operation.security):
            return None
        # What a client is told to bring: the first way that there is.
        field = next(iter(key_fields(self._contract, operation) or ()), BEARER)
        given = request.header(field.name.lower()) is not None
        what = "bearer token" if field.is_bearer else f"key in {field.name}"
        return Refused(
            401,
            f"the {what} is {'not accepted' if given else 'missing'}",
            {"WWW-Authenticate": challenge(given=given, field=field)},
        )

    def _satisfies(self, request: Request, schemes: tuple[SecurityScheme, ...]) -> bool:
        return all(self._matches(request, scheme) for scheme in schemes)

    def _matches(self, request: Request, scheme: SecurityScheme) -> bool:
        if scheme.type == "apiKey":
            return any(self._is_key(value) for value in _key_values(request, scheme))
        if scheme.type in ("oauth2", "openIdConnect") or scheme.scheme == "bearer":
            # RFC 6750, 2.1.
            name, _, token = (request.header("authorization") or "").partition(" ")
            return self._is_key(token.strip()) and name.lower() == "bearer" and bool(token)
        # A password or a certificate: the mock has none, and takes whatever comes.
        return True

    def _is_key(self, value: str) -> bool:
        return hmac.compare_digest(value.encode(), self._key.reveal().encode())

    def _unknown(self, values: Mapping[str, str]) -> Refused | None:
        for parameter, known in self._known:
            if known and values.get(parameter.name) not in known:
                what = "space" if parameter.setting == "space_id" else parameter.name
                return Refused(404, f"there is no such {what}; the mock has {', '.join(known)}")
        return None

    @cached_property
    def _known(self) -> list[tuple[Parameter, list[str]]]:
        given = {"space_id": self._space_id}
        return [(one, known_values(self._contract, one, given)) for one in self._operation.path_parameters]

    def _invalid(self, request: Request) -> Refused | None:
        if not self._operation.other_parameters:
            return None
        query = parse_qsl(urlsplit(request.target).query, keep_blank_values=True)
        for parameter in self._operation.other_parameters:
            found = read_pairs(self._contract, parameter, query) if parameter.place == "query" else None
            if found is None:
                text = _cookie(request, parameter.name) if parameter.place == "cookie" else None
                text = request.header(parameter.name.lower()) if parameter.place == "header" else text
                found = [] if text is None else [read_field(self._contract, parameter, text)]
            if not found and parameter.required:
                return Refused(self._status, f"{parameter.place} {parameter.name} is required and missing")
            for value in found:
                for error in errors(self._contract, parameter.schema, value):
                    return Refused(self._status, f"{parameter.place} {parameter.name}: {error.message[:200]}")
        return None

    @property
    def _status(self) -> int:
        """The status by which the contract says that a request is malformed; 400 where it says nothing."""
        return 422 if "422" in self._operation.responses and "400" not in self._operation.responses else 400


def _key_values(request: Request, scheme: SecurityScheme) -> Iterator[str]:
    if scheme.place == "query":
        pairs = parse_qsl(urlsplit(request.target).query, keep_blank_values=True)
        yield from (value for name, value in pairs if name == scheme.field)
    elif scheme.place == "cookie":
        yield from filter(None, [_cookie(request, scheme.field)])
    else:
        yield from filter(None, [request.header(scheme.field.lower())])


def _cookie(request: Request, name: str) -> str | None:
    for part in (request.header("cookie") or "").split(";"):
        key, _, value = part.strip().partition("=")
        if key == name:
            return value
    return None


def challenge(*, given: bool, field: KeyField = BEARER) -> str:
    """The value of `WWW-Authenticate`: no error code where no credential was given (RFC 6750, 3.1)."""
    if not field.is_bearer:
        return f'ApiKey realm="bctrl", field="{field.name}"'
    return 'Bearer realm="bctrl"' + (', error="invalid_token"' if given else "")
