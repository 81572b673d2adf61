"""Finds counterexamples: values that one document allows and the other forbids, validated against both.

In a response, the new document allows the value and the old one forbids it; in a request, it is the reverse. If the
engine proves that there is no such value, the proof is reported.
"""

from __future__ import annotations

from contextlib import suppress
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_bctrl.drift.candidates import Side, candidates
from pytest_bctrl.drift.containment import FAILURES
from pytest_bctrl.drift.node import BESIDE
from pytest_bctrl.drift.pair import View, steps
from pytest_bctrl.drift.texts import is_rejected
from pytest_bctrl.drift.verification import BUDGET_USED_UP

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_bctrl.drift.change_location import ChangeLocation
    from pytest_bctrl.drift.normalize import Normalizer
    from pytest_bctrl.drift.pair import Located, Step, Trail
    from pytest_bctrl.drift.verify import Verifier

_TRIES = 400
"""Maximum number of values per change."""
SEARCH = 1_000
"""The steps that a search takes in addition to its values: schemas have to be read, and values generated."""


class Shown(NamedTuple):
    """The evidence of a change: a `counterexample`, a `proof`, or only the `rule`.

    A counterexample has a `value`, the pointer `at` which it is invalid, and the part of the body or parameter that it
    is a value `of`: a path, empty for all of it. `allowed` is `before` or `now`. `reason`: why there is no value.
    """

    by: str
    value: Any = None
    at: str = ""
    of: str = ""
    allowed: str = ""
    reason: str = ""

    @property
    def data(self) -> dict[str, Any]:
        """The evidence as JSON data."""
        if self.by == "counterexample":
            data = self._asdict()
            del data["reason"]
            return data
        if self.reason:
            return {"by": self.by, "reason": self.reason}
        return {"by": self.by}


def shown_outside_schemas(rule: str, location: ChangeLocation, old: Any, new: Any) -> Shown | None:
    """Return the request or response that shows a change outside of schemas, by the rule; None for other rules."""
    allowed = {**_WITHOUT, **_RESPONSES}.get(rule)
    if not allowed:
        return None
    response = {"request": location.operation}
    if rule in _RESPONSES:
        response = dict(location.context)
    if rule in _WITHOUT:
        response["without"] = location.path
    elif rule == "response-media-type-removed":
        response["media_type"] = old
    elif rule == "response-media-type-name-generalized":
        response["media_type"] = new.replace("*/", "application/").replace("*", "x-another")
    return Shown("counterexample", response, allowed=allowed)


_WITHOUT = {
    **dict.fromkeys(("request-body-added-required", "request-body-became-required"), "before"),
    **dict.fromkeys(("new-required-request-parameter", "request-parameter-became-required"), "before"),
    **dict.fromkeys(("required-response-header-removed", "response-header-became-optional"), "now"),
}
_RESPONSES = {
    **dict.fromkeys(("response-success-status-removed", "response-media-type-removed"), "before"),
    **dict.fromkeys(("required-response-header-removed", "response-header-became-optional"), "now"),
    "response-media-type-name-generalized": "now",
}


