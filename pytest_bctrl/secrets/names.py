"""Recognises credentials: by the names of header fields, parameters and properties, and by the form of a value."""

from __future__ import annotations

import re

_PREFIX = "(x|proxy|xamz|xgoog|xms)?"
_CREDENTIAL = re.compile(
    f"{_PREFIX}("
    # The secrets that a person or a client knows, whatever they are for: `newPassword`, `webhook_secret`.
    "[a-z0-9]*(pass(word|wd|phrase|code)|pwd|secret(value|string)?)|(db|user|admin|smtp|ftp|proxy)?pass"
    "|[a-z0-9]*pass(word|wd)s?(confirm(ation)?|again|repeat|hash|digest|[0-9])?|pwd[0-9]?|otp|totp"
    "|(recovery|backup|mfa|otp|verification|twofactor)codes?"
    # Keys, of which many others are public or name something.
    "|[a-z0-9]*(api|private|secret|signing|encryption|subscription|consumer|access|auth|account|service|master)key"
    "|[a-z0-9]*(api|access|secret)keys|(app|application|admin|client|license|shared)key"
    # Tokens; those of pages and of language models are not credentials.
    "|[a-z0-9]*token(hint)?|[a-z]+(access|refresh|api)tokens|(access|refresh|api)tokens|jwt|bearer"
    "|(client)?assertion|samlresponse|(device|user)code|codeverifier"
    "|authorization|credentials?|cookie|[a-z]*session(id)?|(php|asp|j)?sess(ion)?id|connectsid|sid|auth|key|pin|sig(nature)?"
    ")"
)
_NOT_A_TOKEN = re.compile(
    "[a-z0-9]*(page|next|prev|previous|continue|continuation|cursor|sync|start|end|resume|scroll|delta|pagination|batch"
    "|max|min|num|stop|eos|bos|pad|unk|mask|sep|cls|special|added|total|per|idempotency|invalidation)token"
)
_NO_VALUE = frozenset({"allow", "allows", "can", "change", "forgot", "has", "is", "needs", "no", "require", "requires"})
"""First words of names whose values describe a credential, such as `has_password`."""
_AMBIGUOUS = frozenset(
    {"auth", "cookie", "credential", "credentials", "key", "pin", "session", "sig", "signature", "token"}
)
"""Names that are those of other values too, except in a header field, a cookie or a query."""
_FIRST_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")


def plain_name(name: str) -> str:
    """Return a name in lower case, without punctuation."""
    return re.sub(r"[\W_]", "", name.lower())


def is_credential_name(name: str) -> bool:
    """Return whether a field, parameter or property of this name has a credential as its value, by convention."""
    first_word = _FIRST_WORD.search(name)
    if first_word is not None and first_word[0].lower() in _NO_VALUE:
        return False
    plain = plain_name(name)
    return _CREDENTIAL.fullmatch(plain) is not None and _NOT_A_TOKEN.fullmatch(plain) is None


def is_ambiguous_name(name: str) -> bool:
    """Return whether values of this name are credentials in the head of a request, and often others in a body."""
    return plain_name(name) in _AMBIGUOUS


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
    |(?:NRAK|PMAK|ATATT3?)[\w-]{20,}|lin_api_\w{20,}|figd_[\w-]{20,}|nvapi-[\w-]{20,}|sntrys_[\w+/=]{20,}
    )""",
    re.VERBOSE,
)
"""Matches credentials with the form that a standard or their provider gives them."""
