"""Where an operation takes the one key that there is: the header fields that carry it, and what lets it in."""

from __future__ import annotations

import hmac
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from pytest_bctrl.contract.model import Contract, Operation, SecurityScheme


@dataclass(frozen=True, slots=True)
class KeyField:
    """A header field and what stands before the key in it: `Authorization` and `Bearer `, `X-Key` and nothing."""

    name: str
    prefix: str = ""

    @property
    def is_bearer(self) -> bool:
        """Whether the key is a bearer token (RFC 6750, 2.1)."""
        return self == BEARER

    def value(self, key: str) -> str:
        """What is in the field for a key; for Basic it is `user:password`, or else a user without a password."""
        if self == BASIC:
            key = b64encode((key if ":" in key else f"{key}:").encode()).decode("ascii")
        return self.prefix + key

    def shell(self, key: str) -> str:
        """The same for a key that a shell writes, such as `$BCTRL_API_KEY`."""
        if self == BASIC:
            # A colon is put behind a key that has none.
            return f'{self.prefix}$(k="{key}"; [[ $k == *:* ]] || k+=:; printf %s "$k" | base64 | tr -d "\\n")'
        return self.prefix + key


BEARER = KeyField("Authorization", "Bearer ")
BASIC = KeyField("Authorization", "Basic ")


def key_fields(contract: Contract, operation: Operation) -> tuple[KeyField, ...] | None:
    """Return the fields that carry the key in a request; none for a public operation.

    Of alternatives it is the first that a single key can satisfy. None stands for an operation whose security is of
    another kind: a certificate, a key in the URL, where logs would keep it, or two credentials in one field.
    A contract that secures nothing at all leaves the credential out rather than denies it: the key is sent as a
    bearer token.
    """
    if not operation.security:
        return () if any(other.security for other in contract.operations) else (BEARER,)
    for requirement in operation.security:
        fields = dict.fromkeys(map(_field, requirement))
        names = {field.name.lower() for field in fields if field is not None}
        if len(names) == len(fields):
            return tuple(field for field in fields if field is not None)
    return None


_NAME = re.compile(r"[#%&'*+.^_|~0-9A-Za-z-]+")
"""A token (RFC 9110, 5.6.2) in which a shell replaces nothing: shown commands have it in double quotes."""


def _field(scheme: SecurityScheme) -> KeyField | None:
    if _is_bearer(scheme):
        return BEARER
    if scheme.type == "http":
        return BASIC if scheme.scheme == "basic" else None
    if scheme.type != "apiKey" or not _NAME.fullmatch(scheme.field or ""):
        return None
    return {"header": KeyField(scheme.field), "cookie": KeyField("Cookie", f"{scheme.field}=")}.get(scheme.in_)


def _is_bearer(scheme: SecurityScheme) -> bool:
    return scheme.type in ("oauth2", "openIdConnect") or (scheme.type == "http" and scheme.scheme == "bearer")


def credential_field(contract: Contract, operation: Operation) -> KeyField | None:
    """Return the field in which a wrong credential has to be refused; None where no credential is needed or known."""
    fields = () if operation.is_public else key_fields(contract, operation)
    return fields[0] if fields else None


def has_valid_key(
    operation: Operation, key: str, header: Callable[[str], str | None], query: Iterable[tuple[str, str]] = ()
) -> bool:
    """Whether a request brings the key in one of the ways that an operation takes it.

    `header` gives a field of the request by its name in lower case, `query` are the decoded pairs of its URL. A
    certificate, and what is no key at all, never lets in.
    """

    def brings(scheme: SecurityScheme) -> bool:
        return any(hmac.compare_digest(one.encode("utf-8", "replace"), key.encode()) for one in given(scheme))

    def given(scheme: SecurityScheme) -> Iterator[str]:
        if scheme.type == "apiKey" and scheme.in_ == "query":
            yield from (value for name, value in query if name == scheme.field)
        elif scheme.type == "apiKey" and scheme.in_ == "cookie":
            yield from cookies(header("cookie"), scheme.field)
        elif scheme.type == "apiKey":
            yield from filter(None, [header(scheme.field.lower())])
        else:
            name, _, value = (header("authorization") or "").partition(" ")
            if _is_bearer(scheme) and name.lower() == "bearer":
                yield value.strip()
            elif _field(scheme) == BASIC and name.lower() == "basic":
                yield from _user_and_password(value.strip())

    return operation.is_public or any(all(map(brings, schemes)) for schemes in operation.security)


def _user_and_password(encoded: str) -> tuple[str, ...]:
    """What may be the key in the credentials of Basic (RFC 7617, 2): both together, the user, the password."""
    try:
        both = b64decode(encoded, validate=True).decode()
    except ValueError:
        return ()
    user, _, password = both.partition(":")
    return both, user, password


def cookies(field: str | None, name: str) -> list[str]:
    """The values of a cookie in the `Cookie` field of a request (RFC 6265, 4.2.1)."""
    pairs = (part.strip().partition("=") for part in (field or "").split(";"))
    return [value for key, _, value in pairs if key == name]
