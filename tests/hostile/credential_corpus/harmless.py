"""Exchanges whose names and values look like those of credentials."""

from __future__ import annotations

from typing import Any

from .exchange import Body, CorpusExchange, exchange, form, hexadecimal, json_body, multipart, text

_UUID = "6f1c2b1e-7d0a-4c3e-9b52-0d6f0f4f9a11"
_IMAGE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def _answer(name: str, **members: Any) -> CorpusExchange:
    """Return an exchange whose response has these members."""
    return exchange(name, f"GET /info/{name}", None, json_body({"ok": "yes", **members}))


def _sent(name: str, sent: Body) -> CorpusExchange:
    """Return an exchange with this request body."""
    return exchange(name, f"POST /info/{name}", sent, json_body({"ok": "yes"}))


def _read(name: str, content: str, media_type: str = "text/plain; charset=utf-8") -> CorpusExchange:
    """Return an exchange whose response is this text."""
    return exchange(name, f"GET /info/{name}", None, text(content, media_type))


def _pages() -> tuple[CorpusExchange, ...]:
    """Return exchanges about pages and redirects."""
    return (
        _answer(
            "page-tokens",
            next_page_token="CAoQAA",
            pageToken="CAUQAA",
            continuation_token="b2Zmc2V0OjQw",
            cursor="eyJpZCI6NDB9",
        ),
        _answer("page-tokens-of-aws", NextToken="page-3", nextContinuationToken="1ueGcxLPRx1Tr", startAfterKey="b/40"),
        exchange(
            "pagination-links",
            "GET /info/list?page_token=CAoQAA&per_page=50&sort_key=name",
            None,
            json_body({"ok": "yes", "next": "/info/list?page_token=CBQQAA&per_page=50&sort_key=name"}),
            returns=(("Link", '</info/list?page_token=CBQQAA>; rel="next", </info/list?cursor=MTAw>; rel="last"'),),
        ),
        exchange(
            "redirect-without-credential",
            "GET /go/docs?utm_source=passport-mailing&lang=en",
            status=302,
            returns=(
                ("Location", "https://docs.acme.example/authentication/tokens?lang=en#password-policy"),
                ("X-Pages", "many"),
            ),
        ),
        exchange(
            "redirect-after-post",
            "POST /info/orders",
            json_body({"article": "desk lamp"}),
            json_body({"ok": "yes", "id": _UUID}),
            status=201,
            returns=(("Location", f"/info/{_UUID}"),),
        ),
        exchange(
            "search-for-words",
            "GET /info/search?q=password+manager&keyword=token&author=secretary",
            None,
            json_body({"ok": "yes", "hits": "twelve"}),
        ),
    )


