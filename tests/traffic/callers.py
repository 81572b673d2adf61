"""Send requests through the sync and the async client in the same way, so that a test covers both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import anyio
import httpx

from pytest_bctrl.contract.key_fields import BEARER, KeyField
from pytest_bctrl.contract.read import load
from pytest_bctrl.contract.scheme_values import Credentials
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.settings.secret_settings import SchemeValue
from pytest_bctrl.traffic.auth import ContractAuth
from pytest_bctrl.traffic.client import async_client, client
from pytest_bctrl.traffic.origin import Connection
from pytest_bctrl.traffic.retry import RetryPolicy

KEY = "k3y-that-nobody-may-see-9f8e"
ONCE = RetryPolicy(attempts=1)
QUICK = RetryPolicy(first_wait=0.01)

Ask: TypeAlias = Callable[..., httpx.Response]


class KeyAuth(ContractAuth):
    """Adds a key to the requests to an origin, whatever their operation."""

    def __init__(self, base_url: str, key: Secret | str = KEY, field: KeyField = BEARER) -> None:
        secret = key if isinstance(key, Secret) else Secret(key)
        super().__init__(load(), base_url, {"key": SchemeValue(secret, "BCTRL_API_KEY", "$BCTRL_API_KEY")})
        self._sent = [(field, Secret(field.value(secret.reveal())))]

    def credentials(self, request: httpx.Request) -> Credentials:
        """Return the key for any request to the origin."""
        return self._sent


def ask_sync(base: str, method: str = "GET", url: str = "/things", **more: Any) -> httpx.Response:
    """Send one request with the sync client."""
    with client(base, KeyAuth(base), **_settings(more)) as http:
        return http.request(method, url, **more)


def ask_async(backend: str) -> Ask:
    """Return a function that sends one request with the async client, in its own event loop."""

    def ask(base: str, method: str = "GET", url: str = "/things", **more: Any) -> httpx.Response:
        """Send one request with the async client, and return the response."""

        async def send() -> httpx.Response:
            async with async_client(base, KeyAuth(base), **_settings(more)) as client:
                return await client.request(method, url, **more)

        return anyio.run(send, backend=backend)

    return ask


def _settings(options: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of the client, removed from `options`, with the defaults of the tests."""
    usual = {"live": True, "retry": QUICK, "connection": Connection()}
    return {name: options.pop(name, value) for name, value in usual.items()}
