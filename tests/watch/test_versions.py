"""The versions of each library with which these tests have run, and what the watch needs of a library."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.version import Version

from pytest_bctrl.watch.importing import LibraryHooks
from pytest_bctrl.watch.patches import Patches
from pytest_bctrl.watch.recorder import Recorder

DOCS = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "watch.md"
TRIED = {
    "httpx": ("0.27.0", "0.29.0"),
    "httpx2": ("2.0.0", "2.17.0"),
    "requests": ("2.32.0", "2.34.2"),
    "urllib3": ("2.0.7", "2.8.0"),
    "aiohttp": ("3.10.11", "3.14.5"),
    "Django": ("5.2", "6.1.3"),
    "werkzeug": ("3.0.0", "3.1.9"),
    "respx": ("0.22.0", "0.23.1"),
    "pytest-httpx": ("0.36.0", "0.36.2"),
    "responses": ("0.25.0", "0.26.3"),
    "requests-mock": ("1.12.0", "1.12.1"),
    "aioresponses": ("0.7.8", "0.7.9"),
    "vcrpy": ("7.0.0", "9.4.2"),
}
"""The lowest and the highest version of each library with which all tests of this folder have passed."""
MODULES = {
    "Django": ["django.test.client"],
    "werkzeug": ["werkzeug.test"],
    "pytest-httpx": ["pytest_httpx"],
    "requests-mock": ["requests_mock"],
    "vcrpy": ["vcr.stubs", "vcr.cassette"],
}
"""The modules that the watch observes, where one does not have the name of the library."""


@pytest.mark.parametrize("library", TRIED)
def test_the_installed_version_has_all_that_the_watch_needs(library: str, tmp_path: Path) -> None:
    modules = MODULES.get(library, [library])
    for module in modules:
        pytest.importorskip(module)
    assert Version(version(library)) >= Version(TRIED[library][0])
    hooks = LibraryHooks(Recorder(tmp_path))
    hooks.install()
    try:
        assert [] == [sentence for sentence in hooks.unobserved if sentence.startswith(tuple(modules))]
    finally:
        hooks.uninstall()


def test_the_documentation_names_the_versions() -> None:
    text = DOCS.read_text("utf-8")
    rows = [f"{name} {lowest} to {highest}" for name, (lowest, highest) in TRIED.items()]
    assert "; ".join(rows) in " ".join(text.split())


class Response:
    """A response that has one attribute when it is created, and uses another one in a method."""

    def __init__(self) -> None:
        self._content = b""

    def read(self) -> bytes:
        """Return the content, and remember that it was read."""
        self._is_read = True
        return self._content


def test_attributes_that_a_class_or_an_object_does_not_have_are_named() -> None:
    patches = Patches()
    patches.require(Response, "read", "close")
    patches.require(Response(), "_content", "_body")
    patches.require_use(Response, "read", "_is_read", "_stream")
    assert ["Response.close", "Response._body", "Response._stream"] == patches.missing


@pytest.mark.parametrize(("module", "class_name"), [("httpx", "Response"), ("requests.models", "Response")])
def test_a_library_without_a_private_attribute_is_named(
    module: str, class_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A class of responses that keeps its content elsewhere."""
    library = import_module(module)

    class Renamed(getattr(library, class_name)):  # type: ignore[misc]
        def __getattribute__(self, name: str) -> object:
            if name == "_content":
                raise AttributeError(name)
            return super().__getattribute__(name)

    monkeypatch.setattr(library, class_name, Renamed)
    hooks = LibraryHooks(Recorder(tmp_path))
    hooks.install()
    hooks.uninstall()
    name = module.partition(".")[0]
    (sentence,) = hooks.unobserved
    assert sentence.startswith(f"{name} {version(name)} has no ")
    assert sentence.endswith("_content: the watch does not observe this version, or not completely")
