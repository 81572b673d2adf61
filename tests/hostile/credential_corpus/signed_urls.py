"""Presigned URLs, upload policies, and URLs with credentials."""

from __future__ import annotations

from urllib.parse import quote

from .exchange import (
    CorpusExchange,
    base64_value,
    exchange,
    form,
    hexadecimal,
    json_body,
    multipart,
    opaque,
    refused,
    text,
)

_ACCESS_KEY = "AK" + "IA" + opaque("aws-access-key").upper()[:16]
_CREDENTIAL = f"{_ACCESS_KEY}/20290101/eu-central-1/s3/aws4_request"
_SIGNATURE = hexadecimal("x-amz-signature")
_SECURITY_TOKEN = base64_value("x-amz-security-token", 60)
_POLICY = base64_value("s3-policy", 60)
_AZURE_SIG = base64_value("azure-sig")
_S3_QUERY = (
    f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={quote(_CREDENTIAL, safe='')}&X-Amz-Date=20290101T000000Z"
    f"&X-Amz-Expires=900&X-Amz-Security-Token={quote(_SECURITY_TOKEN, safe='')}&X-Amz-SignedHeaders=host"
    f"&X-Amz-Signature={_SIGNATURE}"
)
_GCS_SIGNATURE = hexadecimal("x-goog-signature", 96)
_GCS_URL = (
    "https://storage.googleapis.com/acme-media/cat.mp4?X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Expires=300"
    f"&X-Goog-Signature={_GCS_SIGNATURE}"
)
_CLOUDFRONT = base64_value("cloudfront", 48).replace("+", "-").replace("/", "~").replace("=", "_")


def _azure_url(name: str) -> str:
    """Return a URL with a shared access signature of Azure."""
    query = f"sv=2022-11-02&se=2029-01-01&sr=b&sp=r&sig={quote(_AZURE_SIG, safe='')}"
    return f"https://acme.blob.core.windows.net/reports/{name}?{query}"


