"""Which security requirement of an operation applies, where its credentials go, and whether a request has them."""

from __future__ import annotations

import hmac
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from pytest_bctrl.contract.model import Contract, Operation, SecurityScheme
from pytest_bctrl.errors import SettingError


@dataclass(frozen=True, slots=True)
class KeyField:
    """A header field or query parameter, and the prefix of the key in it: `Authorization` and `Bearer `, or `X-Key`."""

    name: str
    prefix: str = ""
    in_query: bool = False

    @property
    def is_bearer(self) -> bool:
        """Whether the key is a bearer token (RFC 6750, 2.1)."""
        return self == BEARER

    def __str__(self) -> str:
        """Return where the key goes, as text: `Authorization: Bearer …`, or `?api_key=…`."""
        return f"?{self.name}=…" if self.in_query else f"{self.name}: {self.prefix}…"

    def value(self, key: str) -> str:
        """Return the value of the field for a key; for Basic, the key is `user:password` or a user alone."""
        if self == BASIC:
            key = b64encode((key if ":" in key else f"{key}:").encode()).decode("ascii")
        return self.prefix + key

    def shell(self, key: str) -> str:
        """Return the field's value for a shell command, in which `key` is a variable such as `$BCTRL_API_KEY`."""
        if self == BASIC:
            # The command appends a colon to a key that has none.
            return f'{self.prefix}$(k="{key}"; [[ $k == *:* ]] || k+=:; printf %s "$k" | base64 | tr -d "\\n")'
        return self.prefix + key


BEARER = KeyField("Authorization", "Bearer ")
BASIC = KeyField("Authorization", "Basic ")


def requirement(operation: Operation) -> tuple[SecurityScheme, ...]:
    """Return the schemes of the security requirement that applies to an operation; empty if it needs no credential.

    Of alternatives, it is the first (`with_preferred_schemes`). If the operation has none, it is the scheme that is
    assumed, unless no field carries that.
    """
    if operation.security:
        return operation.security[0]
    return (operation.assumed,) if operation.assumed and field_of(operation.assumed) else ()


def key_fields(operation: Operation) -> tuple[KeyField, ...] | None:
    """Return the fields that carry the credentials of an operation; empty if it needs none, None if none can.

    The result is None if the operation requires a certificate, a digest or two credentials in one field.
    """
    return _fields_of(requirement(operation))


def _fields_of(schemes: Sequence[SecurityScheme]) -> tuple[KeyField, ...] | None:
    """Return the fields that carry the credentials of schemes; None if one has none, or two share one."""
    fields = dict.fromkeys(map(field_of, schemes))
    if None in fields or len({(field.name.lower(), field.in_query) for field in fields if field}) < len(fields):
        return None
    return tuple(field for field in fields if field is not None)


def with_preferred_schemes(contract: Contract, names: Sequence[str] = ()) -> Contract:
    """Return a contract whose security requirements are in order of preference: the first one applies.

    First are those whose schemes are all in `names`, in that order. The others keep the order of the document: first
    one without any scheme, then those of header fields, then those with a key in the URL, which logs would contain, and
    last those that no key satisfies. Raises `SettingError` for a name that no operation has.
    """
    known = {scheme.name for operation in contract.operations for schemes in operation.security for scheme in schemes}
    for name in names:
        if name not in known:
            hint = f"name one or more of: {', '.join(sorted(known))}" if known else "remove it: no operation has one"
            raise SettingError(f"no operation has the security scheme {name!r}", where="bctrl_security", hint=hint)
    ranks = {name: rank for rank, name in enumerate(names)}

    def scheme_rank(scheme: SecurityScheme) -> int:
        """Return the position of a scheme among the preferred ones; that after the last for all others."""
        return ranks.get(scheme.name, len(ranks))

    def alternative_rank(schemes: tuple[SecurityScheme, ...]) -> tuple[int, list[int]]:
        """Return the rank of a requirement, by which alternatives are sorted."""
        if schemes and all(scheme.name in ranks for scheme in schemes):
            return 0, sorted(map(scheme_rank, schemes))
        fields = _fields_of(schemes)
        if fields is None:
            return 4, []
        return (3 if any(field.in_query for field in fields) else 2 if fields else 1), []

    operations = []
    for operation in contract.operations:
        ordered = [tuple(sorted(schemes, key=scheme_rank)) for schemes in operation.security]
        operations.append(replace(operation, security=tuple(sorted(ordered, key=alternative_rank))))
    return replace(contract, operations=tuple(operations), preferred_schemes=tuple(names))


