"""Names in every spelling, lists of names and values, and further formats of bodies."""

from __future__ import annotations

import json

from .exchange import CorpusExchange, exchange, form, json_body, jwt, jwt_parts, opaque, refused, text

EXCHANGES: tuple[CorpusExchange, ...] = (
    exchange(
        "names-in-every-spelling",
        "PUT /records/settings",
        json_body(
            {
                "db.password": "dotted-91x",
                "clientSecret": "camel-92x",
                "x-api-key": "kebab-93x",
                "aws_secret_access_key": "snake-94x",
                "SMTP_PASSWORD": "upper-95x",
                "StripeSecretKey": "pascal-96x",
                "spring.datasource.password": "deep-97x",
                "ACME__AUTH__TOKEN": "double-98x",
                "db.host": "db.internal",
            },
        ),
        json_body({"ok": "yes", "stored": "nine"}),
        planted=[
            "dotted-91x",
            "camel-92x",
            "kebab-93x",
            "snake-94x",
            "upper-95x",
            "pascal-96x",
            "deep-97x",
            "double-98x",
        ],
        kept=["db.internal", "nine"],
    ),
    exchange(
        "usual-names",
        "POST /records/integrations",
        json_body(
            {
                "apiKey": "usual-01k",
                "api_token": "usual-02k",
                "authToken": "usual-03k",
                "bearerToken": "usual-04k",
                "passphrase": "usual-05k",
                "secret": "usual-06k",
                "webhookSecret": "usual-07k",
                "signing_key": "usual-08k",
                "encryptionKey": "usual-09k",
                "access_key": "usual-10k",
                "connectionString": "Server=db;User Id=svc;Password=usual-11k;",
                "region": "ap-south",
            },
        ),
        refused(detail="region unknown", received={"apiKey": "usual-01k", "region": "ap-south"}),
        status=400,
        planted=[f"usual-{number:02}k" for number in range(1, 12)],
        kept=["ap-south", "region unknown"],
    ),
    exchange(
        "name-value-list",
        "POST /records/variables",
        json_body(
            [
                {"name": "password", "value": "nv-list-7q"},
                {"key": "API_TOKEN", "value": "kv-list-8q"},
                {"value": "vn-list-9q", "name": "client_secret"},
                {"name": "TIMEZONE", "value": "Europe/Oslo"},
            ],
        ),
        json_body(
            {"ok": "yes", "Variables": [{"Name": "DbPassword", "Value": "cased-list-6q", "Type": "SecureString"}]}
        ),
        planted=["nv-list-7q", "kv-list-8q", "vn-list-9q", "cased-list-6q"],
        kept=["TIMEZONE", "Europe/Oslo", "SecureString"],
    ),
    exchange(
        "echo-of-headers-as-har",
        "POST /records/echo",
        json_body({"hello": "world"}),
        json_body(
            {
                "ok": "yes",
                "headers": [
                    {"name": "Authorization", "value": f"Bearer {opaque('har-bearer')}"},
                    {"name": "Cookie", "value": f"session={opaque('har-session')}; theme=light"},
                    {"name": "Accept", "value": "application/json"},
                ],
                "rawHeaders": ["X-Api-Key", opaque("har-raw"), "Host", "api.acme.example"],
            },
        ),
        sends=(
            ("Authorization", f"Bearer {opaque('har-bearer')}"),
            ("Cookie", f"session={opaque('har-session')}; theme=light"),
            ("X-Api-Key", opaque("har-raw")),
        ),
        planted=[opaque("har-bearer"), opaque("har-session"), opaque("har-raw")],
        kept=["theme=light", "api.acme.example", "world"],
    ),
    exchange(
        "okta-and-keycloak-users",
        "POST /users",
        json_body(
            {
                "profile": {"login": "ada@example.com"},
                "credentials": {"password": {"value": "okta-Lovelace"}, "provider": {"type": "OKTA"}},
            },
        ),
        json_body(
            {
                "ok": "yes",
                "username": "ada",
                "credentials": [{"type": "password", "value": "keycloak-Byron", "temporary": "never"}],
            },
        ),
        status=201,
        planted=["okta-Lovelace", "keycloak-Byron"],
        kept=["ada@example.com", "OKTA", "temporary"],
    ),
    exchange(
        "kubernetes-secret",
        "POST /records/secrets",
        json_body(
            {
                "kind": "Secret",
                "metadata": {"name": "db-login", "namespace": "shop"},
                "stringData": {"username": "shop-writer", "password": "kube-Ctl-55"},
            },
        ),
        json_body({"ok": "yes", "namespace": "shop"}),
        planted=["kube-Ctl-55"],
        kept=["db-login", "shop-writer", "namespace"],
    ),
    exchange(
        "json-inside-a-json-string",
        "POST /records/queue",
        json_body({"topic": "logins", "payload": json.dumps({"user": "bert", "password": 'in"ner-ß9', "n": [1]})}),
        json_body(
            {"ok": "yes", "log": json.dumps({"event": json.dumps({"apiKey": opaque("inner"), "step": "third"})})}
        ),
        planted=['in"ner-ß9', opaque("inner")],
        kept=["logins", "bert", "third"],
    ),
    exchange(
        "json-in-form-field",
        "POST /records/slack",
        form(("payload", json.dumps({"token": opaque("slack-form", 24), "team": "acme-team"})), ("v", "first")),
        json_body({"ok": "yes", "text": "Thanks!"}),
        planted=[opaque("slack-form", 24)],
        kept=["acme-team", "v=first", "Thanks!"],
    ),
    exchange(
        "newline-delimited-json",
        "GET /logs?format=ndjson",
        None,
        text(
            f'{{"event":"login","password":"ndjson-pw-1"}}\n{{"event":"token","access_token":"{opaque("ndjson")}"}}\n'
            '{"event":"logout","user":"cleo"}\n',
            "application/x-ndjson",
        ),
        planted=["ndjson-pw-1", opaque("ndjson")],
        kept=["logout", "cleo"],
    ),
    exchange(
        "server-sent-events",
        "GET /logs?format=events",
        None,
        text(f'event: ready\ndata: {{"session_token": "{opaque("sse")}", "room": "lobby"}}\n\n', "text/event-stream"),
        planted=[opaque("sse")],
        kept=["event: ready", "lobby"],
    ),
    exchange(
        "json-api-media-type",
        "POST /users",
        json_body(
            {"data": {"type": "users", "attributes": {"e-mail": "dora@example.com", "pass-word": "vnd-api-pw"}}},
            "application/vnd.api+json",
        ),
        json_body(
            {"ok": "yes", "data": {"attributes": {"refresh-token": opaque("vnd")}, "id": "u-9"}},
            "application/vnd.api+json",
        ),
        status=201,
        planted=["vnd-api-pw", opaque("vnd")],
        kept=["dora@example.com", "u-9"],
    ),
    exchange(
        "graphql-variables",
        "POST /graphql",
        json_body(
            {
                "query": "mutation Login($email: String!, $password: String!) "
                "{ login(email: $email, password: $password) { ok } }",
                "variables": {"email": "emil@example.com", "password": "graph-Ql-77"},
            },
        ),
        json_body(
            {
                "ok": "yes",
                "data": None,
                "errors": [{"message": 'Variable "$password" got invalid value "graph-Ql-77"', "path": ["login"]}],
            },
        ),
        planted=["graph-Ql-77"],
        kept=["emil@example.com", "mutation Login", "got invalid value"],
    ),
    exchange(
        "graphql-literal",
        "POST /graphql",
        json_body({"query": 'mutation { signUp(name: "Fay", password: "inl1ne-Fay") { sessionToken plan } }'}),
        json_body({"ok": "yes", "data": {"signUp": {"sessionToken": opaque("graphql"), "plan": "free"}}}),
        planted=["inl1ne-Fay", opaque("graphql")],
        kept=["mutation { signUp", "free"],
    ),
    exchange(
        "xml-soap",
        "POST /login",
        text(
            '<Envelope><Header><wsse:Password Type="PasswordText">soap&amp;water</wsse:Password></Header>'
            '<Body><login user="gina" password="attr-pw-3"/></Body></Envelope>',
            "application/xml",
        ),
        text(
            "<Answer><ok>yes</ok><sessionId>" + opaque("soap") + "</sessionId><name>Gina</name></Answer>",
            "application/xml",
        ),
        planted=["soap&water", "attr-pw-3", opaque("soap")],
        kept=['user="gina"', "<name>Gina</name>"],
    ),
    exchange(
        "html-form",
        "GET /legacy/settings",
        None,
        text(
            '<form><input name="city" value="Bergen"><input type="password" name="p1" value="h7ml-pw">'
            f"<input type=hidden name='csrf_token' value='{opaque('html-csrf')}'></form>"
            f'<meta name="csrf-token" content="{opaque("html-meta")}">'
            f'<script>var apiKey = "{opaque("html-js")}";</script>',
            "text/html",
        ),
        planted=["h7ml-pw", opaque("html-csrf"), opaque("html-meta"), opaque("html-js")],
        kept=["Bergen", 'name="city"'],
    ),
    exchange(
        "plain-text-pairs",
        "GET /logs?format=text",
        None,
        text(
            f"connect host=db1 user=app password=pl4in-pairs sslmode=require\nretry with api_key: {opaque('plain')}\n"
            f"curl -u helga:curl-pw-8 -H 'Authorization: Bearer {opaque('curl')}' https://acme.example/health\n"
        ),
        planted=["pl4in-pairs", opaque("plain"), "curl-pw-8", opaque("curl")],
        kept=["host=db1", "sslmode=require", "https://acme.example/health"],
    ),
    exchange(
        "dotenv-and-yaml-text",
        "GET /logs?format=config",
        None,
        text(
            "# production\nDB_HOST=db2\nDB_PASSWORD='d0tenv pw'\nredis:\n  port: 6379\n  password: y4ml-pw\n"
            'client-secret: "y4ml-secret"\nlogging: verbose\n'
        ),
        planted=["d0tenv pw", "y4ml-pw", "y4ml-secret"],
        kept=["# production", "DB_HOST=db2", "port: 6379", "logging: verbose"],
    ),
    exchange(
        "json-with-wrong-media-type",
        "GET /logs?format=raw",
        None,
        text(f'{{"accessToken": "{opaque("wrong-type")}", "shard": "s-3"}}', "text/plain"),
        planted=[opaque("wrong-type")],
        kept=["s-3"],
    ),
    exchange(
        "broken-json",
        "POST /login",
        text('{"username": "hugo", "password": "brok3n-json", "remember":', "application/json"),
        text('{"ok": "yes", "token": "' + opaque("broken") + '", "displayName": "Hugo"', "application/json"),
        planted=["brok3n-json", opaque("broken")],
        kept=["hugo", "Hugo"],
    ),
    exchange(
        "form-with-percent-encoded-names",
        "POST /login",
        text("username=ines&p%61ssword=p%C3%A9rc%65nt%2Bplus+sp%61ce&remember=no", "application/x-www-form-urlencoded"),
        refused(detail="unknown user ines"),
        status=401,
        planted=["pércent+plus space"],
        kept=["username=ines", "remember=no", "unknown user ines"],
    ),
    exchange(
        "credential-as-property-name",
        "GET /records/sessions",
        None,
        json_body({"ok": "yes", "sessions": {jwt("as-name"): {"agent": "curl 8"}}}),
        planted=jwt_parts(jwt("as-name")),
        kept=["curl 8"],
    ),
    exchange(
        "conforming-login",
        "POST /login",
        json_body({"username": "jana", "password": "valid-pw"}),
        json_body({"ok": True, "token": "short-token", "displayName": "Jana"}),
        planted=["valid-pw", "short-token"],
        kept=["jana", "Jana"],
        violates=False,
    ),
    exchange(
        "conforming-token",
        "POST /oauth/token",
        form(("grant_type", "client_credentials"), ("client_id", "cron"), ("client_secret", "c0nform-ing")),
        json_body({"ok": True, "access_token": "at-9f3k2m", "token_type": "Bearer", "expires_in": 3600}),
        planted=["c0nform-ing", "at-9f3k2m"],
        kept=["cron", "3600"],
        violates=False,
    ),
)
