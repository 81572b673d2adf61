"""OAuth 2, OpenID Connect and SAML flows."""

from __future__ import annotations

from urllib.parse import quote

from .exchange import (
    CorpusExchange,
    base64_value,
    basic,
    exchange,
    form,
    json_body,
    jwt,
    jwt_parts,
    opaque,
    refused,
    text,
)

_ID_TOKEN = jwt("id-token")
_ASSERTION = jwt("client-assertion")
_CODE = opaque("authorization-code", 24)
_REFRESH = opaque("refresh-token", 40)
_SAML = base64_value("saml-response", 60) + base64_value("saml-response-2", 60)
_REGISTRATION = opaque("registration-token")

EXCHANGES: tuple[CorpusExchange, ...] = (
    exchange(
        "oauth-client-credentials",
        "POST /oauth/token",
        form(
            ("grant_type", "client_credentials"),
            ("client_id", "billing-service"),
            ("client_secret", "Zq~8kL/0+pX=="),
            ("scope", "invoices:read"),
        ),
        json_body(
            {"access_token": opaque("cc"), "token_type": "bearer", "expires_in": "3600", "scope": "invoices:read"}
        ),
        planted=["Zq~8kL/0+pX==", opaque("cc")],
        kept=["client_credentials", "billing-service", "bearer", "3600", "expires_in"],
    ),
    exchange(
        "oauth-password-grant",
        "POST /oauth/token",
        form(("grant_type", "password"), ("username", "quentin"), ("password", "Pulp;Fiction 94")),
        json_body({"access_token": opaque("pg"), "refresh_token": opaque("pg-r", 40), "token_type": "Bearer"}),
        sends=(("Authorization", basic("web-client", opaque("web-client"))),),
        planted=["Pulp;Fiction 94", opaque("pg"), opaque("pg-r", 40), f"web-client:{opaque('web-client')}"],
        kept=["grant_type=password", "quentin", "Bearer"],
    ),
    exchange(
        "oauth-authorize-code",
        "GET /oauth/authorize?response_type=code&client_id=spa&state=af0ifjsldkj&code_challenge=E9Melhoa2Owv",
        status=302,
        returns=(("Location", f"https://app.example.com/callback?code={_CODE}&state=af0ifjsldkj"), ("X-Retry", "soon")),
        planted=[_CODE],
        kept=["https://app.example.com/callback", "client_id=spa"],
    ),
    exchange(
        "oauth-callback-code",
        f"GET /oauth/callback?code={_CODE}&state=af0ifjsldkj",
        None,
        json_body({"ok": "yes", "landing": "/dashboard"}),
        planted=[_CODE],
        kept=["/dashboard"],
        follows="oauth-authorize-code",
    ),
    exchange(
        "oauth-authorization-code-exchange",
        "POST /oauth/token",
        form(
            ("grant_type", "authorization_code"),
            ("code", _CODE),
            ("code_verifier", opaque("verifier", 43)),
            ("redirect_uri", "https://app.example.com/callback"),
        ),
        json_body(
            {"access_token": opaque("ac"), "refresh_token": _REFRESH, "id_token": _ID_TOKEN, "expires_in": "soon"},
        ),
        planted=[_CODE, opaque("verifier", 43), opaque("ac"), _REFRESH, *jwt_parts(_ID_TOKEN)],
        kept=["authorization_code", "app.example.com", "soon"],
        follows="oauth-authorize-code",
    ),
    exchange(
        "oauth-refresh",
        "POST /oauth/token",
        form(("grant_type", "refresh_token"), ("refresh_token", _REFRESH), ("client_id", "spa")),
        refused(error="invalid_grant", error_description=f"Refresh token {_REFRESH} was revoked"),
        status=400,
        planted=[_REFRESH],
        kept=["grant_type=refresh_token", "invalid_grant", "was revoked"],
        follows="oauth-authorization-code-exchange",
    ),
    exchange(
        "oauth-device-code",
        "POST /oauth/device",
        form(("client_id", "tv"), ("scope", "video")),
        json_body(
            {"device_code": opaque("device", 40), "verification_uri": "https://acme.example/tv", "interval": "5"}
        ),
        planted=[opaque("device", 40)],
        kept=["https://acme.example/tv", "client_id=tv"],
    ),
    exchange(
        "oauth-device-poll",
        "POST /oauth/token",
        form(("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), ("device_code", opaque("device", 40))),
        refused(error="authorization_pending", interval="5"),
        status=400,
        planted=[opaque("device", 40)],
        kept=["authorization_pending"],
        follows="oauth-device-code",
    ),
    exchange(
        "oauth-client-assertion",
        "POST /oauth/token",
        form(
            ("grant_type", "client_credentials"),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", _ASSERTION),
        ),
        refused(error="invalid_client"),
        status=401,
        planted=jwt_parts(_ASSERTION),
        kept=["invalid_client", "grant_type=client_credentials"],
    ),
    exchange(
        "oidc-implicit-fragment",
        "GET /oauth/authorize?response_type=token%20id_token&client_id=legacy&nonce=n-0S6",
        status=302,
        returns=(
            (
                "Location",
                f"https://legacy.example.com/cb#access_token={opaque('implicit')}&token_type=bearer&expires_in=7200"
                f"&id_token={jwt('implicit')}",
            ),
        ),
        planted=[opaque("implicit"), *jwt_parts(jwt("implicit"))],
        kept=["https://legacy.example.com/cb", "expires_in=7200", "token_type=bearer"],
    ),
    exchange(
        "oauth-introspect",
        "POST /oauth/introspect",
        form(("token", opaque("introspected")), ("token_type_hint", "access_token")),
        json_body({"active": "true", "username": "rupert", "exp": 1893456000}),
        sends=(("Authorization", f"Bearer {opaque('introspector')}"),),
        planted=[opaque("introspected"), opaque("introspector")],
        kept=["token_type_hint=access_token", "rupert"],
    ),
    exchange(
        "oauth-revoke",
        "POST /oauth/revoke",
        form(("token", opaque("ac")), ("token_type_hint", "access_token")),
        json_body({"ok": "yes", "state": "gone"}),
        planted=[opaque("ac")],
        kept=["token_type_hint=access_token", "gone"],
        follows="oauth-authorization-code-exchange",
    ),
    exchange(
        "oauth-dynamic-registration",
        "POST /oauth/register",
        json_body({"client_name": "Reporting", "redirect_uris": ["https://r.example.com/cb"]}),
        json_body(
            {
                "client_id": "reporting-1",
                "client_secret": opaque("registered"),
                "client_secret_expires_at": "never",
                "registration_access_token": _REGISTRATION,
                "registration_client_uri": f"https://acme.example/oauth/register/reporting-1?access_token={_REGISTRATION}",
            },
        ),
        status=201,
        planted=[opaque("registered"), _REGISTRATION],
        kept=["reporting-1", "Reporting", "never", "https://r.example.com/cb"],
    ),
    exchange(
        "userinfo-query-access-token",
        f"GET /userinfo?access_token={opaque('cc')}&schema=openid",
        None,
        json_body({"ok": "yes", "name": "Billing"}),
        planted=[opaque("cc")],
        kept=["schema=openid", "Billing"],
        follows="oauth-client-credentials",
    ),
    exchange(
        "oauth1-signed-request",
        "GET /userinfo",
        None,
        json_body({"ok": "yes", "name": "Sybil"}),
        sends=(
            (
                "Authorization",
                f'OAuth oauth_consumer_key="dpf43f3p", oauth_token="{opaque("oauth1")}", '
                f'oauth_signature="{quote(base64_value("oauth1", 20), safe="")}"',
            ),
        ),
        planted=[opaque("oauth1"), base64_value("oauth1", 20)],
        kept=["Sybil"],
    ),
    exchange(
        "saml-post-binding",
        "POST /saml/acs",
        form(("SAMLResponse", _SAML), ("RelayState", "/reports/weekly")),
        text('<html><body data-ok="yes">Welcome, Trent</body></html>', "text/html"),
        planted=[_SAML],
        kept=["Welcome, Trent"],
    ),
    exchange(
        "saml-login-page",
        "GET /saml/login",
        None,
        text(
            f'<form action="/saml/acs"><input type="hidden" name="SAMLResponse" value="{_SAML}">'
            '<input name="language" value="en-GB"></form>',
            "text/html",
        ),
        planted=[_SAML],
        kept=["en-GB", 'action="/saml/acs"'],
    ),
)
