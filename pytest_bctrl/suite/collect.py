"""Adds the contract suite to pytest's collection, with ids that begin with `bctrl::`."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest

NODE = "bctrl"


class ContractModule(pytest.Module):
    """A module of contract tests as a test module of any project, whatever that project's naming rules are."""

    has_probes: Callable[[str], bool]

    @classmethod
    def beside(cls, session: pytest.Session, name: str, has_probes: Callable[[str], bool]) -> ContractModule:
        """Return the module of the suite that has this name, as a child of the session.

        A test for which `has_probes` is false is left out: the contract has nothing for it to look at.
        """
        found = import_module(f"pytest_bctrl.suite.{name}")
        module: ContractModule = cls.from_parent(session, path=Path(str(found.__file__)), nodeid=NODE)
        module.obj = found
        module.has_probes = has_probes
        module.add_marker(pytest.mark.bctrl_contract)
        return module

    def funcnamefilter(self, name: str) -> bool:
        """Whether a name is a test's, not asking the project's `python_functions`."""
        return name.startswith("test_") and self.has_probes(name)

    def istestclass(self, obj: object, name: str) -> bool:
        """No class of the module is a test class, not even one that imports make look like one."""
        return False


def split_arguments(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Part the command line's arguments into paths and ids of contract tests (`bctrl`, `bctrl::…`)."""
    own = [argument for argument in arguments if argument == NODE or argument.startswith(f"{NODE}::")]
    own = [argument for argument in own if not Path(argument).exists()]
    return [argument for argument in arguments if argument not in own], own


def is_chosen(nodeid: str, chosen: list[str]) -> bool:
    """Whether an item is among the ids on the command line; with none there, all are."""
    return not chosen or any(
        nodeid == argument or nodeid.startswith((f"{argument}::", f"{argument}[")) for argument in chosen
    )
