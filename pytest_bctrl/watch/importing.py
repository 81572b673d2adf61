"""Installs the hook of a library when the tests import the library, and imports none itself."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from pytest_bctrl.watch.patches import Patches
from pytest_bctrl.watch.recorder import Recorder

HOOKS = {
    "httpx": "libraries.httpx_hook",
    "httpx2": "libraries.httpx_hook",
    "requests": "libraries.requests_hook",
    "urllib3": "libraries.urllib3_hook",
    "http.client": "libraries.http_client_hook",
    "aiohttp": "libraries.aiohttp_hook",
    "werkzeug.test": "libraries.werkzeug_hook",
    "django.test.client": "libraries.django_hook",
    "vcr.stubs": "libraries.vcr_hook",
    "respx": "responders.respx_hook",
    "responses": "responders.responses_hook",
    "requests_mock": "responders.requests_mock_hook",
    "pytest_httpx": "responders.pytest_httpx_hook",
    "aioresponses": "responders.aioresponses_hook",
    "vcr.cassette": "responders.vcr_hook",
}
"""The module that hooks each library, by the name of the library's module."""
_REQUESTS = "its requests"
UNOBSERVED = {
    "tornado.httpclient": _REQUESTS,
    "twisted.web.client": _REQUESTS,
    "niquests": "its asynchronous requests, and others only if urllib3-future has the place of urllib3",
    "pycurl": _REQUESTS,
    "curl_cffi": _REQUESTS,
    "webtest": _REQUESTS,
    "falcon.testing": _REQUESTS,
    "quart.testing": _REQUESTS,
    "ninja.testing": _REQUESTS,
    "pook": "the responses that it returns to urllib3 and http.client",
}
"""What the watch does not observe of clients, test clients and mocks; it says so if the tests import them."""


class LibraryHooks:
    """An import hook: after a library is imported, its hook is installed.

    Each module has a loader of its own around the loader that would have been used: pytest's assertion rewriter is a
    single loader for many modules.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._patches = Patches()
        self._unobserved: dict[str, None] = {}

    def install(self) -> None:
        """Observe the libraries that are already imported, and those that will be."""
        sys.meta_path.insert(0, self)
        for name in (*HOOKS, *UNOBSERVED):
            module = sys.modules.get(name)
            # A `conftest.py` may have put a mock object or another library there.
            if isinstance(module, ModuleType) and module.__name__ == name:
                self._loaded(name)(module)

    def uninstall(self) -> None:
        """Restore all libraries, and stop observing; a test may have removed the import hook."""
        try:
            self._patches.undo()
        finally:
            sys.meta_path[:] = [finder for finder in sys.meta_path if finder is not self]

    @property
    def unobserved(self) -> list[str]:
        """A sentence for each imported library that is not observed, or not completely: exchanges may be missed."""
        return list(self._unobserved)

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None, /
    ) -> ModuleSpec | None:
        """Return the spec of a library with a loader that installs its hook or names it; None for other modules."""
        if name not in HOOKS and name not in UNOBSERVED:
            return None
        for finder in sys.meta_path:
            if finder is self:
                continue
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                if spec.loader is not None:
                    spec.loader = _HookingLoader(spec, spec.loader, self._loaded(name))
                return spec
        return None

    def _loaded(self, name: str) -> Callable[[ModuleType], None]:
        """Return the method to call with the module of a library when it has been loaded."""
        if name in UNOBSERVED:
            return self._note_unobserved
        return self._install_hook

    def _note_unobserved(self, module: ModuleType) -> None:
        """Note the parts that are not observed of an installed library that the tests import."""
        file = getattr(module, "__file__", None)
        if file is None or self._recorder.lines.is_project(file):
            # A folder of the project may have the name of a library.
            return
        name = module.__name__
        self._unobserved[f"{name} is imported: the watch does not observe {UNOBSERVED[name]}"] = None

    def _install_hook(self, module: ModuleType) -> None:
        """Import the hook of a library, install it, and note what it cannot observe of this version."""
        name = HOOKS[module.__name__]
        hook = import_module(f"pytest_bctrl.watch.{name}")
        try:
            hook.install(module, self._recorder, self._patches)
        except AttributeError as error:
            self._patches.missing.append(str(error.name))
        all_missing = list(self._patches.missing)
        self._patches.missing.clear()
        if name.startswith("responders."):
            # Without its hook, a finding does not name the line that registered a response.
            return
        for missing in all_missing:
            version = getattr(sys.modules[module.__name__.partition(".")[0]], "__version__", "")
            library = f"{module.__name__} {version}".strip()
            reason = f"{library} has no {missing}: the watch does not observe this version, or not completely"
            self._unobserved[reason] = None


class _HookingLoader(Loader):
    """Loads one module with another loader, and then calls `loaded`."""

    def __init__(self, spec: ModuleSpec, loader: Loader, loaded: Callable[[ModuleType], None]) -> None:
        self._spec = spec
        self._loader = loader
        self._loaded = loaded

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Create the module as its own loader does."""
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Run the module, which sees its own loader, and install the hook."""
        module.__loader__ = self._spec.loader = self._loader
        self._loader.exec_module(module)
        self._loaded(module)

    def __getattr__(self, name: str) -> Any:
        """Return an attribute of the loader itself."""
        return getattr(self._loader, name)