class Examples:
    """Finds counterexamples for the changes between two documents, with at most `steps` values in all."""

    def __init__(self, old: Normalizer, new: Normalizer, verifier: Verifier, steps: int) -> None:
        self._documents = old, new
        self._sides = _sides(old, new)
        self._verifier = verifier
        self._steps = steps

    def read(self, changes: Sequence[Iterable[Trail]]) -> None:
        """Read the schemas on the trails of changes within the budget, because the engine reads them at once."""
        for trail in chain.from_iterable(changes[: self._steps // SEARCH]):
            for pair in steps(trail):
                _read(self._sides, pair)

    def show(self, located: Located, values: tuple[Any, Any], name: str, *, is_error: bool) -> Shown:
        """Return the evidence of a change: a counterexample, perhaps with the property `name`; a proof; or the rule.

        A counterexample is a value of all of the body or parameter. A proof is about the schemas at the end of the
        trail of the change, or about schemas that contain them.
        """
        (trail,), view = located.trails, located.view or View("")
        pairs = steps(trail)
        # Beyond the budget, only the smallest schemas are proven.
        count = len(pairs) if self._steps >= SEARCH else 1
        sides, counterexample, reason = None, None, ""
        if is_error:
            sides, reason = self._validating_sides(pairs[0])
        if sides:
            counterexample = self._counterexample(sides, pairs, values[_allowing_index(view)], name, view)
        if counterexample is None and self._is_proven(pairs, count, view):
            return Shown("proof")
        if sides and counterexample is None:
            counterexample = self._computed(sides, pairs, view)
        return counterexample or Shown("rule", reason=reason)

    def _validating_sides(self, first: Step) -> tuple[tuple[Side, Side] | None, str]:
        """Return both documents as validators of the first schemas of a trail, and why they may show nothing.

        The documents are None beyond the budget.
        """
        if self._steps < SEARCH:
            return None, BUDGET_USED_UP
        self._steps -= SEARCH
        sides = self._sides
        if not _are_affordable(sides):
            # The schemas of this body or parameter may be small.
            sides = self._sides_of(first)
        if not _are_affordable(sides):
            return None, "the schemas are too large to validate values with"
        return sides, "no value was generated that only one of the documents allows"

    def are_sent_alike(self, located: Located) -> bool:
        """Return whether the schemas that changed are proven to allow the same texts, so that nothing changed."""
        (trail,), view = located.trails, located.view or View("")
        nodes, _ = steps(trail)[-1]
        return self._verifier.are_sent_alike(*nodes, view)

    def _is_proven(self, pairs: list[Step], count: int, view: View) -> bool:
        """Return whether the engine proves that no value of the first schema of a trail breaks a consumer.

        It reads the last `count` schemas. A proof about a schema holds for those that contain it; but an alternative
        of `oneOf` that allows more can make a value meet two.
        """
        is_proven, is_request = False, view.is_request
        for index in reversed(range(len(pairs))):
            nodes, step = pairs[index]
            if not is_proven and index >= len(pairs) - count:
                is_proven = self._verifier.is_proven(*nodes, view)
            if is_proven and index and step.startswith("<"):
                is_proven = self._verifier.can_divide_alternatives(*pairs[index - 1][0], is_request=is_request)
            elif is_proven and index and not step:
                is_proven = self._verifier.may_become_alternative(*pairs[index - 1][0], is_request=is_request)
        return is_proven

    def _computed(self, sides: tuple[Side, Side], pairs: list[Step], view: View) -> Shown | None:
        """Return a counterexample that has a value which the engine computes of the last schema, or None."""
        index = max(index for index, (_, step) in enumerate(pairs) if not index or step.startswith((".", "[")))
        verification = self._verifier.verification(*pairs[index][0], view)
        if not verification.has_value:
            return None
        return self._counterexample(sides, pairs[: index + 1], verification.value, "", view)

    def _sides_of(self, pair: Step) -> tuple[Side, Side]:
        """Return both documents with the schemas of a pair alone."""
        sides = _sides(*self._documents)
        _read(sides, pair)
        return sides

    def _counterexample(
        self, sides: tuple[Side, Side], pairs: list[Step], value: Any, name: str, view: View
    ) -> Shown | None:
        """Return a counterexample of the first schema of a trail, or None."""
        from jsonschema_rs import ReferencingError

        index = _allowing_index(view)
        nodes, path = pairs[0]
        with suppress(*FAILURES, ReferencingError):
            allowing, forbidding = sides[index].validator(nodes[index]), sides[1 - index].validator(nodes[1 - index])
            likely = candidates(pairs, index, value, name, sides)
            for candidate, at in islice(likely, min(_TRIES, max(self._steps, 0))):
                self._steps -= 1
                is_shown = allowing.is_valid(candidate) and is_rejected(candidate, forbidding, is_text=view.is_text)
                if is_shown and self._verifier.has_declared_names(candidate, nodes[index]):
                    return Shown("counterexample", candidate, at, path, ("before", "now")[index])
        return None


def _allowing_index(view: View) -> int:
    """Return the index of the document that allows the value of a counterexample."""
    return int(not view.is_request)


def _sides(old: Normalizer, new: Normalizer) -> tuple[Side, Side]:
    """Return both documents as the engine reads them."""
    return Side(old, "urn:old"), Side(new, "urn:new")


def _read(sides: tuple[Side, Side], pair: Step) -> None:
    """Add the schemas of a pair to both sides."""
    nodes, _ = pair
    for side, node in zip(sides, nodes, strict=True):
        side.read_all(pointer for pointer in node.key if BESIDE not in pointer)


def _are_affordable(sides: tuple[Side, Side]) -> bool:
    """Return whether the schemas of both sides can validate values within the budget."""
    return all(side.is_affordable for side in sides)