def _headers() -> tuple[CorpusExchange, ...]:
    """Return exchanges with inconspicuous header fields."""
    return (
        exchange(
            "etag-and-request-ids",
            "GET /info/etag",
            None,
            json_body({"ok": "yes", "version": "7"}),
            sends=(("If-None-Match", '"33a64df551425fcc55e4d42a148795d9"'), ("X-Request-Id", _UUID)),
            returns=(
                ("ETag", 'W/"0815-a1b2c3d4e5f60718293a4b5c6d7e8f90"'),
                ("X-Request-Id", _UUID),
                ("Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
            ),
        ),
        exchange(
            "harmless-cookies",
            "GET /info/cookies",
            None,
            json_body({"ok": "yes", "cookieConsent": "all", "cookiePolicy": "2028-02"}),
            sends=(("Cookie", "theme=dark; lang=en; cookieConsent=all"),),
            returns=(("Set-Cookie", "theme=dark; Path=/"), ("Set-Cookie", "lang=en; Max-Age=31536000; SameSite=Lax")),
        ),
        exchange(
            "idempotency-key",
            "POST /info/payments",
            json_body({"amount": "12.50", "idempotencyKey": _UUID}),
            json_body({"ok": "yes", "idempotency_key": _UUID}),
            sends=(("Idempotency-Key", _UUID),),
            returns=(("Idempotency-Key", _UUID),),
        ),
        exchange(
            "rate-limits-and-challenges",
            "GET /info/limits",
            None,
            json_body(
                {"ok": "no", "title": "Unauthorized", "detail": "A bearer token is required."},
                "application/problem+json",
            ),
            status=401,
            returns=(
                (
                    "WWW-Authenticate",
                    'Bearer realm="api", error="invalid_token", error_description="No token was sent"',
                ),
                ("X-RateLimit-Remaining-Tokens", "149984"),
                ("Access-Control-Allow-Headers", "Authorization, X-Api-Key"),
            ),
        ),
    )


def _counts_and_flags() -> tuple[CorpusExchange, ...]:
    """Return exchanges with numbers, booleans and kinds under similar names."""
    return (
        _answer(
            "token-counts", tokenCount=1288, max_tokens=4096, prompt_tokens=17, total_tokens=1305, tokensPerMinute=90000
        ),
        _answer("token-kinds", token_type="bearer", expires_in=3600, token_endpoint="https://acme.example/oauth/token"),
        _answer(
            "token-expiry",
            tokenExpiresAt="2029-01-01T00:00:00Z",
            access_token_lifetime=900,
            refresh_token_rotation=True,
        ),
        _answer("password-policy", password_policy={"min_length": 12, "symbols": "required", "history": 5}),
        _answer(
            "password-flags", passwordResetRequired=True, has_password=False, password_changed_at="2028-03-01T08:00:00Z"
        ),
        _answer("password-strength", passwordStrength="fair", password_hint_enabled=True, passwordMinLength=12),
        _answer("secret-flags", secret=False, isSecret=True, secretCount=3, private=False, hasApiKey=True),
        _answer("null-credentials", password=None, token=None, api_key=None, secret=""),
        _answer(
            "auth-kinds",
            auth_method="mfa",
            credential_type="public-key",
            authentication="required",
            authProvider="github",
        ),
        _answer(
            "authors",
            author="Ursula K.",
            authority="example.com",
            authorized=True,
            authored_at="1969",
            co_authors=["Ann"],
        ),
        _answer("session-counts", session_count=14, sessionsPerUser=2, session_duration="PT30M", activeSessions=3),
        _answer(
            "words-with-similar-parts",
            secretary="Miss Lemon",
            keyboard="dvorak",
            monkey="capuchin",
            compass="north",
            passage="left",
        ),
        _answer(
            "more-words",
            passenger="Phileas Fogg",
            tokenizer="cl100k_base",
            keynote="opening",
            hotkeys=["ctrl+k"],
            pinned="top",
        ),
        _answer("scopes", scopes=["secrets:read", "tokens:write"], permissions={"password:reset": "allowed"}),
    )


def _ids_and_keys() -> tuple[CorpusExchange, ...]:
    """Return exchanges with ids, hashes and keys that are no credentials."""
    return (
        _answer(
            "public-keys",
            public_key_id="key-2027",
            publicKey="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 laptop",
            key_ops=["verify"],
        ),
        _answer(
            "database-keys", primaryKey="order_id", sort_key="created", foreign_keys=["customer_id"], partitionKey="eu"
        ),
        _answer(
            "metadata-pairs", metadata=[{"key": "color", "value": "ultramarine"}, {"key": "size", "value": "xx-large"}]
        ),
        _answer(
            "name-value-pairs",
            fields=[{"name": "keyword", "value": "lighthouse"}, {"name": "author", "value": "Woolf"}],
        ),
        _answer("translation-keys", key="menu.file.open", keys=["menu.edit", "menu.view"], keyPath="$.menu"),
        _answer(
            "uuids", id=_UUID, tenantId="0b9d7a9e-1c55-4c52-8f1a-f0a4c3a5d001", parent="01ARZ3NDEKTSV4RRFFQ69G5FAV"
        ),
        _answer(
            "git-commits",
            sha="9fceb02d0ae598e95dc970b74767f19372d61af8",
            parents=["1a410efbd13591db07496601ebc7a059dd55cfe9"],
        ),
        _answer(
            "file-hashes",
            sha256=hexadecimal("file"),
            md5=hexadecimal("file", 32),
            integrity="sha384-oqVuAfXRKap7fdgcCY5uykM6+R9GqQ8K",
        ),
        _answer("images", avatar=f"data:image/png;base64,{_IMAGE}", thumbnail=_IMAGE),
        _answer(
            "object-ids", customer="cus_NffrFeUfNV2Hib", price="price_1MoBy5LkdIwHu7ix", account="acct_1032D82eZvKYlo2C"
        ),
        _answer("support-ticket", ticket="SUP-48213", tickets=["SUP-48214"], crumbs=["home", "shop"]),
        _answer("error-codes", code="validation_failed", codes=["too_short"], zip_code="5003", countryCode="NO"),
        _answer("inconspicuous-phrase", phrase="Good morning", opener="tin opener", gate="B42", state="open"),
        exchange("id-in-path", f"GET /info/{_UUID}", None, json_body({"ok": "yes", "state": "shipped"})),
    )


def _texts() -> tuple[CorpusExchange, ...]:
    """Return exchanges whose texts speak of credentials."""
    return (
        _answer("streamed-words", tokens=["Hello", " world"], choices=[{"token": "Hello", "logprob": -0.31}]),
        _answer(
            "log-probabilities",
            logprobs={"content": [{"token": "Hello", "bytes": [72, 101], "top_logprobs": [{"token": "Hi"}]}]},
        ),
        _answer("function-signature", signature="def area(width: int, height: int) -> int", language="python"),
        _answer(
            "translations",
            messages={"password.too_short": "Password must have 12 characters", "token.expired": "Your token expired"},
        ),
        _answer("labels", labels=["Password", "API key", "Client secret"], placeholder="Enter your password"),
        _answer("form-errors", errors=[{"field": "password", "message": "must not be blank", "rule": "min_length"}]),
        _answer(
            "schema",
            schema={
                "properties": {"password": {"type": "string", "minLength": 12}, "apiKey": {"type": "string"}},
                "required": ["password"],
            },
        ),
        _answer(
            "form-definition",
            inputs=[{"name": "password", "type": "password", "label": "Your password", "required": True}],
        ),
        _answer(
            "openid-configuration", token_endpoint_auth_methods_supported=["client_secret_basic", "private_key_jwt"]
        ),
        _read(
            "plain-text-about-passwords",
            "Password must have 12 characters.\nNever share your token with anybody.\nThe secret is practice.\n",
        ),
        _read(
            "page-about-tokens",
            "<h1>Tokens</h1><p>A token: a small unit of text.</p><label for=password>Password</label>",
            "text/html",
        ),
        _read(
            "xml-document",
            "<book><author>Le Guin</author><keyword>anarchy</keyword><tokens>81234</tokens></book>",
            "application/xml",
        ),
        _read("events", '{"event":"page","cursor":"MTAw"}\n{"event":"end","tokenCount":12}\n', "application/x-ndjson"),
        _read("python-source", "def login(user, password):\n    token = issue(user, password)\n    return token\n"),
        _read("log-lines", "level=info author=kay keyword=pass count=3 path=/info/tokens\n"),
        _read("dotted-text", "version 1.2.3 released. See example.domain.internal for notes. eyJust kidding.\n"),
    )


def _requests() -> tuple[CorpusExchange, ...]:
    """Return exchanges whose request bodies look like credentials."""
    return (
        _sent(
            "form-fields", form(("keyword", "token ring"), ("author", "Kay"), ("sort_key", "year"), ("bypass", "yes"))
        ),
        _sent(
            "upload",
            multipart(("filename", "passwords-explained.md"), ("upload", "Use a manager.", "passwords-explained.md")),
        ),
        _sent(
            "chat", json_body({"messages": [{"role": "user", "content": "What is a JWT secret?"}], "max_tokens": "256"})
        ),
        _sent(
            "token-request-words", form(("token_type_hint", "access_token"), ("grant_types", "password refresh_token"))
        ),
        _sent(
            "graph",
            json_body({"query": "query { tokens { count } passwordPolicy { minLength } }", "variables": {"first": 10}}),
        ),
        _sent("json-in-string", json_body({"payload": '{"keyword": "lamp", "tokenCount": 3, "author": "K\\u00e4y"}'})),
        _sent("odd-spacing", text('{ "b" :1.0,\n\t"a": "\\u0041\\/ü", "keyboard" : [ ] }', "application/json")),
        exchange(
            "conforming-request",
            "POST /info/plain",
            json_body({}),
            json_body({"ok": True}),
            violates=False,
        ),
    )


EXCHANGES: tuple[CorpusExchange, ...] = (
    *_pages(),
    *_headers(),
    *_counts_and_flags(),
    *_ids_and_keys(),
    *_texts(),
    *_requests(),
)
