"""Where an operation takes the one key that there is: the request's header fields that carry it."""

from __future__ import annotations

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


BEARER = KeyField("Authorization", "Bearer ")


def key_fields(contract: Contract, operation: Operation) -> tuple[KeyField, ...] | None:
    """Return the fields that carry the key in a request; none for a public operation.

    Of alternatives it is the first that a single key can satisfy. None stands for an operation whose security is of
    another kind: a user name with a password, a certificate, or a key in the URL, where logs would keep it.
    A contract that secures nothing at all leaves the credential out rather than denies it: the key is sent as a
    bearer token.
    """
    if not operation.security:
        return () if any(other.security for other in contract.operations) else (BEARER,)
    for requirement in operation.security:
        fields = [_field(scheme) for scheme in requirement]
        if None not in fields:
            return tuple(field for field in fields if field is not None)
    return None


def _field(scheme: SecurityScheme) -> KeyField | None:
    if scheme.type in ("oauth2", "openIdConnect") or (scheme.type == "http" and scheme.scheme == "bearer"):
        return BEARER
    if scheme.type != "apiKey" or not scheme.field:
        return None
    return {"header": KeyField(scheme.field), "cookie": KeyField("Cookie", f"{scheme.field}=")}.get(scheme.place)


def guarded_by(contract: Contract, operation: Operation) -> KeyField | None:
    """Return the field in which a wrong credential has to be refused; None where no credential is needed or known."""
    fields = () if operation.is_public else key_fields(contract, operation)
    return fields[0] if fields else None
