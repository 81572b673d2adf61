"""Account changes, second factors, and tokens that one exchange issues and a later one uses."""

from __future__ import annotations

from .exchange import CorpusExchange, exchange, form, hexadecimal, json_body, opaque, refused, text

_RESET = opaque("reset", 28)
_SESSION = hexadecimal("session", 40)
_INVITE = opaque("invite", 26)
_MAGIC = opaque("magic", 30)
_CODES = tuple(f"{hexadecimal(f'recovery{number}', 5)}-{hexadecimal(f'code{number}', 5)}" for number in range(4))
_SHOP_SESSION = opaque("shop-session").upper()

EXCHANGES: tuple[CorpusExchange, ...] = (
    exchange(
        "password-change",
        "PUT /account/password",
        json_body({"old_password": "winter-2027", "newPassword": "Spring!2028", "passwordConfirmation": "Spring!2028"}),
        refused(
            errors=[
                {"field": "newPassword", "rejectedValue": "Spring!2028", "reason": "used before"},
                {"field": "old_password", "message": "winter-2027 is not your password"},
            ],
        ),
        status=422,
        planted=["winter-2027", "Spring!2028"],
        kept=["used before", "rejectedValue", "old_password"],
    ),
    exchange(
        "password-change-form-brackets",
        "PUT /account/password",
        form(("user[name]", "uma"), ("user[password]", "br4cket&s"), ("user[password_confirmation]", "br4cket&s")),
        json_body({"ok": "yes", "changed": "today"}),
        planted=["br4cket&s"],
        kept=["uma", "today"],
    ),
    exchange(
        "second-factor-otp",
        "POST /account/mfa",
        json_body({"otp": "804613", "method": "app"}),
        refused(detail="otp 804613 has expired", method="app"),
        status=401,
        planted=["804613"],
        kept=["has expired", "app"],
    ),
    exchange(
        "second-factor-setup",
        "POST /account/mfa",
        json_body({"method": "totp"}),
        json_body(
            {
                "ok": "yes",
                "totp_secret": "JBSWY3DPEHPK3PXPKR4Q",
                "uri": "otpauth://totp/Acme:victor?secret=JBSWY3DPEHPK3PXPKR4Q&issuer=Acme",
            },
        ),
        planted=["JBSWY3DPEHPK3PXPKR4Q"],
        kept=["otpauth://totp/Acme:victor", "issuer=Acme"],
    ),
    exchange(
        "recovery-codes",
        "POST /account/recovery-codes",
        None,
        json_body({"ok": "yes", "recovery_codes": list(_CODES), "remaining": "four"}),
        status=201,
        planted=_CODES,
        kept=["remaining", "four"],
    ),
    exchange(
        "recovery-code-used",
        "POST /account/mfa",
        json_body({"method": "recovery", "recoveryCode": _CODES[1]}),
        json_body({"ok": "yes", "remaining": "three"}),
        planted=[_CODES[1]],
        kept=["recovery", "three"],
        follows="recovery-codes",
    ),
    exchange(
        "reset-issued",
        "POST /password-resets",
        form(("email", "walter@example.com")),
        json_body({"ok": "yes", "reset_token": _RESET, "mail": "sent"}),
        status=201,
        returns=(("Location", f"/password-resets/{_RESET}"),),
        planted=[_RESET],
        kept=["mail", "sent"],
    ),
    exchange(
        "reset-in-path",
        f"GET /password-resets/{_RESET}?lang=sv",
        None,
        text(f'<a href="/password-resets/{_RESET}?lang=en">English</a>', "text/html"),
        planted=[_RESET],
        kept=["lang=sv", "English"],
        follows="reset-issued",
    ),
    exchange(
        "reset-used",
        f"POST /password-resets/{_RESET}",
        json_body({"password": "W4lter-white", "password2": "W4lter-white"}),
        refused(instance=f"/password-resets/{_RESET}", title="Reset is too old"),
        status=410,
        planted=[_RESET, "W4lter-white"],
        kept=["Reset is too old"],
        follows="reset-issued",
    ),
    exchange(
        "session-issued",
        "POST /sessions",
        json_body({"user": "xavier", "pwd": "x-ray-vision"}),
        json_body({"ok": "yes", "session": {"sessionToken": _SESSION, "region": "eu-north"}}),
        status=201,
        planted=[_SESSION, "x-ray-vision"],
        kept=["xavier", "eu-north"],
    ),
    exchange(
        "session-in-path",
        f"DELETE /sessions/{_SESSION}",
        None,
        refused(detail=f"No session {_SESSION}", region="eu-north"),
        status=404,
        planted=[_SESSION],
        kept=["No session", "eu-north"],
        follows="session-issued",
    ),
    exchange(
        "session-in-inconspicuous-query",
        f"GET /records/orders?s={_SESSION}&sort=date",
        None,
        json_body({"ok": "yes", "orders": ["A-1001"], "next": f"/records/orders?s={_SESSION}&page=2"}),
        planted=[_SESSION],
        kept=["sort=date", "A-1001", "page=2"],
        follows="session-issued",
    ),
    exchange(
        "session-in-inconspicuous-body",
        "POST /records/orders",
        json_body({"as": _SESSION, "article": "lamp", "amount": "two"}),
        refused(detail="amount is not a number", received={"as": _SESSION, "article": "lamp"}),
        status=422,
        planted=[_SESSION],
        kept=["lamp", "amount is not a number"],
        follows="session-issued",
    ),
    exchange(
        "magic-link-in-mail-text",
        "POST /records/mails",
        json_body(
            {
                "to": "yvonne@example.com",
                "text": f"Hello Yvonne,\n\nsign in at https://app.example.com/magic?token={_MAGIC}&to=inbox\n\nAcme",
            },
        ),
        json_body({"ok": "yes", "queued": "mail-77"}),
        status=202,
        planted=[_MAGIC],
        kept=["yvonne@example.com", "Hello Yvonne", "mail-77"],
    ),
    exchange(
        "invitation-in-redirect-of-redirect",
        f"GET /go/invitation?return_to=%2Fjoin%3Finvite_token%3D{_INVITE}%26team%3Dred",
        status=302,
        returns=(
            ("Location", f"/join?invite_token={_INVITE}&team=red"),
            ("Refresh", f"0; url=/join?invite_token={_INVITE}&team=red"),
            ("X-Pages", "one"),
        ),
        planted=[_INVITE],
        kept=["team=red"],
    ),
    exchange(
        "session-as-path-parameter",
        f"GET /legacy/cart;jsessionid={_SHOP_SESSION}?item=kettle",
        None,
        text(f'<a href="/legacy/checkout;jsessionid={_SHOP_SESSION}?step=2">Checkout</a>', "text/html"),
        planted=[_SHOP_SESSION],
        kept=["item=kettle", "Checkout", "step=2"],
    ),
)