EXCHANGES: tuple[CorpusExchange, ...] = (
    exchange(
        "s3-presigned-location",
        "GET /files/17",
        status=302,
        returns=(("Location", f"https://acme.s3.amazonaws.com/reports/2028.pdf?{_S3_QUERY}"), ("X-Pages", "many")),
        planted=[_SIGNATURE, _CREDENTIAL, _ACCESS_KEY, _SECURITY_TOKEN],
        kept=["https://acme.s3.amazonaws.com/reports/2028.pdf", "X-Amz-Expires=900"],
    ),
    exchange(
        "s3-presigned-in-json",
        "GET /files/18",
        None,
        json_body({"ok": "yes", "name": "scan.png", "url": f"https://acme.s3.amazonaws.com/scan.png?{_S3_QUERY}"}),
        planted=[_SIGNATURE, _CREDENTIAL, _ACCESS_KEY, _SECURITY_TOKEN],
        kept=["scan.png", "X-Amz-Date=20290101T000000Z"],
    ),
    exchange(
        "azure-sas-in-list",
        "GET /files",
        None,
        json_body(
            {"ok": "yes", "items": ["plain.txt", _azure_url("a.csv"), {"href": _azure_url("b.csv"), "rows": "9"}]}
        ),
        planted=[_AZURE_SIG],
        kept=["plain.txt", "reports/a.csv", "reports/b.csv", "sp=r"],
    ),
    exchange(
        "azure-sas-in-link",
        "GET /files?after=40",
        None,
        json_body({"ok": "yes", "items": ["x.csv"]}),
        returns=(("Link", f'<{_azure_url("page-2.csv")}>; rel="next", </files?after=80>; rel="last"'),),
        planted=[_AZURE_SIG],
        kept=['rel="next"', "</files?after=80>", "page-2.csv"],
    ),
    exchange(
        "gcs-signed-json-with-escaped-slashes",
        "GET /files/19",
        None,
        text(
            '{"ok": "yes", "name": "cat", "media": [[{"src": "'
            + _GCS_URL.replace("/", "\\/").replace("&", "\\u0026")
            + '"}]]}',
            "application/json",
        ),
        planted=[_GCS_SIGNATURE],
        kept=["cat.mp4", "X-Goog-Expires=300"],
    ),
    exchange(
        "cloudfront-signed-cookies-and-url",
        "GET /files/20",
        None,
        json_body(
            {"ok": "yes", "hls": f"https://d1.cloudfront.example/v.m3u8?Expires=1893456000&Signature={_CLOUDFRONT}"}
        ),
        returns=(("Set-Cookie", f"CloudFront-Signature={_CLOUDFRONT}; Secure"), ("Set-Cookie", "player=hls; Path=/")),
        planted=[_CLOUDFRONT],
        kept=["v.m3u8", "Expires=1893456000", "player=hls"],
    ),
    exchange(
        "s3-post-policy-issued",
        "POST /uploads",
        json_body({"filename": "holiday.jpg", "size": "4 MB"}),
        json_body(
            {
                "ok": "yes",
                "url": "https://acme-up.s3.amazonaws.com/",
                "fields": {
                    "key": "in/holiday.jpg",
                    "acl": "private",
                    "policy": _POLICY,
                    "x-amz-credential": _CREDENTIAL,
                    "x-amz-signature": _SIGNATURE,
                },
            },
        ),
        status=201,
        planted=[_CREDENTIAL, _SIGNATURE],
        kept=["holiday.jpg", "in/holiday.jpg", "acme-up.s3.amazonaws.com"],
    ),
    exchange(
        "s3-post-policy-upload",
        "POST /uploads",
        multipart(
            ("key", "in/holiday.jpg"),
            ("X-Amz-Credential", _CREDENTIAL),
            ("X-Amz-Security-Token", _SECURITY_TOKEN),
            ("X-Amz-Signature", _SIGNATURE),
            ("file", "the bytes of a holiday", "holiday.jpg"),
        ),
        text(
            f"<Error><Code>AccessDenied</Code><AWSAccessKeyId>{_ACCESS_KEY}</AWSAccessKeyId></Error>", "application/xml"
        ),
        status=403,
        planted=[_CREDENTIAL, _SECURITY_TOKEN, _SIGNATURE, _ACCESS_KEY],
        kept=["in/holiday.jpg", "the bytes of a holiday", "AccessDenied"],
        follows="s3-post-policy-issued",
    ),
    exchange(
        "aws-signature-header",
        "GET /files/21",
        None,
        json_body({"ok": "yes", "name": "ledger.csv"}),
        sends=(
            (
                "Authorization",
                f"AWS4-HMAC-SHA256 Credential={_CREDENTIAL}, SignedHeaders=host;x-amz-date, Signature={_SIGNATURE}",
            ),
            ("X-Amz-Security-Token", _SECURITY_TOKEN),
            ("X-Amz-Date", "20290101T000000Z"),
        ),
        planted=[_ACCESS_KEY, _SIGNATURE, _SECURITY_TOKEN],
        kept=["ledger.csv", "X-Amz-Date"],
    ),
    exchange(
        "url-with-userinfo-in-json",
        "GET /records/databases",
        None,
        json_body(
            {
                "ok": "yes",
                "primary": "postgres://svc:Wr1te%2FOnly%21@db.internal.example:5432/orders?sslmode=require",
                "replicas": ["redis://:c4che-pw-91@cache.internal.example:6379/0"],
                "docs": "https://docs.example.com/databases",
            },
        ),
        planted=["Wr1te/Only!", "c4che-pw-91"],
        kept=["db.internal.example:5432/orders", "cache.internal.example:6379/0", "https://docs.example.com/databases"],
    ),
    exchange(
        "url-with-userinfo-in-location",
        "GET /files/22",
        status=302,
        returns=(("Location", f"https://deploy:{opaque('deploy', 20)}@mirror.example.com/pkg.tgz"),),
        planted=[opaque("deploy", 20)],
        kept=["mirror.example.com/pkg.tgz"],
    ),
    exchange(
        "signed-url-nested-in-query",
        f"GET /records/preview?source={quote(_azure_url('c.pdf'), safe='')}&width=640",
        None,
        json_body({"ok": "yes", "source": _azure_url("c.pdf"), "title": "Contract C"}),
        planted=[_AZURE_SIG],
        kept=["width=640", "Contract C", "c.pdf"],
    ),
    exchange(
        "import-from-signed-url-in-form",
        "POST /records/imports",
        form(("source", f"https://acme.s3.amazonaws.com/in.csv?{_S3_QUERY}"), ("delimiter", "semicolon")),
        refused(detail=f"GET https://acme.s3.amazonaws.com/in.csv?{_S3_QUERY} answered 403", line="7"),
        status=422,
        planted=[_SIGNATURE, _CREDENTIAL, _SECURITY_TOKEN],
        kept=["delimiter=semicolon", "answered 403"],
    ),
)
