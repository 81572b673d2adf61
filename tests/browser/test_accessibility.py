"""axe reports no violation in a report with all details open, in both themes, on a desktop and on a phone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import DESKTOP, PHONE, Show
from tests.reports.examples import Example, attributed, drift, failed, passed, unchecked

EXAMPLES: list[Callable[[], Example]] = [failed, passed, unchecked, drift, attributed]
# Each two of example, theme and width are combined; all combinations of the three would take twice the time.
COMBINATIONS = [
    pytest.param(example, scheme, (DESKTOP, PHONE)[(number + turn) % 2])
    for number, example in enumerate(EXAMPLES)
    for turn, scheme in enumerate(("light", "dark"))
]


@pytest.mark.parametrize(("example", "scheme", "size"), COMBINATIONS)
def test_axe_finds_no_violations(show: Show, example: Callable[[], Example], scheme: str, size: dict[str, int]) -> None:
    # axe is a script of its own, which the page's policy rightly keeps out.
    page = show(example(), viewport=size, color_scheme=scheme, bypass_csp=True)
    page.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true; })")
    page.wait_for_function("document.querySelectorAll('details.finding').length"
                           " === document.querySelectorAll('details.finding .body').length")  # fmt: skip
    results = Axe().run(page)
    assert [] == [
        (violation["id"], [node["html"] for node in violation["nodes"]]) for violation in results.response["violations"]
    ]
    assert len(results.response["passes"]) > 20
