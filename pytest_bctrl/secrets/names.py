"""Recognises credentials: by the names of header fields, parameters and properties, and by the form of a value."""

from __future__ import annotations

import re
from functools import lru_cache

from pytest_bctrl.secrets.encodings import is_random

_LONGEST = 80
"""Maximum length of a name."""
_CREDENTIAL = re.compile(
    # The secrets that a person or a client knows, for any use: `newPassword`, `webhook_secret`.
    r"\w*(pass_?(wor[dt]|wd|phrase|code)s?|pwd|mot_?de_?passe|contrase[nñ]a|senha)"
    r"(_?(value|hash|digest|confirm|confirmation|again|repeat|verify|\d))*"
    r"|\w*secret(_?(id|value|string|text|data|binary|hash|key_?base))?|secrets"
    r"|(\w+_|db|user)?pass_?\d?|(\w+_)?t?otp|psk|cvv|cvc|puk|pin|csrf|xsrf"
    r"|\w*(recovery|backup|mfa|otp|verification|two_?factor|2fa|sms|one_?time|security|authorization|auth|oob|device|user)"
    r"_?codes?|(recovery|security)_?answer|\w*(code|oauth)_?verifier"
    # Keys, of which many others are public or name something.
    r"|\w*(api|private|secret|signing|encryption|access|pre_?shared|hmac|stream)_?keys?(_?(value|base|pem))?"
    r"|\w*(subscription|consumer|auth|account|service|master|session|functions|sas|shared|license)_?key"
    r"|(x_)?(app|application|admin|client|primary|secondary|activation)_?key|\w+_application_key|(x_)?keys?"
    # Tokens; those of pages and of language models are not credentials.
    r"|\w*token(_?(value|string|secret|hash|hint))?|(\w*(access|refresh|api|auth)_?)?tokens|\w*jwt|bearer"
    r"|\w*assertion|saml_?(request|response)"
    r"|\w*authorization|(\w+_)?credentials?|bind_?credential|cookie|(\w+_|php|asp|j|user|web)?sess(ion)?(_?id\w{0,8})?|(\w+_)?sid"
    r"|(\w+_|aspx)?auth|(\w+_)?(sig|signature|hmac)(_?(value|\d+))?"
)
_NOT_A_TOKEN = re.compile(
    r"(\A|_)((next|prev|previous|page|pagination|continue|continuation|cursor|sync|start|starting|end|resume|scroll"
    r"|delta|skip|change|batch|forward|backward|max|min|num|stop|eos|bos|pad|unk|mask|sep|cls|special|added|total|per"
    r"|idempotency|invalidation|creation|client_?request)_?)+token\Z"
)
_NO_VALUE = re.compile(
    "allows?|can|change|disable|enable|forgot|has|hide|is|must|needs|no|requires?|show|supports|uses?|with"
)
"""First words of names whose values describe a credential, such as `has_password`."""
_AMBIGUOUS = re.compile(
    r"(\w+_)?(auth|sig|signature|hmac|credentials?|sid)|cookie|bearer|\w*assertion|(\w+_|user|web)?sess(ion)?|keys?|tokens|secrets"
    r"|(primary|secondary)_?key"
)
"""Names that are those of other values too, except in a header field, a cookie or a query."""
_DISTINCTIVE = re.compile(
    r"token|authorization|\w*session_?id|secret_?id|\w*(subscription|consumer|account|service|client|admin"
    r"|app|application|license|activation|master)_?key"
)
"""Names that are those of words and short numbers too."""


_HARMLESS = re.compile(
    r"""(?xi)\A(?:
    true|false|yes|no|null|none|undefined|n/a|on|off|enabled|disabled|allowed|required|optional|string|filtered|hidden
    |.                                                                  # the `accesskey` of an element of HTML
    |[*•]+|<[^<>\s]*>|\[\w*\]|\{\{[^{}]*\}\}|\$\{[^{}]*\}|(?-i:\$[A-Z_]+|%[A-Z_]+%)|your[_-][\w-]*  # templates
    |(?:https?://|arn:)\S*
    |(?:too|invalid)_\w+|(?:(?:can't|is|has|must|cannot|should|does|invalid)\s(?s:.*)|(?:invalid|blank|required)[.|](?s:.*)|blank)
    )\Z"""
)
"""Matches values that reveal nothing under any name."""
_MESSAGE = re.compile(
    r"\s(?:must|required|invalid|should|too|cannot|can't|doesn't|missing|characters?|expected|expired|allowed|match"
    r"|(?:is|are|was|be|has|do|does|could|may)\s(?:not|short|long|weak|blank|wrong|incorrect|already))(?![\w-])",
    re.IGNORECASE,
)
"""Matches messages about a value, such as those of a rejected form."""
_RATE = re.compile(r"[\d.]{1,5}%?")
"""Matches the number or the part of tests that pass."""


def plain_name(name: str) -> str:
    """Return a name in lower case, without punctuation."""
    return re.sub(r"[\W_]", "", name.lower())


