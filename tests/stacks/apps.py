"""The application on a framework of Python, as `app`: the variable `APP` says which."""

import os
import sys
from typing import Any

from tests.stacks.api import Answer, answer


def _plain(path: str) -> str | None:
    parts = path.split("/")
    return parts[3] if len(parts) == 5 and parts[1:3] == ["v1", "spaces"] and parts[4] == "runtimes" else None


def _wsgi() -> Any:
    def app(environ: dict[str, Any], start: Any) -> list[bytes]:
        status, headers, body = answer(_plain(environ["PATH_INFO"]), environ.get("HTTP_AUTHORIZATION", ""))
        start(f"{status} X", [*headers.items(), ("Content-Length", str(len(body)))])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]

    return app


def _starlette_answer(found: Answer) -> Any:
    from starlette.responses import Response

    status, headers, body = found
    return Response(body, status, headers)


def _fastapi() -> Any:
    from fastapi import FastAPI, Request

    app = FastAPI()

    @app.get("/v1/spaces/{space}/runtimes")
    def listed(space: str, request: Request) -> Any:
        return _starlette_answer(answer(space, request.headers.get("Authorization", "")))

    @app.exception_handler(404)
    async def missing(request: Request, _: Exception) -> Any:
        return _starlette_answer(answer(None, ""))

    return app


def _starlette() -> Any:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.routing import Route

    async def listed(request: Request) -> Any:
        return _starlette_answer(answer(request.path_params["space"], request.headers.get("Authorization", "")))

    async def missing(request: Request, _: Exception) -> Any:
        return _starlette_answer(answer(None, ""))

    return Starlette(routes=[Route("/v1/spaces/{space}/runtimes", listed)], exception_handlers={404: missing})


def _flask() -> Any:
    from flask import Flask, request

    app = Flask("api")

    def made(found: Answer) -> Any:
        return found[2], found[0], found[1]

    app.add_url_rule(
        "/v1/spaces/<space>/runtimes",
        view_func=lambda space: made(answer(space, request.headers.get("Authorization", ""))),
        endpoint="listed",
    )
    app.register_error_handler(404, lambda _: made(answer(None, "")))
    return app


def _django() -> Any:
    from django.conf import settings
    from django.core.wsgi import get_wsgi_application
    from django.http import HttpResponse
    from django.urls import path

    def made(found: Answer) -> Any:
        return HttpResponse(found[2], status=found[0], headers=found[1])

    module = sys.modules[__name__]
    listed = path(
        "v1/spaces/<str:space>/runtimes",
        lambda request, space: made(answer(space, request.headers.get("Authorization", ""))),
    )
    vars(module).update(urlpatterns=[listed], handler404=lambda request, exception: made(answer(None, "")))
    settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="stacks", APPEND_SLASH=False)
    return get_wsgi_application()


def _aiohttp() -> Any:
    from aiohttp import web

    def made(found: Answer) -> Any:
        return web.Response(body=found[2], status=found[0], headers=found[1])

    async def listed(request: Any) -> Any:
        return made(answer(request.match_info.get("space"), request.headers.get("Authorization", "")))

    app = web.Application()
    app.router.add_get("/v1/spaces/{space}/runtimes", listed)
    app.router.add_route("*", "/{rest:.*}", listed)
    return app


app = globals()[f"_{os.environ['APP']}"]()

if __name__ == "__main__":
    from aiohttp import web

    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None)
