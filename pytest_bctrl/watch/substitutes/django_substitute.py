"""Builds responses of Django's test clients."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from pytest_bctrl.http.message import MockResponse
from pytest_bctrl.watch.substitutes.copying import shallow_copy


def django_response(response: Any, substitute: MockResponse) -> Any:
    """Return a response of Django with the substitute's contents, streamed if the observed one is."""
    headers = type(response.headers)({})
    for name, value in substitute.headers:
        headers[name] = value
    copy = shallow_copy(response, status_code=substitute.status, _reason_phrase=None, headers=headers)
    vars(copy).pop("_json", None)
    if response.streaming:
        copy.streaming_content = [substitute.payload.content]
    else:
        copy.content = substitute.payload.content
        if "data" in vars(response) and substitute.payload.content != response.content:
            copy.data = _parsed(substitute.body, response.data)
    # The client binds its method to the response.
    copy.json = partial(response.json.func, copy)
    return copy


def _parsed(body: bytes, observed: Any) -> Any:
    """Return the data of a body, as a response of Django REST framework has them; `observed` if it is not JSON."""
    try:
        return json.loads(body)
    except ValueError:
        return observed
