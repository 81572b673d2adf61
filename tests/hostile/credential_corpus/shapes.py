"""Credentials under inconspicuous names, which only their shape reveals.

Their prefixes are joined here, so that scanners of source code do not report them.
"""

from __future__ import annotations

from .exchange import (
    CorpusExchange,
    base64_value,
    exchange,
    form,
    hexadecimal,
    json_body,
    jwt,
    jwt_parts,
    multipart,
    opaque,
    pem,
    pem_lines,
    refused,
    text,
)

_GITHUB = "gh" + "p_" + opaque("github", 36)
_GITHUB_FINE = "github" + "_pat_" + opaque("github-id", 22) + "_" + opaque("github-fine", 59)
_GITLAB = "gl" + "pat-" + opaque("gitlab", 20)
_STRIPE = "sk" + "_live_" + opaque("stripe", 24)
_STRIPE_HOOK = "wh" + "sec_" + opaque("stripe-hook", 32)
_SLACK = "xo" + "xb-" + "2518374905-2519384756-" + opaque("slack", 24)
_SLACK_HOOK = "https://hooks.slack" + ".com/services/" + "T02ACMEAA/B03ACMEBB/" + opaque("slack-hook", 24)
_OPENAI = "sk" + "-proj-" + opaque("openai", 48)
_ANTHROPIC = "sk" + "-ant-api03-" + opaque("anthropic", 60)
_AWS = "AK" + "IA" + opaque("aws-shape").upper()[:16]
_GOOGLE = "AI" + "za" + opaque("google", 35)
_GOOGLE_OAUTH = "ya" + "29." + opaque("google-oauth", 60)
_NPM = "np" + "m_" + opaque("npm", 36)
_PYPI = "py" + "pi-AgEIcHlwaS5vcmc" + opaque("pypi", 60)
_SENDGRID = "S" + "G." + opaque("sendgrid", 22) + "." + opaque("sendgrid-key", 43)
_TWILIO = "S" + "K" + hexadecimal("twilio", 32)
_JWTS = [jwt(f"device-{number}") for number in range(2)]
_KEY = pem("deployment")

EXCHANGES: tuple[CorpusExchange, ...] = (
    exchange(
        "shapes-in-notes",
        "POST /records/notes",
        json_body({"title": "Handover", "lines": ["the robot is", _GITHUB, "and the other", _GITHUB_FINE]}),
        json_body({"ok": "yes", "preview": f"the robot is {_GITHUB}", "author": "zoe"}),
        status=201,
        planted=[_GITHUB, _GITHUB_FINE],
        kept=["Handover", "and the other", "zoe"],
    ),
    exchange(
        "shapes-in-settings",
        "PUT /records/settings",
        json_body({"billing": {"live": _STRIPE, "hook": _STRIPE_HOOK, "currency": "EUR"}, "chat": [[_SLACK]]}),
        json_body({"ok": "yes", "chat": {"post": _SLACK_HOOK, "channel": "releases"}}),
        planted=[_STRIPE, _STRIPE_HOOK, _SLACK, _SLACK_HOOK],
        kept=["EUR", "releases"],
    ),
    exchange(
        "shapes-in-form",
        "POST /records/models",
        form(("vendor", "O"), ("x", _OPENAI), ("y", _ANTHROPIC), ("temperature", "warm")),
        refused(detail=f"Incorrect value provided: {_OPENAI}. You can find yours in your account."),
        status=401,
        planted=[_OPENAI, _ANTHROPIC],
        kept=["temperature=warm", "You can find yours in your account."],
    ),
    exchange(
        "shapes-in-query",
        f"GET /records/map?key={_GOOGLE}&zoom=7",
        None,
        json_body({"ok": "yes", "tiles": f"/records/tiles?zoom=8&key={_GOOGLE}"}),
        planted=[_GOOGLE],
        kept=["zoom=7", "zoom=8"],
    ),
    exchange(
        "shapes-in-multipart-file",
        "POST /uploads",
        multipart(
            ("comment", "my settings"),
            ("upload", f"registry=https://npm.acme.example/\n//npm.acme.example/:_authToken={_NPM}\n", ".npmrc"),
        ),
        json_body({"ok": "yes", "publish": _PYPI, "size": "91 bytes"}),
        status=201,
        planted=[_NPM, _PYPI],
        kept=["my settings", "registry=https://npm.acme.example/", "91 bytes"],
    ),
    exchange(
        "shapes-in-text",
        "GET /logs",
        None,
        text(f"10:00 start\n10:01 mail via {_SENDGRID}\n10:02 call via {_TWILIO}\n10:03 stop\n"),
        planted=[_SENDGRID, _TWILIO],
        kept=["10:00 start", "mail via", "10:03 stop"],
    ),
    exchange(
        "shapes-in-response-header",
        "GET /records/clone",
        None,
        json_body({"ok": "yes", "remote": f"https://oauth2:{_GITLAB}@git.example.com/acme/site.git"}),
        returns=(("X-Debug", f"clone with {_GITLAB}"), ("X-Node", "node-12")),
        planted=[_GITLAB],
        kept=["git.example.com/acme/site.git", "node-12"],
    ),
    exchange(
        "aws-environment",
        "GET /records/environment",
        None,
        json_body(
            {
                "ok": "yes",
                "env": [
                    {"name": "AWS_ACCESS_KEY_ID", "value": _AWS},
                    {"name": "AWS_SECRET_ACCESS_KEY", "value": base64_value("aws-secret", 30)},
                    {"name": "AWS_REGION", "value": "eu-west-3"},
                ],
                "argv": ["serve", f"--access={_AWS}"],
            },
        ),
        planted=[_AWS, base64_value("aws-secret", 30)],
        kept=["AWS_REGION", "eu-west-3", "serve"],
    ),
    exchange(
        "jwt-in-nested-list",
        "GET /records/devices",
        None,
        json_body({"ok": "yes", "devices": [["phone", [_JWTS[0]]], ["tablet", [_JWTS[1]]]]}),
        planted=[part for token in _JWTS for part in jwt_parts(token)],
        kept=["phone", "tablet"],
    ),
    exchange(
        "jwt-in-plain-text",
        "GET /logs?level=debug",
        None,
        text(f"DEBUG decoded {jwt('plain')}\nINFO 3 claims, none expired\n"),
        planted=jwt_parts(jwt("plain")),
        kept=["INFO 3 claims, none expired"],
    ),
    exchange(
        "jwt-in-error-of-undocumented-status",
        "GET /records/report",
        None,
        refused(title="Invalid signature", detail=f'JsonWebTokenError: "{jwt("stack")}" at verify (index.js:88)'),
        status=500,
        planted=jwt_parts(jwt("stack")),
        kept=["Invalid signature", "index.js:88"],
    ),
    exchange(
        "google-service-account",
        "POST /records/service-accounts",
        json_body(
            {"type": "service_account", "project_id": "acme-prod", "private_key": _KEY, "client_email": "ci@acme"}
        ),
        json_body({"ok": "yes", "accepted": _GOOGLE_OAUTH, "project": "acme-prod"}),
        planted=[*pem_lines(_KEY), _GOOGLE_OAUTH],
        kept=["service_account", "acme-prod", "ci@acme"],
    ),
    exchange(
        "pem-under-inconspicuous-name",
        "PUT /records/deployment",
        json_body({"privateKeyPem": pem("named"), "blob": f"# deploy\n{_KEY}# end of file", "stage": "production"}),
        json_body({"ok": "yes", "stage": "production"}),
        planted=[*pem_lines(_KEY), *pem_lines(pem("named"))],
        kept=["# end of file", "production"],
    ),
)
