"""Finds the credentials in URLs, header fields and bodies, and replaces them; everything else stays as it is.

A credential is recognised by the name of its field, parameter or property, by the names that a contract adds, and by
its form, as that of a JSON Web Token.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from urllib.parse import quote, unquote, unquote_plus

from pytest_bctrl.secrets.encodings import is_random
from pytest_bctrl.secrets.json_text import edit_json
from pytest_bctrl.secrets.names import (
    CREDENTIAL_FORM,
    is_credential,
    is_distinctive,
    is_opaque,
    looks_generated,
    plain_name,
)
from pytest_bctrl.secrets.secret import REDACTED

Headers = tuple[tuple[str, str], ...]

_USER = re.compile(r"(?<=://)(?P<user>[^/?#@\s\"'<>:]*)(?P<password>:[^/?#@\s\"'<>]*)?@")
_PAIR = re.compile(
    r"""(?P<before>\A|[^\w.%\[\]-])(?P<name>[\w.%\[\]-]{2,80})=(?P<value>"[^"]*"|'[^']*'|[^\s&;,#"'<>]+)"""
)
_QUOTED = re.compile(
    r"""(?P<before>(?<![\w.-])["']?(?P<name>[\w.-]{2,80})["']?\s{0,3}(?:=>|[:=])\s{0,3}(?P<quote>["']))(?P<value>[^"'\n]+)(?P=quote)"""
)
_LINE = re.compile(
    r"(?P<before>(?<![\w.-])(?:(?P<name>[A-Za-z][\w.-]{1,80})(?::[ \t]*|[ \t]{1,20}=[ \t]+)"
    r"|--(?P<option>[\w-]{2,80})[ \t]+'?))"
    r"(?P<value>[^\s,;\"'<>(){}\[\]]+)"
)
_SETTING = re.compile(
    r"^(?P<before>[ \t]*(?:-[ \t]+)?(?P<name>[\w.-]{2,80})[ \t]*[:=][ \t]*)(?P<value>[^\s\"'#&*|>{\[][^\n#]*)",
    re.MULTILINE,
)
"""Matches a line of a configuration file."""
_ELEMENT = re.compile(
    r"(?P<before><(?:[\w-]+:)?(?P<name>[\w.-]+)(?:\s[^<>]*)?>)"
    r"(?P<value><!\[CDATA\[(?:[^\]<]|\](?!\]>)|<(?!!\[CDATA))+\]\]>|[^<>]+)(?=</)"
)
_NAMED_ELEMENT = re.compile(
    r"(?P<before><(?:name|key)>(?P<name>[\w.-]{2,80})</(?:name|key)>\s{0,80}(?:<\w+>\s{0,80}){1,2})(?P<value>[^<>]+)(?=</)"
)
_TAG = re.compile(r"<(?P<element>\w[\w:.-]*)\s[^<>]*>(?P<text>[^<>]*)")
_ATTRIBUTE = re.compile(
    r"""\b(?P<name>name|key|id|type|value|content)=(?P<value>"[^"]*"|'[^']*'|[^\s>]+)""", re.IGNORECASE
)
_CURL_USER = re.compile(r"""(?P<before>\s(?:-u|--user)[ =]["']?[^\s:"']+:)(?P<value>[^\s"']+)""")
_SCHEME = re.compile(
    r"(?P<before>\b(?P<scheme>Basic|Bearer|Token|ApiKey|Digest|Negotiate|NTLM)\s{1,9})(?P<value>[\w.~+/=-]{8,})",
    re.IGNORECASE,
)
_AUTHORIZATION = re.compile(r"(?P<before>(?P<scheme>[A-Za-z][\w-]*)\s+)?(?P<value>\S.*)", re.DOTALL)
_JSON = re.compile(r"\s*(?:\{\s*(?:[\"}]|\Z)|\[\s*(?:[\"{\[\]]|\Z|(?:-?\d[\d.eE+-]*|true|false|null)\s*[,\]]))")
"""Matches the start of a JSON text, and not that of a section of a configuration file."""
_KIND = re.compile(r"eyJ|AKIA|ASIA|AIza|(?:[a-z0-9]{1,4}[_.-](?:live[_-]|test[_-]|pat[_-])?)|github_pat_")
_SCOPE = re.compile(r"([\w@.-]+)/\d{8}/")
"""Matches the credential of a presigned URL, which ends in a date, a region and a service."""
_IN_URL = frozenset("?&#")
_ENCODED = re.compile(r"[\w.~%*+-]*%3[dDaA][\w.~%*+-]*")
"""Matches a text in which every `=` or `:` is encoded for a URL, as in a URL in a URL in a URL."""
_CODE = re.compile(r"(?:^|[?&#])(?:state|session_state|grant_type|code_verifier|redirect_uri)=")
"""Parameters beside which `code` is an authorization code (RFC 6749, 4.1.2 and 4.1.3)."""
_PART_NAME = re.compile(
    r"""^content-disposition:[^\n]*?(?:\n(?=[ \t])[^\n]*?)?[;\s]name(?:\*=[\w-]*'\w*'|\s?=\s?)["']?([^"';\r\n]+)""",
    re.IGNORECASE | re.MULTILINE,
)
_PART_TYPE = re.compile(r"^content-type:\s*([^\r\n]+)", re.IGNORECASE | re.MULTILINE)
_PART_ENCODING = re.compile(r"^content-transfer-encoding:\s*base64\b", re.IGNORECASE | re.MULTILINE)
_DELIMITER = re.compile(r"\s*(--[^\s]{1,70})\r?\n(?:[\w-]+:|\r?\n)")
"""Matches the start of a multipart body."""
_BOUNDARY = re.compile(r"""boundary=(?:"([^"]+)"|([^\s;]+))""", re.IGNORECASE)
_HINTS = (
    *("pass", "pwd", "secret", "token", "key", "auth", "cred", "sess", "sig", "jwt", "bearer", "basic", "otp", "code"),
    *("sid", "cookie", "assertion", "saml", "csrf", "xsrf", "hmac", "cvv", "cvc", "psk", "puk", "pin", "negotiate"),
    *("ntlm", "answer", "verifier", "senha", "contrase", "motdepasse", "mot_de", "base64", "@", "\\u", "%"),
)
"""Every text with a credential name has one of them; others are searched for the form of credentials only."""
_WINDOW, _LONGEST_HINT = 1 << 20, 80
"""Number of characters that are searched for hints together, and by which windows overlap."""
_SETTINGS = re.compile(r"yaml|toml|[/.-]ini\b|properties")
_LABELS = frozenset({"a", "button", "input", "label", "meta", "option"})
"""Elements whose texts are labels."""
_NESTED = 4
"""Maximum depth of texts in texts, such as a URL in a parameter of a URL in a JSON string."""


