"""Reads the media types of a body: each in one form, however it is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_bctrl.drift.spec import Part, Spec


def media_types(spec: Spec, holder: Part) -> dict[str, Part]:
    """Return the media types of the `content` of a body, response, parameter or header by their names in one form.

    Raises `DocumentError` where one is no mapping.
    """
    found = {}
    for name, part in spec.members(holder / "content"):
        spec.mapping(part)
        found[_in_one_form(name)] = part
    return found


def _in_one_form(name: str) -> str:
    """Lower case, no blanks around the parameters, which are sorted."""
    essence, *parameters = [piece.strip().lower() for piece in name.split(";")]
    return "; ".join([essence, *sorted(filter(None, parameters))])


def is_json(name: str) -> bool:
    """Tell whether a value in this media type is JSON, so that it shows what type it is of."""
    return name.split(";")[0].endswith(("/json", "+json"))
