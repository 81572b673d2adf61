"""The faults of lists that page: an item comes again, one is left out, the pages have no end."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pytest_bctrl.contract.paging import LINK, Paging
from pytest_bctrl.samples.sample import Samples
from pytest_bctrl.samples.text import encode
from pytest_bctrl.traffic.mock.change import Fault, Scene
from pytest_bctrl.traffic.mock.message import Answer, Payload
from pytest_bctrl.traffic.mock.pages import announced, is_further, started, target_of


def repeat_page() -> Fault:
    """Answer every further page of a list with the items of the first."""

    def again(scene: Scene, paging: Paging) -> Answer:
        first = scene.granted(target_of(paging, scene.request))
        return _with_items(scene, paging, paging.listed(json.loads(first.body)))

    return _paged("repeat_page()", again, "repeated_item")


def lost_item() -> Fault:
    """Leave out the first item of every further page of a list."""
    return _paged(
        "lost_item()",
        lambda scene, paging: _with_items(scene, paging, paging.listed(scene.json())[1:]),
        "lost_item",
    )


def endless_cursor() -> Fault:
    """Say on the last page of a list that there is one more, which is the same again."""

    def endless(scene: Scene, paging: Paging) -> Answer:
        query = scene.request.query
        if paging.following(scene.json(), scene.answer.header(LINK), query) is not None:
            return scene.answer
        body, fields = announced(scene.samples, paging, scene.json(), scene.request, started(paging, query))
        return replace(scene.answer, headers=(*scene.answer.headers, *fields), payload=Payload(encode(body)))

    def hinders(samples: Samples) -> str:
        tells = samples.paging and (samples.paging.more or samples.paging.next or samples.paging.in_header)
        return _unpaged(samples) or ("" if tells else "its answer does not say whether there is more")

    return replace(_paged("endless_cursor()", endless, "endless_paging"), hinders=hinders)


def _with_items(scene: Scene, paging: Paging, items: list[Any]) -> Answer:
    body = {**scene.json(), paging.items: items} if paging.items else items
    return replace(scene.answer, payload=Payload(encode(body)))


def _unpaged(samples: Samples) -> str:
    return "" if samples.paging is not None and samples.paging.leads_on else "it has no pages, as far as it says"


def _paged(name: str, change: Callable[[Scene, Paging], Answer], check: str) -> Fault:
    """A fault of the pages after the first."""

    def meets(scene: Scene) -> bool:
        paging = scene.samples.paging
        return scene.is_success and paging is not None and paging.leads_on and is_further(paging, scene.request)

    def changed(scene: Scene) -> Answer:
        paging = scene.samples.paging
        return change(scene, paging) if paging is not None and meets(scene) else scene.answer

    return Fault(name, changed, check, meets=meets, hinders=_unpaged)