def redacted(_value: str) -> str:
    """Return the text that replaces a credential in output."""
    return REDACTED


def placeholder(value: str) -> str:
    """Return a credential with its letters and digits replaced, which fits the same schemas; the same for each call.

    Files have it in place of the credential: a recorded response still conforms to its contract. A prefix that names
    the kind of a credential, such as `sk_live_`, stays.
    """
    match = _KIND.match(value)
    prefix = match[0] if match and looks_generated(value[match.end() :]) else ""
    secret_part = value[len(prefix) :]
    for letters, digit in (("aA", "1"), ("bB", "2")):
        text = "".join(_replaced_character(character, letters, digit) for character in secret_part)
        if text != secret_part:
            return prefix + text
    return REDACTED


def _replaced_character(character: str, letters: str, digit: str) -> str:
    """Return the character of a placeholder: a letter for a letter in the same case, a digit for a digit."""
    if character.isdigit():
        return digit
    if character.isalpha() or not character.isascii():
        return letters[character.isupper()]
    return character


class Credentials:
    """Replaces the credentials in the parts of exchanges, and collects them in `values`.

    `fields` are further names of credentials in header, query, cookie and path, `properties` those in bodies: the names
    of a contract. `replace` returns what is shown in place of a value.
    """

    def __init__(
        self,
        fields: Collection[str] = (),
        properties: Collection[str] = (),
        replace: Callable[[str], str] = redacted,
    ) -> None:
        self._fields = frozenset(map(plain_name, fields))
        self._properties = frozenset(map(plain_name, properties))
        self._hints = (*_HINTS, *(_hint_of(name) for name in (*fields, *properties)))
        self._replace = replace
        self.values: dict[str, None] = {}
        """The credentials found so far, decoded; in the order in which they were found."""

    def headers(self, headers: Iterable[tuple[str, str]]) -> Headers:
        """Return header fields without credentials; of `Authorization`, the scheme stays, and of a cookie its name."""
        return tuple((name, self._header(name, value)) for name, value in headers)

    def url(self, url: str, path_values: Mapping[str, str] | None = None) -> str:
        """Return a URL or a request target without credentials; `path_values` are its decoded values by name."""
        for name, value in (path_values or {}).items():
            if value and (plain_name(name) in self._fields or self._is_credential(name, value, is_in_body=True)):
                # The bytes of a value need not be UTF-8.
                sent = value.encode("utf-8", "surrogateescape")
                for form in dict.fromkeys((quote(sent, safe=""), quote(sent), value)):
                    url = url.replace(f"/{form}", f"/{_encoded(self._replaced(value))}")
        return self.text(url)

    def body(self, body: bytes, content_type: str = "") -> bytes:
        """Return a body without credentials, by its media type, and else by its form."""
        # In Latin-1, a large body takes a byte per character. Nearly all bodies have no credential.
        latin = body.decode("latin-1")
        if not self._has_hint(latin) and CREDENTIAL_FORM.search(latin) is None:
            return body
        text = body.decode("utf-8", "surrogateescape")
        edited = self._body_text(text, content_type)
        return body if edited == text else edited.encode("utf-8", "surrogateescape")

    def text(self, text: str, depth: int = 0, *, is_form: bool = False) -> str:
        """Return a text without credentials: URLs, pairs, elements, JSON, and values with the form of credentials."""
        if depth > _NESTED or not text:
            return text
        if _ENCODED.fullmatch(text):
            decoded = unquote(text)
            edited = self.text(decoded, depth + 1)
            return text if edited == decoded else _encoded(edited)
        if self._has_hint(text):
            text = self._without_named(text, depth, is_form=is_form)
        return CREDENTIAL_FORM.sub(lambda match: self._replaced(match[0]), text)

    def _has_hint(self, text: str) -> bool:
        """Return whether a text may have a credential name: much faster than a regular expression."""
        for start in range(0, len(text), _WINDOW):
            window = text[start : start + _WINDOW + _LONGEST_HINT].lower()
            if any(hint in window for hint in self._hints):
                return True
        return False

    def _without_named(self, text: str, depth: int, *, is_form: bool) -> str:
        """Return a text without the values of credential names."""
        if _JSON.match(text):
            return edit_json(text, lambda names, value: self._member(names, value, depth + 1))
        text = _USER.sub(self._edited_user, text)
        has_code = _CODE.search(text) is not None
        text = _PAIR.sub(lambda match: self._edited_pair(match, has_code, depth, is_form=is_form), text)
        text = _QUOTED.sub(lambda match: self._edited_value(match, match["quote"]), text)
        text = _LINE.sub(self._edited_line, text)
        text = _SCHEME.sub(self._edited_scheme_in_text, text)
        text = _CURL_USER.sub(lambda match: f"{match['before']}{self._replaced(match['value'])}", text)
        if "<" in text:
            text = _TAG.sub(self._edited_tag, text)
            text = _ELEMENT.sub(lambda match: self._edited_value(match, ""), text)
            text = _NAMED_ELEMENT.sub(lambda match: self._edited_value(match, ""), text)
        return text

    def _body_text(self, text: str, content_type: str) -> str:
        """Return the text of a body without credentials."""
        essence = content_type.partition(";")[0].strip().lower()
        delimiter = _delimiter_of(text, content_type)
        if delimiter:
            return delimiter.join(map(self._part, text.split(delimiter)))
        if essence == "application/x-www-form-urlencoded":
            return self.text(text, is_form=True)
        if "json" in essence and self._has_hint(text):
            edited = edit_json(text, lambda names, value: self._member(names, value, 1))
            return CREDENTIAL_FORM.sub(lambda match: self._replaced(match[0]), edited)
        if _SETTINGS.search(essence):
            text = _SETTING.sub(lambda match: self._edited_value(match, ""), text)
        return self.text(text)

    def _part(self, part: str) -> str:
        """Return a part of a multipart body, with its header section, without credentials."""
        separator = "\r\n\r\n" if "\r\n\r\n" in part else "\n\n"
        head, _, content = part.partition(separator)
        if not content:
            return part
        name, media_type = _PART_NAME.search(head), _PART_TYPE.search(head)
        value = content.rstrip("\r\n")
        if name is not None and value and self._is_credential(name[1], value, is_in_body=True):
            edited = self._replaced(value)
        elif _PART_ENCODING.search(head):
            edited = self._base64(value, media_type[1] if media_type else "")
        else:
            edited = self._body_text(value, media_type[1] if media_type else "")
        return f"{head}{separator}{edited}{content[len(value) :]}"

    def _base64(self, value: str, content_type: str) -> str:
        """Return a text in base64 without credentials."""
        try:
            decoded = b64decode(value)
        except ValueError:
            return value
        edited = self.body(decoded, content_type)
        return value if edited == decoded else b64encode(edited).decode()

    def _header(self, name: str, value: str) -> str:
        """Return the value of a header field without credentials."""
        lower_name = name.lower()
        if lower_name in ("cookie", "set-cookie"):
            return self._cookies(value, is_set=lower_name == "set-cookie")
        if lower_name.endswith("authorization"):
            match = _AUTHORIZATION.fullmatch(value.strip())
            return self._edited_scheme(match) if match else value
        if value and self._is_credential(name, value):
            return self._replaced(value)
        return self.text(value)

    def _cookies(self, value: str, *, is_set: bool) -> str:
        """Return cookies without those that are credentials; if `is_set`, only the first pair is a cookie."""
        pairs = value.split(";")
        count = 1 if is_set else len(pairs)
        return ";".join([*map(self._cookie, pairs[:count]), *pairs[count:]])

    def _cookie(self, pair: str) -> str:
        """Return a cookie without its value if it is a credential by its name, or looks random."""
        name, equals, value = pair.partition("=")
        content = value.strip().strip('"')
        if not content or not (is_random(unquote(content)) or self._is_credential(name.strip(), content)):
            return self.text(pair)
        return f"{name}{equals}{value.replace(content, self._replaced(content))}"

    def _member(self, names: Sequence[str], value: str, depth: int) -> str:
        """Return the value of a member of an object without credentials; all of it if a name is a credential's."""
        if value and any(self._is_credential(name, value, is_in_body=True) for name in names):
            return self._replaced(value)
        return self.text(value, depth)

    def _is_credential(self, name: str, value: str, *, is_in_body: bool = False) -> bool:
        """Return whether a value is a credential by its name; in a body, an ambiguous name needs a value to match."""
        if plain_name(name) in (self._properties if is_in_body else self._fields):
            return True
        return is_credential(name, value, is_in_body=is_in_body)

    def _replaced(self, value: str) -> str:
        """Return the text in place of a credential, which is collected unless it is one already."""
        if value == REDACTED:
            return value
        scope = _SCOPE.match(value)
        self.values[scope[1] if scope else value] = None
        return self._replace(value)

    # The following methods replace what the patterns match.

    def _edited_user(self, match: re.Match[str]) -> str:
        """Return the user part of a URL without the password, or without the user if the password is missing."""
        if match["password"] and len(match["password"]) > 1:
            return f"{match['user']}:{_encoded(self._replaced(unquote(match['password'][1:])))}@"
        if is_distinctive(match["user"]):
            return f"{_encoded(self._replaced(unquote(match['user'])))}{match['password'] or ''}@"
        return match[0]

    def _edited_pair(self, match: re.Match[str], has_code: bool, depth: int, *, is_form: bool) -> str:
        """Return `name=value` without a credential; a value with a URL or JSON in it is searched too."""
        is_encoded = is_form or match["before"] in _IN_URL
        raw, query = match["value"], ""
        if match["before"] == ";":
            # A parameter of a path segment.
            raw, mark, query = raw.partition("?")
            query = mark + query
        mark = raw[:1] if raw[:1] in ("'", '"') else ""
        raw = raw.strip(mark) if mark else raw
        name, value = unquote_plus(match["name"]), unquote_plus(raw) if is_encoded else raw
        is_code = has_code and is_encoded and name.lower() == "code"
        # A form has no tokens of a language model.
        is_in_body = not is_encoded or (is_form and not name.endswith(("token", "assertion")))
        if value and (is_code or self._is_credential(name, value, is_in_body=is_in_body)):
            edited = self._replaced(value)
        else:
            edited = self.text(value, depth + 1)
            if edited == value:
                return match[0]
        if is_encoded:
            edited = _encoded(edited)
        return f"{match['before']}{match['name']}={mark}{edited}{mark}{query}"

    def _edited_value(self, match: re.Match[str], end: str) -> str:
        """Return a quoted value, or that of an element, without a credential."""
        value, start = match["value"], ""
        if value.startswith("<![CDATA["):
            start, value, end = value[:9], value[9:-3], value[-3:]
        if not self._is_credential(match["name"], value, is_in_body=True):
            return match[0]
        return f"{match['before']}{start}{self._replaced(value)}{end}"

    def _edited_line(self, match: re.Match[str]) -> str:
        """Return `name: value` without a credential; a word after a name may belong to a sentence."""
        is_name = self._is_credential(match["name"] or match["option"], match["value"], is_in_body=True)
        if not is_name or not looks_generated(match["value"]):
            return match[0]
        return f"{match['before']}{self._replaced(match['value'])}"

    def _edited_scheme_in_text(self, match: re.Match[str]) -> str:
        """Return what `_edited_scheme` returns, unless a text has the name of a scheme as another word."""
        scheme, value = match["scheme"].lower(), match["value"]
        if scheme == "basic":
            is_certain = any(":" in text for text in _basic_credentials(value))
        else:
            is_certain = is_opaque(value) or (scheme == "bearer" and looks_generated(value))
        return self._edited_scheme(match) if is_certain else match[0]

    def _edited_scheme(self, match: re.Match[str]) -> str:
        """Return credentials after the name of a scheme (RFC 9110, 11.4) without them; also collects those of Basic."""
        if (match["scheme"] or "").lower() == "basic":
            for value in _basic_credentials(match["value"]):
                self.values[value] = None
        return f"{match['before'] or ''}{self._replaced(match['value'])}"

    def _edited_tag(self, match: re.Match[str]) -> str:
        """Return a tag, and the text after it, without a value whose name is in the attributes."""
        attributes = {pair["name"].lower(): pair["value"].strip("'\"") for pair in _ATTRIBUTE.finditer(match[0])}
        value = attributes.get("value") or attributes.get("content") or ""
        names = ["name", "key", "type", "id"]
        if not value and match["element"].lower() not in _LABELS:
            names, value = ["name", "key"], match["text"]
        if value and any(self._is_credential(attributes.get(name, ""), value, is_in_body=True) for name in names):
            return match[0].replace(value, self._replaced(value))
        return match[0]


def _hint_of(name: str) -> str:
    """Return the longest part of a name that is the same in every encoding of a text."""
    parts = re.findall(r"[ -~]+", name[:_LONGEST_HINT])
    return max(parts, key=len, default="").lower()


def _delimiter_of(text: str, content_type: str) -> str:
    """Return the text between the parts of a multipart body, by its media type or its beginning; else empty."""
    if content_type.strip().lower().startswith("multipart/"):
        boundary = _BOUNDARY.search(content_type)
        if boundary is not None:
            return f"--{boundary[1] or boundary[2]}"
    start = _DELIMITER.match(text)
    return start[1] if start else ""


def _encoded(value: str) -> str:
    """Return a value as it is written in a URL."""
    return quote(value, safe="[]")


def _basic_credentials(encoded: str) -> list[str]:
    """Return the user and password of Basic authentication as one text, and the password, or the user without one."""
    try:
        credentials = b64decode(encoded, validate=True).decode()
    except ValueError:
        return []
    user, _, password = credentials.partition(":")
    # The user is the key of APIs that use no password.
    return list(filter(None, (credentials, password or user)))
