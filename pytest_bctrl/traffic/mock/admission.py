"""Whether a request is let in: its credential, the values of its path, its query and its header."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

from pytest_bctrl.contract.engine import errors
from pytest_bctrl.contract.key_fields import BASIC, BEARER, KeyField, cookies, key_fields, lets_in
from pytest_bctrl.contract.model import Contract, Operation, Parameter
from pytest_bctrl.contract.parameters import Pair, documented_refusals, read_field, read_pairs
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
        if lets_in(operation, self._key.reveal(), request.header, _query(request)):
            return None
        # What a client is to bring: the first way that there is in a header field.
        field = next(iter(key_fields(self._contract, operation) or ()), None)
        given = field is not None and request.header(field.name.lower()) is not None
        what = "credential" if field is None else _WORDS.get(field, f"key in {field.name}")
        return Refused(
            operation.status_among(401, 403),
            f"the {what} is {'not accepted' if given else 'missing'}",
            {"WWW-Authenticate": challenge(field, given=given)},
        )

    def _unknown(self, values: Mapping[str, str]) -> Refused | None:
        for parameter, known in self._known:
            if known and values.get(parameter.name) not in known:
                what = "space" if parameter.setting == "space_id" else parameter.name
                status = self._operation.status_among(404, 400, 403, 422)
                return Refused(status, f"there is no such {what}; the mock has {', '.join(known)}")
        return None

    @cached_property
    def _key_names(self) -> set[str]:
        return {scheme.field for schemes in self._operation.security for scheme in schemes if scheme.place == "query"}

    @cached_property
    def _known(self) -> list[tuple[Parameter, list[str]]]:
        given = {"space_id": self._space_id}
        return [(one, known_values(self._contract, one, given)) for one in self._operation.path_parameters]

    def _invalid(self, request: Request) -> Refused | None:
        if not self._operation.other_parameters:
            return None
        query = _query(request)
        names = {one.name for one in self._operation.other_parameters if one.place == "query"} | self._key_names
        for parameter in self._operation.other_parameters:
            found = read_pairs(self._contract, parameter, query, names) if parameter.place == "query" else None
            if found is None:
                text = next(iter(cookies(request.header("cookie"), parameter.name)), None)
                text = text if parameter.place == "cookie" else request.header(parameter.name.lower())
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
        return min(documented_refusals(self._operation), default=400)


def _query(request: Request) -> list[Pair]:
    return parse_qsl(urlsplit(request.target).query, keep_blank_values=True)


_WORDS = {BEARER: "bearer token", BASIC: "user and password"}


def challenge(field: KeyField | None, *, given: bool) -> str:
    """The value of `WWW-Authenticate`: no error code where no credential was given (RFC 6750, 3.1)."""
    if field in _WORDS:
        return f'{field.prefix}realm="bctrl"' + (', error="invalid_token"' if given and field.is_bearer else "")
    return 'ApiKey realm="bctrl"' + (f', field="{field.name}"' if field else "")
