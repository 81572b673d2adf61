"""The verdicts on changes of schemas that a discriminator selects, which validate no body."""

from __future__ import annotations

import json

import pytest

from tests.drift.pairs import body
from tests.drift.test_subtypes import TEXT, WHOLE, extending, ref, with_pets
from tests.impact.watched.conftest import verdict_at
from tests.watch.conftest import OPTIONS

TESTS = """
import httpx

PETS = [{"kind": "dog", "bark": 3}, {"kind": "Cat", "lives": 2}]


def pets():
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json=PETS))
    with httpx.Client(transport=transport) as client:
        return client.get("https://pets.example/a").json()


def test_dogs():
    assert 3 == sum(pet["bark"] for pet in pets() if pet["kind"] == "dog")


def test_cats():
    assert all("lives" in pet for pet in pets() if pet["kind"] == "Cat")
"""


@pytest.mark.parametrize(
    ("changed", "location", "verdict"),
    [
        ({"Dog": extending("Pet", bark=TEXT)}, "[*]<kind=dog>.bark", "fails"),
        ({"Cat": extending("Pet", lives=TEXT)}, "[*]<kind=Cat>.lives", "passes"),
    ],
)
def test_a_test_fails_if_it_needs_the_old_values_of_a_subtype(
    pytester: pytest.Pytester, changed: dict[str, object], location: str, verdict: str
) -> None:
    root = body({"type": "array", "items": ref("Pet")})
    schemas = {"Dog": extending("Pet", bark=WHOLE), "Cat": extending("Pet", lives=WHOLE)}
    for name, parts in (("orders.json", schemas), ("changed.json", {**schemas, **changed})):
        document = with_pets(root, mapping={"dog": "Dog"}, **parts)
        pytester.path.joinpath(name).write_text(json.dumps(document), "utf-8")
    pytester.makepyfile(test_pets=TESTS)

    options = ("--bctrl-watch", "--bctrl-impact=changed.json", "--bctrl-report=impact.json", *OPTIONS)
    pytester.runpytest(*options).assert_outcomes(passed=2)

    assert verdict == verdict_at(pytester, location)[0]
