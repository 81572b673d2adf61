"""The faults by name. Each function returns a `Fault`; all of them accept `times`, `every` and `after` as well."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from email.utils import formatdate
from operator import attrgetter
from time import time
from typing import Any

from pytest_bctrl.contract.paging import LINK, Paging
from pytest_bctrl.errors import SettingError
from pytest_bctrl.http.message import MockResponse, Payload, with_headers
from pytest_bctrl.samples.mutants import SCHEMA_CHECK, Mutant, broken
from pytest_bctrl.samples.sample import Samples
from pytest_bctrl.samples.text import encode
from pytest_bctrl.traffic.mock import change
from pytest_bctrl.traffic.mock.call_syntax import (
    call_by_name,
    parse_call,
    require_one_line,
    require_seconds,
    require_status_code,
)
from pytest_bctrl.traffic.mock.change import BodyChange, Change, Fault, RequestContext
from pytest_bctrl.traffic.mock.pages import is_further, page_start, page_target, with_next_page

_WHOLE = "complete_answer"
_success: Callable[[RequestContext], bool] = attrgetter("is_success")
_has_json: Callable[[RequestContext], bool] = attrgetter("has_parsable_body")


def status(code: int, *, retry_after: float | None = None, as_date: bool = False) -> Fault:
    """Respond with this status, as an error in the documented shape; `Retry-After` in seconds, or as a date."""
    code = require_status_code(code, "fault status")
    rejection = change.status(code, f"the mock plays the status {code}")
    arguments = [str(code)]
    if retry_after is not None:
        rejection = _with_retry_after(rejection, retry_after, "fault status", as_date=as_date)
        arguments.append(f"retry_after={retry_after:g}")
    if as_date:
        arguments.append("as_date=True")
    check = "not_a_server_error" if code >= 500 else "status_code_conformance"
    return Fault(f"status({', '.join(arguments)})", rejection, check)


def rate_limited(retry_after: float = 1, *, as_date: bool = False) -> Fault:
    """Respond with 429 and `Retry-After` (RFC 6585, 4) in seconds, or as a date."""
    rejection = change.status(429, "the mock plays a rate limit")
    rejection = _with_retry_after(rejection, retry_after, "fault rate_limited", as_date=as_date)
    shown = f"retry_after={retry_after:g}{', as_date=True' if as_date else ''}"
    return Fault(f"rate_limited({shown})", rejection, _WHOLE)


def _with_retry_after(rejection: Change, seconds: float, where: str, *, as_date: bool) -> Change:
    """Return the change `rejection` with `Retry-After` added, as seconds or as a date (RFC 9110, 10.2.3)."""
    require_seconds(seconds, where)

    def change_response(context: RequestContext) -> MockResponse:
        """Return the rejection with `Retry-After` in seconds or as a date."""
        value = f"{seconds:g}"
        if as_date:
            value = formatdate(time() + seconds, usegmt=True)
        return with_headers(rejection(context), {"Retry-After": value})

    return change_response


def slow_body(bytes_per_second: float = 1024) -> Fault:
    """Send the body at this speed."""
    speed = require_seconds(
        bytes_per_second, "fault slow_body", what="a speed", hint="give bytes per second, such as 1024"
    )
    if not speed:
        raise SettingError(
            "0 is not a speed", where="fault slow_body", hint="give bytes per second, or use the fault hang"
        )
    return Fault(
        f"slow_body({speed:g})", lambda context: replace(context.response, bytes_per_second=speed), meets=_has_body
    )


def _has_body(context: RequestContext) -> bool:
    """Return whether the response so far has a body."""
    return bool(context.response.body)


def unauthorized() -> Fault:
    """Respond with 401 to any credential."""
    extra = {"WWW-Authenticate": 'Bearer realm="bctrl", error="invalid_token"'}
    rejection = change.status(401, "the mock rejects the key because of a fault", extra)
    return Fault("unauthorized()", rejection, "status_code_conformance")


def any_key() -> Fault:
    """Accept every request, without checking the credential."""
    return Fault(
        "any_key()", lambda context: context.granted(context.request.target), "ignored_auth", meets=_rejects_credential
    )


def _rejects_credential(context: RequestContext) -> bool:
    """Return whether the response so far rejects the credential: with 401, or with 403 and `WWW-Authenticate`."""
    response = context.response
    return response.status == 401 or (response.status == 403 and response.header("www-authenticate") is not None)


def delay(seconds: float) -> Fault:
    """Wait this long before the first byte."""
    return Fault(f"delay({require_seconds(seconds, 'fault delay'):g})", change.delay(seconds))


def hang() -> Fault:
    """Accept the request and never respond; the connection stays open."""
    return Fault("hang()", lambda context: replace(context.response, ending="hang"), _WHOLE)


def reset() -> Fault:
    """Reset the connection before the first byte."""
    return Fault("reset()", lambda context: replace(context.response, ending="reset"), _WHOLE)


def truncate() -> Fault:
    """Close the connection in the middle of the body that `Content-Length` announced."""
    return Fault("truncate()", lambda context: replace(context.response, ending="truncate"), _WHOLE, meets=_success)


def malformed_json() -> Fault:
    """Omit the last character of the body, as a broken proxy does; `Content-Length` is correct."""
    change = BodyChange(lambda context: _without_last_character(context.response.body))

    def meets(context: RequestContext) -> bool:
        """Return whether the response is a JSON success with a body that is invalid without its last character."""
        return context.is_json_success and change.affects(context)

    needs = "a successful response with a JSON body that is not a number"
    return Fault("malformed_json()", change, "strict_json", meets=meets, needs=needs)


def _without_last_character(body: bytes) -> bytes | None:
    """Return a body without its last character; None for a number, and for a body of at most one character."""
    text = body.strip()
    if len(text) < 2 or _NUMBER.fullmatch(text):
        return None
    return text[:-1]


_NUMBER = re.compile(rb"[-+.0-9eE]+")


def empty_body() -> Fault:
    """Send a successful response without its body."""
    return Fault("empty_body()", BodyChange(lambda _context: b""), "complete_body", meets=_success)


def wrong_content_type(content_type: str = "text/html") -> Fault:
    """Send the body with another content type."""
    changed = change.headers({"Content-Type": require_one_line(content_type)})
    return Fault(f"wrong_content_type({content_type!r})", changed, "content_type_conformance", meets=_success)


def redirect(url: str = "http://127.0.0.1:9/elsewhere", code: int = 302) -> Fault:
    """Respond with a redirect to `url`; a client must not send the key there."""
    code = require_status_code(code, "fault redirect")
    redirection = change.status(code, f"the mock redirects to {url}", {"Location": require_one_line(url)})
    return Fault(f"redirect({url!r})", redirection, "status_code_conformance")


def plain_errors() -> Fault:
    """Send an HTML page in place of the documented error body."""

    def page(context: RequestContext) -> MockResponse:
        """Return the response with an HTML page as its body."""
        response = replace(context.response, payload=Payload(b"<h1>Something went wrong</h1>\n"))
        return with_headers(response, {"Content-Type": "text/html"})

    return Fault(
        "plain_errors()", page, "content_type_conformance", meets=lambda context: context.response.status >= 400
    )


def repeat_page() -> Fault:
    """Repeat the items of the first page on every further page of a list."""

    def again(context: RequestContext, paging: Paging) -> MockResponse:
        """Return the response with the items of the first page."""
        first = context.granted(page_target(paging, context.request))
        return _with_items(context, paging, paging.items_in(json.loads(first.body)))

    return _paged_fault("repeat_page()", again, "repeated_item", "differs from the first")


def lost_item() -> Fault:
    """Omit the first item of every further page of a list."""
    return _paged_fault(
        "lost_item()",
        lambda context, paging: _with_items(context, paging, paging.items_in(context.json())[1:]),
        "lost_item",
        "has an item",
    )


def endless_cursor() -> Fault:
    """Announce another page on the last of several pages of a list; it is the same page again."""

    def endless(context: RequestContext, paging: Paging) -> MockResponse:
        """Return the response with the requested page announced as its next page, if it announces none."""
        query = context.request.query
        if paging.next_query(context.json(), context.response.header(LINK), query) is not None:
            return context.response
        body, fields = with_next_page(
            context.samples, paging, context.json(), context.request, page_start(paging, query)
        )
        return replace(context.response, headers=(*context.response.headers, *fields), payload=Payload(encode(body)))

    def hinders(samples: Samples) -> str:
        """Return why an operation cannot announce an endless page; empty if it can."""
        paging = samples.paging
        announces_more = paging and (paging.more or paging.next or paging.in_header)
        if announces_more:
            return _why_unpaged(samples)
        return _why_unpaged(samples) or "its response does not say whether there is more"

    return replace(_paged_fault("endless_cursor()", endless, "endless_paging", "is the last"), hinders=hinders)


def break_rule(rule: str) -> Fault:
    """Break one rule of the contract at the last location that has it.

    A body without such a location is replaced by a sample that breaks the rule.

    `rule` is a location (`"runtimes[*].status"`), a location and a keyword (`"runtimes[*].status: type"`), the name of
    an invariant (`"unique_ids"`), or `"undocumented_property"`.
    """
    # Only the contract, which is not available yet, says whether it is an invariant: see `for_contract`.
    return Fault(f"break_rule({rule!r})", _RuleViolation(str(rule)), SCHEMA_CHECK, meets=_has_json)


class _RuleViolation:
    """Changes a response so that it breaks a rule."""

    def __init__(self, rule: str) -> None:
        self.rule = rule
        self._change = BodyChange(lambda context: encode(broken(context.samples, context.json(), rule).body))

    def __call__(self, context: RequestContext) -> MockResponse:
        """Return the response with a body that breaks the rule."""
        return self._change(context)


def _with_items(context: RequestContext, paging: Paging, items: list[Any]) -> MockResponse:
    """Return the response with `items` as the items of its page; as it is if these are its items."""
    if items == paging.items_in(context.json()):
        return context.response
    body = {**context.json(), paging.items: items} if paging.items else items
    return replace(context.response, payload=Payload(encode(body)))


def _why_unpaged(samples: Samples) -> str:
    """Return why a fault of pages has no effect on an operation; empty if the operation has pages."""
    if samples.paging is not None and samples.paging.has_next_page:
        return ""
    return "it has no pages, as far as it says"


def _paged_fault(name: str, change: Callable[[RequestContext, Paging], MockResponse], check: str, needs: str) -> Fault:
    """Return a fault that changes pages after the first; it does not apply to a page that `change` leaves as it is.

    `change` gets the context of a response to a page after the first, and the paging of the operation.
    """

    def changed(context: RequestContext) -> MockResponse:
        """Return the changed page; the response so far if it is the first page, or no page."""
        paging = _paging_of(context)
        if paging is None or not is_further(paging, context.request):
            return context.response
        return change(context, paging)

    def meets(context: RequestContext) -> bool:
        """Return whether the change makes a difference to the response."""
        response, before = changed(context), context.response
        return response.headers != before.headers or response.body != before.body

    needs = f"a page after the first that {needs}"
    return Fault(name, changed, check, meets=meets, hinders=_why_unpaged, needs=needs)


def _paging_of(context: RequestContext) -> Paging | None:
    """Return the paging of the requested operation; None if it has no pages, or if the response is not a page."""
    if not context.has_parsable_body or context.operation_samples is None:
        return None
    paging = context.operation_samples.paging
    if paging is None or not paging.has_next_page or not paging.has_items(context.json()):
        return None
    return paging


FAULTS: Mapping[str, Callable[..., Fault]] = {function.__name__: function for function in (
    status, rate_limited, unauthorized, any_key, delay, slow_body, hang, reset, truncate, malformed_json, empty_body,
    wrong_content_type, redirect, plain_errors, repeat_page, lost_item, endless_cursor, break_rule,
)}  # fmt: skip
"""All faults by name, for `.fault(name, …)`, `--fault` and the steps of `.sequence(…)`."""


def fault(
    spec: str | Fault,
    *arguments: Any,
    functions: Mapping[str, Callable[..., Fault]] = FAULTS,
    times: int | None = None,
    every: int = 1,
    after: int = 0,
    **named: Any,
) -> Fault:
    """Return a fault from a `Fault`, from a name with its arguments, or from a call as text (`"status(503)"`).

    Raises `SettingError` for a name that is not in `functions`, or arguments that do not fit.
    """
    timing: dict[str, Any] = {"times": times, "every": every, "after": after}
    if isinstance(spec, Fault):
        if (times, every, after) == (None, 1, 0):
            return spec
        return spec.when(**timing)
    name, positional, keywords = parse_call(spec)
    timing |= {word: keywords.pop(word) for word in timing if word in keywords}
    untimed = call_by_name("fault", name, functions, (*positional, *arguments), {**keywords, **named})
    if timing["times"] is None:
        timing["times"] = untimed.times
    return untimed.when(**timing)


def for_contract(fault: Fault, operations: Sequence[Samples]) -> Fault:
    """Return the fault, `break_rule` with check and level of its rule; raises `SettingError` if it has no effect.

    It applies to the responses of all `operations` that have the rule. Raises `SettingError` for a rule that the
    contract does not have, and for a fault that has no effect on any of the operations.
    """
    reasons = [reason for samples in operations if (reason := fault.hinders(samples))]
    if reasons and len(reasons) == len(operations):
        raise SettingError(
            reasons[0],
            where=f"fault {fault.name}",
            hint="name the parameter of a page and the member with the next page: x-bctrl-paging",
        )
    if not isinstance(fault.change, _RuleViolation):
        return fault
    rule = fault.change.rule
    if not operations:
        raise SettingError(
            "no operation has a JSON response", where=f"fault {fault.name}", hint="use a fault that needs no body"
        )
    mutants: dict[str, Mutant] = {}
    problems: list[SettingError] = []
    for samples in operations:
        try:
            mutants[samples.operation.label] = broken(samples, samples.sample(), rule)
        except SettingError as error:
            problems.append(error)
    if not mutants:
        raise problems[0]
    mutant = next(iter(mutants.values()))

    def meets(context: RequestContext) -> bool:
        """Return whether the response is a JSON success of an operation that has the rule."""
        samples = context.operation_samples
        return context.has_parsable_body and samples is not None and samples.operation.label in mutants

    return replace(fault, check=mutant.check, level=mutant.level, meets=meets)
