"""The faults by name. Each function returns a `Fault`; all take `times`, `every` and `after` as well."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from json import JSONDecoder
from operator import attrgetter
from typing import Any

from pytest_bctrl.contract.paging import LINK, Paging
from pytest_bctrl.errors import SettingError
from pytest_bctrl.http.message import MockResponse, Payload, with_headers
from pytest_bctrl.samples.mutants import SCHEMA_CHECK, Mutant, broken
from pytest_bctrl.samples.sample import Samples
from pytest_bctrl.samples.text import encode
from pytest_bctrl.traffic.mock import change
from pytest_bctrl.traffic.mock.call_syntax import called, made_by, one_line, seconds_of, status_code
from pytest_bctrl.traffic.mock.change import Fault, RequestContext
from pytest_bctrl.traffic.mock.pages import announced, is_further, started, target_of

_WHOLE = "complete_answer"
_success: Callable[[RequestContext], bool] = attrgetter("is_success")


def status(code: int, *, retry_after: float | None = None) -> Fault:
    """Answer with this status, as an error in the documented shape."""
    code = status_code(code, "fault status")
    extra = {} if retry_after is None else {"Retry-After": f"{seconds_of(retry_after, 'fault status'):g}"}
    check = "not_a_server_error" if code >= 500 else "status_code_conformance"
    return Fault(f"status({code})", change.status(code, f"the mock plays the status {code}", extra), check)


def rate_limited(retry_after: float = 1) -> Fault:
    """Answer 429 with `Retry-After` in seconds (RFC 6585, 4)."""
    extra = {"Retry-After": f"{seconds_of(retry_after, 'fault rate_limited'):g}"}
    made = change.status(429, "the mock plays a rate limit", extra)
    return Fault(f"rate_limited(retry_after={retry_after:g})", made, _WHOLE)


def unauthorized() -> Fault:
    """Answer 401 whatever the credential."""
    extra = {"WWW-Authenticate": 'Bearer realm="bctrl", error="invalid_token"'}
    refusal = change.status(401, "the mock plays a refused key", extra)
    return Fault("unauthorized()", refusal, "status_code_conformance")


def any_key() -> Fault:
    """Let everyone in: no credential is looked at."""
    return _granting("any_key()", 401, "ignored_auth")


def any_space() -> Fault:
    """Answer for every space with the one list there is."""
    return _granting("any_space()", 404, "status_code_conformance")


def delay(seconds: float) -> Fault:
    """Wait this long before the first byte."""
    return Fault(f"delay({seconds_of(seconds, 'fault delay'):g})", change.delay(seconds))


def hang() -> Fault:
    """Take the request and never answer; the connection stays open."""
    return Fault("hang()", lambda context: replace(context.response, ending="hang"), _WHOLE)


def reset() -> Fault:
    """Reset the connection before the first byte."""
    return Fault("reset()", lambda context: replace(context.response, ending="reset"), _WHOLE)


def truncate() -> Fault:
    """Close the connection in the middle of the body that `Content-Length` announced."""
    return Fault("truncate()", lambda context: replace(context.response, ending="truncate"), _WHOLE, meets=_success)


def malformed_json() -> Fault:
    """Leave out the last character of the body, as a broken proxy does; the length is right."""
    return _body("malformed_json()", lambda context: context.response.body[:-1], "strict_json")


def not_utf8() -> Fault:
    """Send the body in UTF-16, which JSON between systems must not be (RFC 8259, 8.1)."""
    return _body("not_utf8()", lambda context: context.response.body.decode().encode("utf-16"), "strict_json")


def duplicate_key() -> Fault:
    """Name the first property of the body twice (RFC 8259, 4)."""

    def twice(context: RequestContext) -> bytes:
        text = encode(context.json()).decode()
        for found in re.finditer(r"\{(?=\")", text):
            try:
                first, _ = JSONDecoder().raw_decode(text, found.start())
            except ValueError:
                # A text that ends with a brace.
                continue
            name, value = next(iter(first.items()))
            again = encode({name: value}).decode()[1:-1]
            return f"{text[: found.end()]}{again},{text[found.end() :]}".encode()
        return context.response.body

    return _body("duplicate_key()", twice, "strict_json")


def nan() -> Fault:
    """Put `NaN` into the body, which JSON does not have (RFC 8259, 6)."""

    def with_nan(context: RequestContext) -> bytes:
        start = b"[NaN," if context.response.body.startswith(b"[") else b'{"undocumented":NaN,'
        return start + context.response.body[1:]

    return _body("nan()", with_nan, "strict_json")


def empty_body() -> Fault:
    """Answer 200 with no body at all."""
    return _body("empty_body()", lambda _context: b"", "complete_body")


def wrong_content_type(content_type: str = "text/html") -> Fault:
    """Call the body something else than it is."""
    made = change.headers({"Content-Type": one_line(content_type)})
    return Fault(f"wrong_content_type({content_type!r})", made, "content_type_conformance", meets=_success)


def redirect(url: str = "http://127.0.0.1:9/elsewhere", code: int = 302) -> Fault:
    """Answer with a redirect to `url`; a client must not take the key along."""
    code = status_code(code, "fault redirect")
    made = change.status(code, f"the mock redirects to {url}", {"Location": one_line(url)})
    return Fault(f"redirect({url!r})", made, "status_code_conformance")


def plain_errors() -> Fault:
    """Refuse with a page of HTML in place of the documented error body."""

    def page(context: RequestContext) -> MockResponse:
        response = replace(context.response, payload=Payload(b"<h1>Something went wrong</h1>\n"))
        return with_headers(response, {"Content-Type": "text/html"})

    return Fault(
        "plain_errors()", page, "content_type_conformance", meets=lambda context: context.response.status >= 400
    )


def repeat_page() -> Fault:
    """Answer every further page of a list with the items of the first."""

    def again(context: RequestContext, paging: Paging) -> MockResponse:
        first = context.granted(target_of(paging, context.request))
        return _with_items(context, paging, paging.items_in(json.loads(first.body)))

    return _paged("repeat_page()", again, "repeated_item")


def lost_item() -> Fault:
    """Leave out the first item of every further page of a list."""
    return _paged(
        "lost_item()",
        lambda context, paging: _with_items(context, paging, paging.items_in(context.json())[1:]),
        "lost_item",
    )


def endless_cursor() -> Fault:
    """Say on the last page of a list that there is one more, which is the same again."""

    def endless(context: RequestContext, paging: Paging) -> MockResponse:
        query = context.request.query
        if paging.next_query(context.json(), context.response.header(LINK), query) is not None:
            return context.response
        body, fields = announced(context.samples, paging, context.json(), context.request, started(paging, query))
        return replace(context.response, headers=(*context.response.headers, *fields), payload=Payload(encode(body)))

    def hinders(samples: Samples) -> str:
        tells = samples.paging and (samples.paging.more or samples.paging.next or samples.paging.in_header)
        return _unpaged(samples) or ("" if tells else "its answer does not say whether there is more")

    return replace(_paged("endless_cursor()", endless, "endless_paging"), hinders=hinders)


def break_rule(rule: str) -> Fault:
    """Break one rule of the contract in the last place that has it.

    `rule` is a place (`"runtimes[*].status"`), a place and a keyword (`"runtimes[*].status: type"`), the name of an
    invariant (`"unique_ids"`), or `"undocumented_property"`.
    """
    # Whether it is an invariant is for the contract to say, and no contract is here yet: see `for_contract`.
    return Fault(f"break_rule({rule!r})", _Broken(str(rule)), SCHEMA_CHECK, meets=_success)


class _Broken:
    """The change behind `break_rule`."""

    def __init__(self, rule: str) -> None:
        self.rule = rule
        self._change = change.body(lambda context: encode(broken(context.samples, context.json(), rule).body))

    def __call__(self, context: RequestContext) -> MockResponse:
        return self._change(context)


def sequence(*steps: Any) -> Fault:
    """Take one step a request, then behave: a step is a status, a fault, a fault as text, or None for no fault."""
    faults = [
        None if step in (None, 200) else fault(step) if isinstance(step, str | Fault) else status(step)
        for step in steps
    ]

    def step(context: RequestContext) -> MockResponse:
        chosen = faults[context.turn] if context.turn < len(faults) else None
        return context.response if chosen is None else chosen.change(context)

    names = ", ".join("None" if one is None else one.name for one in faults)
    first = next((one.check for one in faults if one), "")
    return Fault(f"sequence({names})", step, first).when(times=len(faults) or None)


def _granting(name: str, refused: int, check: str) -> Fault:
    def granted(context: RequestContext) -> MockResponse:
        return context.granted(context.request.target)

    return Fault(name, granted, check, meets=lambda context: context.response.status == refused)


def _body(name: str, make: Callable[[RequestContext], bytes], check: str) -> Fault:
    return Fault(name, change.body(make), check, meets=_success)


def _with_items(context: RequestContext, paging: Paging, items: list[Any]) -> MockResponse:
    body = {**context.json(), paging.items: items} if paging.items else items
    return replace(context.response, payload=Payload(encode(body)))


def _unpaged(samples: Samples) -> str:
    return "" if samples.paging is not None and samples.paging.has_next_page else "it has no pages, as far as it says"


def _paged(name: str, change: Callable[[RequestContext, Paging], MockResponse], check: str) -> Fault:
    """A fault of the pages after the first."""

    def meets(context: RequestContext) -> bool:
        paging = context.samples.paging
        return (
            context.is_success and paging is not None and paging.has_next_page and is_further(paging, context.request)
        )

    def changed(context: RequestContext) -> MockResponse:
        paging = context.samples.paging
        return change(context, paging) if paging is not None and meets(context) else context.response

    return Fault(name, changed, check, meets=meets, hinders=_unpaged)


FAULTS: Mapping[str, Callable[..., Fault]] = {made.__name__: made for made in (
    status, rate_limited, unauthorized, any_key, any_space, delay, hang, reset, truncate, malformed_json, not_utf8,
    duplicate_key, nan, empty_body, wrong_content_type, redirect, plain_errors, repeat_page, lost_item, endless_cursor,
    break_rule, sequence,
)}  # fmt: skip
"""Every fault by its name, as `.fault(name, …)`, `--fault` and a sequence's steps take it."""


