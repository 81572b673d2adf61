"""The forms in which a test run shows a secret, and the rule that separates random secrets from words."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from urllib.parse import quote, quote_plus

from pytest_bctrl.secrets.secret import public_part, to_bytes

PLAIN, ESCAPED, BASE64, HEX = "plain", "URL-encoded or escaped", "base64", "hex"

MOST_SHOWN = 8
"""Maximum number of consecutive characters of a random secret that output shows."""
_FEWEST = 12
_FEWEST_DISTINCT = 6
_FEWEST_RARE = 5
"""Minimum numbers for a random secret: of characters, of different ones, and of neighbours that words do not have."""
_PART = re.compile(r"[A-Za-z0-9]+")
_HEX_KEY = re.compile(r"(?=\d*[a-f])(?=[a-f]*\d)[0-9a-f]{16,}", re.IGNORECASE)
"""Matches at least sixteen hexadecimal digits, letters and digits among them."""
_IN_WORDS = frozenset(
    re.findall(
        "..",
        "abacadagaiakalamanaparasatauavaxaybabebibjblbobrbsbubycacccechcickclcocrcsctcudadddedidldodrdsdueaebeced"
        "eeefegeielemeneoepeqeresetevewexeyfafefffiflfofrfsftfugageghgiglgngogrgsguhahehihohrhtiaibicidieifigilim"
        "inioipirisitivixizkekikslaldlelilllolsltlulymambmemimlmmmompmsmunancndnenfngninknlnnnonpnsntnunvoaobocod"
        "ofogoiokolomonoooporosotouovowpapepiplpoppprpsptpupyqurarcrdrerfrgrirkrlrmrnrorprrrsrtrurysascseshsisksl"
        "smsospssstsusytatctdtetfthtitltmtotptrtstttutyuaubucueuguiulumunupurusutvaveviwawewiwowrxexpxtynypysytze",
    )
)
"""Pairs of letters that are common in words."""


def is_random(value: str) -> bool:
    """Return whether a value looks generated: most of its letters do not follow each other in words.

    A random value has at least twelve characters, six different ones, and no white space. Without its public prefix, it
    consists of sixteen or more hexadecimal digits; or at least five neighbours are a letter and a digit, or two letters
    that are rarely neighbours in words, and more than half as many as are often neighbours in words.
    """
    secret_part = value[len(public_part(value)) :]
    if len(secret_part) < _FEWEST or len(set(secret_part.lower())) < _FEWEST_DISTINCT:
        return False
    if any(map(str.isspace, value)):
        return False
    if _HEX_KEY.fullmatch(secret_part):
        return True
    pairs = [part[at : at + 2] for part in _PART.findall(secret_part.lower()) for at in range(len(part) - 1)]
    common = sum(pair in _IN_WORDS for pair in pairs)
    rare = sum(not pair.isdigit() for pair in pairs) - common
    return rare >= _FEWEST_RARE and 2 * rare > common


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Form:
    """A text that shows a secret. It has no `repr`, so that no traceback shows it.

    `shortest` is the length of the parts that show too much of a random secret. The first `public` characters are no
    secret.
    """

    name: str
    text: str
    shortest: int
    public: int = 0


def forms_of(value: str) -> Iterator[Form]:
    """Yield the forms of a secret: plain, escaped once or twice, in base64 at each alignment, and in hex."""
    public = len(public_part(value))
    yield Form(PLAIN, value, MOST_SHOWN + 1, public)
    texts = {value: None}
    for _ in range(2):
        texts |= dict.fromkeys(form for text in texts for form in _escaped_forms(text))
    for text in texts:
        if text != value:
            yield Form(ESCAPED, text, MOST_SHOWN + 1, public)
    data = to_bytes(value)
    for before in range(3):
        # The first and last digits also depend on the bytes around the secret.
        digits = base64.b64encode(bytes(before) + data).decode("ascii")
        core = digits[-(-before * 8 // 6) : (before + len(data)) * 8 // 6]
        for text in dict.fromkeys((core, core.translate(_URL_SAFE), quote(core, safe=""))):
            yield Form(BASE64, text, (MOST_SHOWN + 1) * 4 // 3)
    yield Form(HEX, data.hex(), 2 * MOST_SHOWN + 1, 2 * public)


_URL_SAFE = str.maketrans("+/", "-_")


def _escaped_forms(text: str) -> Iterator[str]:
    """Yield a text as URLs, HTML, XML, JSON and `repr` show it."""
    yield quote(to_bytes(text), safe="")
    yield quote(to_bytes(text))
    yield quote_plus(to_bytes(text))
    yield escape(text)
    yield escape(text, quote=False)
    # As templates escape quotes.
    yield escape(text).replace("&quot;", "&#34;").replace("&#x27;", "&#39;")
    yield text.encode("ascii", "xmlcharrefreplace").decode("ascii")
    yield json.dumps(text)[1:-1]
    yield json.dumps(text, ensure_ascii=False)[1:-1]
    yield json.dumps(text)[1:-1].replace("/", "\\/")
    yield repr(text)[1:-1]
    yield repr(to_bytes(text))[2:-1]
