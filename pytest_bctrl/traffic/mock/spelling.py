"""Attributes whose names cannot be misspelt: assigning to an unknown one is an error with a suggestion."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any, ClassVar

from pytest_bctrl.errors import SettingError


class UnknownAttributeError(SettingError, AttributeError):
    """An attribute was set that does not exist, or that cannot be set."""


class SpelledAttributes:
    """An object whose public attributes are fixed once `_is_complete` is set; `_settable` are those that can be set."""

    _settable: ClassVar[frozenset[str]] = frozenset()
    _is_complete = False

    def __setattr__(self, name: str, value: Any) -> None:
        if self._is_complete and not name.startswith("_") and name not in self._settable:
            raise self._unknown_attribute_error(name)
        super().__setattr__(name, value)

    def _unknown_attribute_error(self, name: str) -> UnknownAttributeError:
        """Return the error for an attribute that does not exist or cannot be set, with the closest name."""
        public = [attribute for attribute in dir(self) if not attribute.startswith("_")]
        where = f"mock.{name}"
        if name in public:
            return UnknownAttributeError("this attribute cannot be set", where=where, hint=self._settable_hint())
        close = get_close_matches(name, [*self._settable, *public], 1)
        hint = f"did you mean {close[0]}?" if close else self._settable_hint()
        return UnknownAttributeError("unknown attribute", where=where, hint=hint)

    def _settable_hint(self) -> str:
        """Return the hint of the error: the attributes that can be set, or to call a method."""
        if not self._settable:
            return "call one of its methods"
        return f"it can be set: {', '.join(sorted(self._settable))}"