def schemes_in_order(contract: Contract) -> list[SecurityScheme]:
    """Return the schemes that apply to operations: the preferred ones, those of the document, then of operations."""
    applied = {scheme.name: scheme for operation in contract.operations for scheme in requirement(operation)}
    of_document = [name for alternative in contract.document.get("security") or () for name in alternative]
    names = dict.fromkeys([*contract.preferred_schemes, *of_document, *applied])
    return [applied[name] for name in names if name in applied]


_NAME = re.compile(r"[#%&'*+.^_|~0-9A-Za-z-]+")
"""A token (RFC 9110, 5.6.2) without characters that a shell expands, because commands have it in double quotes."""


def field_of(scheme: SecurityScheme) -> KeyField | None:
    """Return the field that carries the credential of a scheme; None if none does, such as that of a certificate."""
    if _is_bearer(scheme):
        return BEARER
    if scheme.type == "http" and scheme.prefix:
        return KeyField("Authorization", scheme.prefix)
    if scheme.type == "http":
        return BASIC if scheme.scheme == "basic" else None
    if scheme.type != "apiKey" or not _NAME.fullmatch(scheme.field or ""):
        return None
    if scheme.in_ == "cookie":
        return KeyField("Cookie", f"{scheme.field}=")
    return KeyField(scheme.field, scheme.prefix, in_query=scheme.in_ == "query")


def _is_bearer(scheme: SecurityScheme) -> bool:
    """Return whether the credential of a scheme is a bearer token."""
    return scheme.type in ("oauth2", "openIdConnect") or (scheme.type == "http" and scheme.scheme == "bearer")


def with_assumed_scheme(contract: Contract, scheme: SecurityScheme) -> Contract:
    """Return a contract that assumes a scheme for the operations of which the document does not say what they need."""
    labels = contract.unapplied.operations if contract.unapplied else ()
    operations = (
        replace(operation, assumed=scheme) if operation.label in labels else operation
        for operation in contract.operations
    )
    return replace(contract, operations=tuple(operations))


def with_key_prefix(contract: Contract, prefix: str) -> Contract:
    """Return a contract whose API keys in header fields follow a prefix, such as `Token `.

    If an API key in `Authorization` is documented, that one alone has the prefix, since others hardly ever have one.
    A scheme of HTTP authentication (`type: http`) with the name of the prefix has it too. If no operation has security,
    the key is sent in `Authorization`, unless the document defines another field as the only one. Raises `SettingError`
    if the contract has security, but not one of these schemes, or says that all operations are public.
    """
    alternatives = [alternative for operation in contract.operations for alternative in operation.security]
    schemes = {scheme for alternative in alternatives for scheme in alternative}
    if not schemes and contract.unapplied is not None:
        assumed = next((operation.assumed for operation in contract.operations if operation.assumed), None)
        if assumed is None or assumed.type != "apiKey":
            assumed = SecurityScheme("Authorization", "http")
        return with_assumed_scheme(contract, replace(assumed, prefix=prefix))
    prefixed = {scheme for scheme in schemes if scheme.type == "http" and scheme.scheme == prefix.strip().lower()}
    if not prefixed:
        keys = {scheme for scheme in schemes if scheme.type == "apiKey" and scheme.in_ == "header"}
        prefixed = {scheme for scheme in keys if scheme.field.lower() == "authorization"} or keys
    if not prefixed:
        described = ", ".join(sorted({scheme.scheme or scheme.type for scheme in schemes})) or "none"
        raise SettingError(
            f"no operation takes an API key in a header field: the security of the contract is {described}",
            where="bctrl_key_prefix",
            hint="remove the setting, or document the key as type: apiKey, in: header",
        )
    changed = {scheme: replace(scheme, prefix=prefix) for scheme in prefixed}
    operations = []
    for operation in contract.operations:
        security = [tuple(changed.get(scheme, scheme) for scheme in alternative) for alternative in operation.security]
        operations.append(replace(operation, security=tuple(security)))
    return replace(contract, operations=tuple(operations))