@lru_cache(maxsize=4096)
def _words(name: str) -> str:
    """Return the words of a name in lower case with `_` between them: `x_api_key` for `X-ApiKey`."""
    return re.sub(r"[\W_]+|(?<=[a-z0-9])(?=[A-Z])", "_", name).strip("_").lower()


@lru_cache(maxsize=4096)
def is_credential_name(name: str) -> bool:
    """Return whether a field, parameter or property of this name has a credential as its value, by convention."""
    if len(name) > _LONGEST:
        return False
    words = _words(name)
    if _NO_VALUE.fullmatch(words.partition("_")[0]):
        return False
    return _CREDENTIAL.fullmatch(words) is not None and _NOT_A_TOKEN.search(words) is None


def is_credential(name: str, value: str, *, is_in_body: bool) -> bool:
    """Return whether a value is a credential by its name; in a body, an ambiguous name needs a value to match."""
    if not is_credential_name(name) or plain_name(name) == plain_name(value):
        return False
    if _HARMLESS.match(value) or _MESSAGE.search(value):
        return False
    words = _words(name)
    if not is_in_body:
        return True
    if words == "pin":
        return len(value) >= 4 and value.isdigit()
    if words == "token" and (not any(map(str.isalnum, value)) or any(map(str.isspace, value)) or "<" in value):
        # A token of a language model or of source code.
        return False
    if words.endswith("pass") and _RATE.fullmatch(value):
        return False
    if _AMBIGUOUS.fullmatch(words):
        return is_opaque(value)
    return is_distinctive(value) if _DISTINCTIVE.fullmatch(words) else True


def looks_generated(value: str) -> bool:
    """Return whether a value is not a word: it has letters and digits, or looks random."""
    if len(value) < 6 or any(map(str.isspace, value)):
        return False
    return is_random(value) or (any(map(str.isdigit, value)) and any(map(str.isalpha, value)))


def is_distinctive(value: str) -> bool:
    """Return whether a value is not a word that other texts have, such as a password that is `customers`."""
    return looks_generated(value) or (len(value) >= 6 and value.isdigit()) or (len(value) >= 8 and not value.isalnum())


_RUN = re.compile(r"[A-Za-z0-9+=_]{16,}")
_CHANGE = re.compile(r"(?<=[a-z])[A-Z0-9]|(?<=[A-Z])[a-z0-9]|(?<=[0-9])[A-Za-z]")


def is_opaque(value: str) -> bool:
    """Return whether a value is a generated key, and no path, no word with a number and no UUID.

    In a run of random letters and digits, at least each third character is of another kind than the one before it.
    """
    if any(map(str.isspace, value)):
        return False
    return any(3 * len(_CHANGE.findall(run)) > len(run) for run in _RUN.findall(value))


CREDENTIAL_FORM = re.compile(
    r"""(?<![A-Za-z0-9])(?:
    eyJ[\w-]{8,}(?:\.[\w-]*){2,4}                                       # JSON Web Tokens (RFC 7519, RFC 7516)
    |-----BEGIN\ [A-Z ]*PRIVATE\ KEY-----(?:(?s:.)*?-----END\ [A-Z ]*PRIVATE\ KEY-----|(?s:.)*)
    |(?:AKIA|ASIA)[A-Z0-9]{16}                                          # AWS
    |AIza[\w-]{30,}|ya29\.[\w-]{10,}|1//0[\w-]{20,}|GOCSPX-[\w-]{20,}   # Google
    |gh[oprsu]_\w{20,}|github_pat_\w{20,}|gl[a-z]{2,5}-[\w-]{16,}       # GitHub, GitLab
    |xox[a-z]-[\w-]{10,}|xapp-[\w-]{10,}                                # Slack
    |sk-[\w-]{16,}|[rs]k_(?:live|test)_\w{8,}|whsec_[\w+/=]{16,}        # OpenAI, Anthropic, Stripe
    |npm_\w{30,}|pypi-[\w-]{30,}|rubygems_\w{20,}|SG\.[\w-]{16,}\.[\w-]{16,}|key-[0-9a-f]{32}|SK[0-9a-f]{32}
    |shp[a-z]{2}_\w{16,}|hf_\w{20,}|dop_v1_\w{32,}|hv[bs]\.[\w-]{20,}|sq0[a-z]{3}-[\w-]{20,}|gsk_\w{20,}
    |https://(?:hooks\.slack\.com/services|discord(?:app)?\.com/api/webhooks)/[\w/-]+
    |\d{8,10}:[\w-]{35}(?![\w-])|[MNO][\w-]{23,27}\.[\w-]{6}\.[\w-]{27,}   # Telegram, Discord
    |(?:NRAK|PMAK|ATATT3?)[\w-]{20,}|lin_api_\w{20,}|figd_[\w-]{20,}|nvapi-[\w-]{20,}|sntrys_[\w+/=]{20,}
    )""",
    re.VERBOSE,
)
"""Matches credentials with the form that a standard or their provider gives them."""
