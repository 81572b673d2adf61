"""The application on a framework of Python, as `app`: the variable `APP` says which."""

import os
import sys
from typing import Any

from tests.stacks.api import ApiResponse, respond


def _space_in(path: str) -> str | None:
    """Return the space id in a path of the list of runtimes; None for any other path."""
    parts = path.split("/")
    return parts[3] if len(parts) == 5 and parts[1:3] == ["v1", "spaces"] and parts[4] == "runtimes" else None


def _wsgi() -> Any:
    """Return the application as a WSGI function."""

    def app(environ: dict[str, Any], start: Any) -> list[bytes]:
        status, headers, body = respond(_space_in(environ["PATH_INFO"]), environ.get("HTTP_AUTHORIZATION", ""))
        start(f"{status} X", [*headers.items(), ("Content-Length", str(len(body)))])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]

    return app


def _starlette_response(response: ApiResponse) -> Any:
    """Return a response of the API as one of Starlette."""
    from starlette.responses import Response

    status, headers, body = response
    return Response(body, status, headers)


def _fastapi() -> Any:
    """Return the application on FastAPI."""
    from fastapi import FastAPI, Request

    app = FastAPI()

    @app.get("/v1/spaces/{space}/runtimes")
    def list_runtimes(space: str, request: Request) -> Any:
        return _starlette_response(respond(space, request.headers.get("Authorization", "")))

    @app.exception_handler(404)
    async def not_found(request: Request, _: Exception) -> Any:
        return _starlette_response(respond(None, ""))

    return app


def _starlette() -> Any:
    """Return the application on Starlette."""
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.routing import Route

    async def list_runtimes(request: Request) -> Any:
        return _starlette_response(respond(request.path_params["space"], request.headers.get("Authorization", "")))

    async def not_found(request: Request, _: Exception) -> Any:
        return _starlette_response(respond(None, ""))

    return Starlette(routes=[Route("/v1/spaces/{space}/runtimes", list_runtimes)], exception_handlers={404: not_found})


def _flask() -> Any:
    """Return the application on Flask."""
    from flask import Flask, request

    app = Flask("api")

    def converted(response: ApiResponse) -> Any:
        """Return a response of the API as one of the framework."""
        return response[2], response[0], response[1]

    app.add_url_rule(
        "/v1/spaces/<space>/runtimes",
        view_func=lambda space: converted(respond(space, request.headers.get("Authorization", ""))),
        endpoint="listed",
    )
    app.register_error_handler(404, lambda _: converted(respond(None, "")))
    return app


def _django() -> Any:
    """Return the application on Django."""
    from django.conf import settings
    from django.core.wsgi import get_wsgi_application
    from django.http import HttpResponse
    from django.urls import path

    def converted(response: ApiResponse) -> Any:
        """Return a response of the API as one of the framework."""
        return HttpResponse(response[2], status=response[0], headers=response[1])

    module = sys.modules[__name__]
    list_runtimes = path(
        "v1/spaces/<str:space>/runtimes",
        lambda request, space: converted(respond(space, request.headers.get("Authorization", ""))),
    )
    vars(module).update(urlpatterns=[list_runtimes], handler404=lambda request, exception: converted(respond(None, "")))
    settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="stacks", APPEND_SLASH=False)
    return get_wsgi_application()


def _aiohttp() -> Any:
    """Return the application on aiohttp."""
    from aiohttp import web

    def converted(response: ApiResponse) -> Any:
        """Return a response of the API as one of the framework."""
        return web.Response(body=response[2], status=response[0], headers=response[1])

    async def list_runtimes(request: Any) -> Any:
        return converted(respond(request.match_info.get("space"), request.headers.get("Authorization", "")))

    app = web.Application()
    app.router.add_get("/v1/spaces/{space}/runtimes", list_runtimes)
    app.router.add_route("*", "/{rest:.*}", list_runtimes)
    return app


app = globals()[f"_{os.environ['APP']}"]()

if __name__ == "__main__":
    from aiohttp import web

    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None)
