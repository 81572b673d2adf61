"""Replaces functions of client libraries, and restores them when the run ends."""

from __future__ import annotations

import asyncio
import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, Generic, TypeVar
from weakref import ref

# pytest leaves the functions of this module out of the tracebacks of tests.
__tracebackhide__ = True

_MISSING = object()
_Value = TypeVar("_Value")


class Patches:
    """The functions that the watch has replaced, each by one with the same name, signature and documentation."""

    def __init__(self) -> None:
        self.missing: list[str] = []
        """The functions and attributes that the watch needs and the installed version of a library lacks."""
        self._replaced: set[tuple[int, str]] = set()
        self._undoing = ExitStack()

    def wrap(self, owner: Any, name: str, wrapper: Callable[[Any], Any], *, is_required: bool = True) -> None:
        """Replace a function of a class or module by `wrapper(function)`; one that is required may be `missing`.

        Instances that hold another function under this name, such as one of `unittest.mock`, keep it.
        """
        function = getattr(owner, name, None)
        if (id(owner), name) in self._replaced:
            # A module that is imported again may have the same classes.
            return
        if function is not None:
            self._replaced.add((id(owner), name))
            self._undoing.callback(_restore, owner, name, vars(owner).get(name, _MISSING))
            setattr(owner, name, wraps(function)(wrapper(function)))
        elif is_required:
            self.missing.append(f"{owner.__name__}.{name}")

    def require(self, owner: object, *names: str) -> None:
        """Note those attributes as `missing` that a class, or an object of a class, does not have."""
        owner_class = owner if isinstance(owner, type) else type(owner)
        self.missing += [f"{owner_class.__name__}.{name}" for name in names if not hasattr(owner, name)]

    def require_use(self, owner: type, method: str, *names: str) -> None:
        """Note those attributes of instances as `missing` that a method of their class does not use."""
        used = inspect.unwrap(getattr(owner, method)).__code__.co_names
        self.missing += [f"{owner.__name__}.{name}" for name in names if name not in used]

    def undo(self) -> None:
        """Restore all replaced functions, the last replacement first; an error is raised after all are restored."""
        self._replaced.clear()
        self._undoing.close()


def _restore(owner: Any, name: str, value: object) -> None:
    """Set an attribute to what it was, or delete it if it was inherited."""
    if value is not _MISSING:
        setattr(owner, name, value)
    elif name in vars(owner):
        delattr(owner, name)


def as_coroutine_function(function: Any) -> Any:
    """Return a function, which returns coroutines, as one that `inspect.iscoroutinefunction` accepts.

    Up to Python 3.11, only `asyncio.iscoroutinefunction` does.
    """
    if sys.version_info >= (3, 12):
        return inspect.markcoroutinefunction(function)
    function._is_coroutine = vars(asyncio.coroutines)["_is_coroutine"]
    return function


class Reached:
    """Whether a thread or task called an observed function inside another one: a test may have replaced the first."""

    def __init__(self) -> None:
        self._is_reached: ContextVar[bool] = ContextVar("bctrl_watch_reached", default=False)

    def note(self) -> None:
        """Note that the observed function is called."""
        self._is_reached.set(True)

    @contextmanager
    def watching(self) -> Iterator[Callable[[], bool]]:
        """Yield a function that returns whether the observed function was called in the block."""
        token = self._is_reached.set(False)
        try:
            yield self._is_reached.get
        finally:
            self._is_reached.reset(token)


class ObjectValues(Generic[_Value]):
    """Values that belong to objects of client libraries, and are not stored in them: tests look at their attributes."""

    def __init__(self) -> None:
        self._values: dict[int, tuple[ref[Any], _Value]] = {}

    def set(self, owner: object, value: _Value) -> None:
        """Attach a value to an object, until the object is deleted."""
        key = id(owner)
        self._values[key] = ref(owner, lambda _: self._values.pop(key, None)), value

    def get(self, owner: object) -> _Value | None:
        """Return the value of an object; None if it has none."""
        return self._values[id(owner)][1] if id(owner) in self._values else None

    def pop(self, owner: object) -> _Value | None:
        """Return the value of an object and detach it; None if it has none."""
        return self._values.pop(id(owner))[1] if id(owner) in self._values else None