def field_to_reject(operation: Operation) -> KeyField | None:
    """Return the field in which a wrong key must be rejected; None for a public operation or if no field carries it."""
    if operation.is_public:
        return None
    fields = key_fields(operation)
    return fields[0] if fields else None


def has_valid_key(
    operation: Operation, key: str, header: Callable[[str], str | None], query: Iterable[tuple[str, str]] = ()
) -> bool:
    """Return whether a request carries the key so that an operation's security is satisfied; true if it is public.

    `header` returns a field of the request by its name in lower case; `query` are the decoded pairs of its URL. A
    requirement of another kind, such as a certificate, is never satisfied.
    """
    return operation.is_public or any(
        all(has_key(scheme, key, header, query) for scheme in schemes) for schemes in operation.security
    )


def has_key(
    scheme: SecurityScheme, key: str, header: Callable[[str], str | None], query: Iterable[tuple[str, str]]
) -> bool:
    """Return whether a request carries the key as the credential of a scheme."""
    credentials = sent_credentials(scheme, header, query)
    expected = key.encode()
    return any(hmac.compare_digest(credential.encode("utf-8", "replace"), expected) for credential in credentials)


def is_verifiable(scheme: SecurityScheme) -> bool:
    """Return whether a key can be the credential of a scheme, unlike a certificate or a digest."""
    return field_of(scheme) is not None or scheme.type == "apiKey"


def sent_credentials(
    scheme: SecurityScheme, header: Callable[[str], str | None], query: Iterable[tuple[str, str]]
) -> Iterator[str]:
    """Yield the values in a request that may be the credential of a scheme; none for an empty field."""
    if scheme.type == "apiKey" and scheme.in_ == "query":
        yield from (value for name, value in query if name == scheme.field)
    elif scheme.type == "apiKey" and scheme.in_ == "cookie":
        yield from cookies(header("cookie"), scheme.field)
    elif scheme.type == "apiKey" or scheme.prefix:
        value = header((scheme.field or "Authorization").lower()) or ""
        if value.lower().startswith(scheme.prefix.lower()):
            yield from filter(None, [value[len(scheme.prefix) :].strip()])
        if not scheme.prefix and scheme.field.lower() == "authorization" and (match := _LAST_WORD.search(value)):
            # The text before the key is in the description of the scheme, if anywhere: `Token token=…`.
            yield match[1]
    else:
        name, _, value = (header("authorization") or "").partition(" ")
        if _is_bearer(scheme) and name.lower() == "bearer":
            yield value.strip()
        elif field_of(scheme) == BASIC and name.lower() == "basic":
            yield from _basic_credentials(value.strip())


_LAST_WORD = re.compile(r"[ =]([^ =]+=*)\Z")
"""The text after the last blank or equals sign."""


def _basic_credentials(encoded: str) -> tuple[str, ...]:
    """Return the parts of Basic credentials that may be the key (RFC 7617, 2): all of it, the user, the password."""
    try:
        credentials = b64decode(encoded, validate=True).decode()
    except ValueError:
        return ()
    user, _, password = credentials.partition(":")
    return credentials, user, password


def cookies(field: str | None, name: str) -> list[str]:
    """Return the values of a cookie in the `Cookie` field of a request (RFC 6265, 4.2.1)."""
    pairs = (part.strip().partition("=") for part in (field or "").split(";"))
    return [value for key, _, value in pairs if key == name]
