"""Replaces attributes of classes, and restores them when the run ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

# pytest leaves the functions of this module out of the tracebacks of tests.
__tracebackhide__ = True

_MISSING = object()


class Patches:
    """The attributes that the watch has replaced."""

    def __init__(self) -> None:
        self.missing: list[str] = []
        """The methods that were to be replaced, and that the installed version of a library does not have."""
        self._replaced: list[tuple[Any, str, object]] = []

    def replace(self, owner: Any, name: str, value: object) -> None:
        """Replace an attribute of a class or module until `undo`."""
        self._replaced.append((owner, name, vars(owner).get(name, _MISSING)))
        setattr(owner, name, value)

    def wrap(self, owner: Any, name: str, wrapper: Callable[[Any], object], *, is_required: bool = True) -> None:
        """Replace a function of a class by `wrapper(function)`; one that is required and missing is remembered."""
        function = getattr(owner, name, None)
        if self._has_replaced(owner, name):
            return
        if function is not None:
            self.replace(owner, name, wrapper(function))
        elif is_required:
            self.missing.append(f"{owner.__qualname__}.{name}")

    def intercept(self, owner: Any, name: str, wrapper: Callable[[Any, Any], object]) -> None:
        """Make `instance.name` return `wrapper(instance, value)`, even if another library replaces the attribute."""
        if not hasattr(owner, name):
            self.missing.append(f"{owner.__qualname__}.{name}")
            return
        if self._has_replaced(owner, "__getattribute__"):
            return

        def look_up_in_bases(self: Any, attribute: str) -> Any:
            """Return an attribute as the next class does, which may have an intercepted one too."""
            return super(owner, self).__getattribute__(attribute)

        look_up: Any = vars(owner).get("__getattribute__", look_up_in_bases)

        def __getattribute__(self: Any, attribute: str) -> Any:  # noqa: N807 - it is that method
            """Return an attribute; the intercepted one is wrapped."""
            value = look_up(self, attribute)
            if attribute == name:
                return wrapper(self, value)
            return value

        self.replace(owner, "__getattribute__", __getattribute__)

    def _has_replaced(self, owner: Any, name: str) -> bool:
        """Return whether an attribute is replaced: a module that is imported again may have the same classes."""
        return any(owner is replaced and name == attribute for replaced, attribute, _ in self._replaced)

    def undo(self) -> None:
        """Restore all replaced attributes, the last replacement first."""
        while self._replaced:
            owner, name, value = self._replaced.pop()
            if value is _MISSING:
                delattr(owner, name)
            else:
                setattr(owner, name, value)