def fault(
    spec: str | Fault,
    *arguments: Any,
    known: Mapping[str, Callable[..., Fault]] = FAULTS,
    times: int | None = None,
    every: int = 1,
    after: int = 0,
    **named: Any,
) -> Fault:
    """Return a fault: one already made, a name with its arguments, or a call as text (`"status(503, times=2)"`).

    Raises `SettingError` for a name that is not one of those `known`, or arguments that do not fit.
    """
    timing: dict[str, Any] = {"times": times, "every": every, "after": after}
    if isinstance(spec, Fault):
        return spec if (times, every, after) == (None, 1, 0) else spec.when(**timing)
    name, positional, keywords = called(spec)
    timing |= {word: keywords.pop(word) for word in timing if word in keywords}
    made = made_by("fault", name, known, (*positional, *arguments), {**keywords, **named})
    if timing["times"] is None:
        timing["times"] = made.times
    return made.when(**timing)


def for_contract(made: Fault, operations: Sequence[Samples]) -> Fault:
    """Return the fault with the check and level that the contract gives the rule it breaks.

    It meets the answers of the first of `operations` that has the rule, and those of all others that have it.
    Raises `SettingError` for a rule that the contract does not have, and for a fault that can be played on none of the
    operations, before any request meets it.
    """
    reasons = [reason for samples in operations if (reason := made.hinders(samples))]
    if reasons and len(reasons) == len(operations):
        raise SettingError(
            reasons[0],
            where=f"fault {made.name}",
            hint="name what asks for a page and what its answer says of the next: x-bctrl-paging",
        )
    if not isinstance(made.change, _Broken):
        return made
    rule = made.change.rule
    having: dict[str, Mutant] = {}
    problems: list[SettingError] = []
    for samples in operations:
        try:
            having[samples.operation.label] = broken(samples, samples.sample(), rule)
        except SettingError as error:
            problems.append(error)
    if not having:
        raise problems[0]
    mutant = next(iter(having.values()))

    def meets(context: RequestContext) -> bool:
        return context.is_success and context.samples.operation.label in having

    return replace(made, check=mutant.check, level=mutant.level, meets=meets)
