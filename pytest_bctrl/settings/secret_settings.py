"""The secrets among the settings: the API key, and the values that output and recordings must not contain."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from pytest_bctrl.errors import SettingError
from pytest_bctrl.secrets.secret import KEY_VARIABLE, SHORTEST, Secret
from pytest_bctrl.settings.lookup import (
    SettingSource,
    SettingValue,
    file_values,
    is_placeholder,
    list_values,
    require_types,
    substitute_variables,
    variables_in,
)
from pytest_bctrl.settings.resolve import record_mode, scrubs_ids
from pytest_bctrl.settings.table import CREDENTIALS, HEADERS, RECORD_MODES, SECRETS, VALUES

if TYPE_CHECKING:
    from pytest_bctrl.secrets.redaction import Redaction


def api_key(environment: Mapping[str, str], client_prefix: str = "") -> Secret:
    """Return the API key from the environment, empty if it is not set; raises `SettingError`, without it, if invalid.

    `client_prefix` is what the client puts in front of the key, if that is set.
    """
    # A `Secret` from the start, because a traceback shows the values of local variables.
    key = Secret(environment.get(KEY_VARIABLE, ""))
    if key and (problem := _problem_of_key(key.reveal(), client_prefix)):
        raise SettingError(problem, where=KEY_VARIABLE, hint=KEY_HINT)
    return key


KEY_HINT = f"export {KEY_VARIABLE}=… in the shell, or set it as a secret in CI; no option takes it"


class SchemeValue(NamedTuple):
    """The value of a security scheme, where it comes from, and its expression in a shell."""

    secret: Secret
    source: str
    shell: str


def scheme_values(source: SettingSource, environment: Mapping[str, str]) -> dict[str, SchemeValue]:
    """Return the values in `bctrl_credentials` by the names of their security schemes.

    Raises `SettingError` for a line that is not `scheme = $VARIABLE`, and for a variable that is not set.
    """
    scheme_values: dict[str, SchemeValue] = {}
    for line in file_values(CREDENTIALS, source):
        name, equals, text = (part.strip() for part in line.value.partition("="))
        if not name or not equals or not _VARIABLES.fullmatch(text):
            # The line is not shown, because it may contain the credential.
            hint = "write scheme = $VARIABLE, or scheme = $USER:$PASSWORD; the values come from the environment"
            raise SettingError("a line names no security scheme and variable", where=line.where, hint=hint)
        value = Secret(substitute_variables(text, line.where, environment))
        if not is_sendable(value.reveal()):
            hint = "give printable ASCII, without white space around it"
            raise SettingError(f"no request can carry the value of {text}", where=line.where, hint=hint)
        scheme_values[name] = SchemeValue(value, f"{text} ({CREDENTIALS.ini})", text)
    return scheme_values


_VARIABLES = re.compile(r"\$(\w+|\{\w+\})(:\$(\w+|\{\w+\}))?", re.ASCII)


def _problem_of_key(key: str, client_prefix: str) -> str:
    """Return what is wrong with a key, and how to correct it, without showing a secret part of it; "" if nothing is.

    `client_prefix` is what the client puts in front of the key. It only decides how to correct a key that begins with
    such a word.
    """
    first_word, space, _ = key.strip().partition(" ")
    if first_word.lower() in _SCHEMES and space:
        problem = f"the value begins with {first_word}: give the key alone"
        if first_word.lower() in ("bearer", "basic") or client_prefix:
            return f"{problem}, since the client adds that"
        return f"{problem}, and set bctrl_key_prefix = {first_word}"
    if is_placeholder(key):
        return "the value is a placeholder of the documentation, not a key"
    if re.match(r"(?i)(authorization|[a-z-]*key|[a-z-]*token): ", key):
        return "the value is a header field: give the key alone"
    if re.fullmatch(r"\$(\w+|\{.*\})", key):
        return "the value is a reference to a variable that was not replaced: check the quotes around it"
    if key.endswith(("\n", "\r")) or key.startswith(("\n", "\r")):
        return "the key begins or ends with a line end: remove it"
    if key != key.strip():
        return "the key begins or ends with white space: remove it"
    if key[:1] in "\"'" and key[-1:] == key[:1] and len(key) > 1:
        return "the key is in quotes: remove them"
    if " " in key or not is_sendable(key):
        return "the key contains white space, a line end or characters that no key has"
    return ""


_SCHEMES = frozenset({"bearer", "basic", "token", "apikey", "api-key", "key", "oauth", "digest", "geniekey"})
"""Words that documentation shows in front of a key, in lower case."""


def is_sendable(text: str) -> bool:
    """Return whether a header field can hold a text; the error of an HTTP library would show the text."""
    return text.isascii() and text.isprintable() and text == text.strip()


def is_field_name(text: str) -> bool:
    """Return whether a text is the name of a header field (RFC 9110, 5.6.2)."""
    return _FIELD_NAME.fullmatch(text) is not None


_FIELD_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def add_secrets(redaction: Redaction, source: SettingSource, environment: Mapping[str, str]) -> None:
    """Add the secrets of environment and settings to a redaction, variables in headers and parameter values too.

    Wrong settings are ignored; reading them raises the error later.
    """
    redaction.add_environment(environment)
    with suppress(SettingError):
        for line, secret in _secret_values(source, environment):
            name = line.value[1:] if line.value.startswith("$") else f"a value of {SECRETS.ini}"
            redaction.add(secret, name=name)
    # pytest has no options yet when it calls this for the first time.
    with suppress(SettingError, ValueError):
        settings = (*list_values(HEADERS, source), *file_values(VALUES, source), *file_values(CREDENTIALS, source))
        for line in settings:
            for name in variables_in(line.value):
                redaction.add(environment.get(name, ""), name=name)


def _secret_values(source: SettingSource, environment: Mapping[str, str]) -> Iterator[tuple[SettingValue, Secret]]:
    """Yield each line of `bctrl_secrets` with its secret, empty for a variable that is not set."""
    for line in file_values(SECRETS, source):
        is_variable = line.value.startswith("$")
        value = environment.get(line.value[1:], "") if is_variable else line.value
        yield line, Secret(value)


def require_secrets(source: SettingSource, environment: Mapping[str, str]) -> None:
    """Raise `SettingError`, without any value, if the run records and a secret is not set, or too short to search for.

    A line of `bctrl_secrets` is a value, or `$NAME` for the value of an environment variable. A value that is too short
    would be found everywhere. A run that records nothing does not need the secrets.
    """
    if record_mode(source, environment) == RECORD_MODES[0]:
        return
    key = Secret(environment.get(KEY_VARIABLE, ""))
    if key:
        require_searchable(key, KEY_VARIABLE)
    for line, secret in _secret_values(source, environment):
        if not line.value.startswith("$"):
            require_searchable(secret, line.where)
            continue
        name = line.value[1:]
        if not secret:
            raise SettingError(f"the variable {name} is not set", where=line.where, hint=f"export {name}=…")
        require_searchable(secret, name)


def require_searchable(secret: Secret, where: str) -> None:
    """Raise `SettingError`, without the value, for a secret that is too short to search a recording for."""
    if len(secret.reveal()) < SHORTEST:
        raise SettingError(
            f"a secret has fewer than {SHORTEST} characters, too few to redact it reliably in a recording",
            where=where,
            hint=f"record with one of {SHORTEST} characters or more",
        )


def require_recording_settings(source: SettingSource, environment: Mapping[str, str]) -> None:
    """Raise `SettingError` for a setting of a wrong type, or a wrong setting of recordings, before any test."""
    require_types(source)
    record_mode(source, environment)
    scrubs_ids(source)
    require_secrets(source, environment)
