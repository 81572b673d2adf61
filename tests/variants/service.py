"""The endpoint itself: the reply to each request, with a hook wherever a variant may differ."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .reply import JSON_TYPE, Reply, flat_error, written
from .request import Request
from .runtimes import API_KEY, SPACE_ID, Document, Edit, edited, put, sample


@dataclass(frozen=True)
class Visit:
    """A request with its context.

    `number` counts every request of the server from 1, `listing` only the GETs that reached the list (0 for
    the rest). `here` and `elsewhere` are the server's two origins, `memory` is what it keeps for later.
    """

    request: Request
    number: int = 1
    listing: int = 0
    here: str = ""
    elsewhere: str = ""
    memory: set[str] = field(default_factory=set)


Hook = Callable[[Visit, Reply], Reply]


def right_key(visit: Visit) -> bool:
    """Return whether the request has the key as a bearer token."""
    scheme, token = visit.request.authorization
    return scheme == "bearer" and hmac.compare_digest(token.encode(), API_KEY.encode())


def untouched(_: Visit, reply: Reply) -> Reply:
    """Return the reply unchanged."""
    return reply


@dataclass(frozen=True)
class Service:
    """The behaviour of the server; the defaults conform to the contract.

    The hooks, in their order: `early` may return a reply before anything is checked, `admits` accepts or rejects
    the credentials, `refused` changes a 401, `unknown` a 404 for a space, `listed` the list, and `always` any of
    these and the other replies. A server that `is_serial` accepts one connection at a time,
    and one with a `greeting` sends it on each connection, before any request.
    """

    document: Document = sample
    write: Callable[[Any], bytes] = written
    error: Callable[[str, str], Any] = flat_error
    space_id: str = SPACE_ID
    early: Callable[[Visit], Reply | None] = lambda visit: None
    admits: Callable[[Visit], bool] = right_key
    refused: Hook = untouched
    unknown: Hook = untouched
    listed: Hook = untouched
    always: Hook = untouched
    is_serial: bool = False
    greeting: bytes = b""

    def problem(self, status: int, code: str, message: str, *headers: tuple[str, str]) -> Reply:
        """Return an error in the form that this service uses."""
        return Reply(status, written(self.error(code, message)), (JSON_TYPE, *headers))


CRASH = Service().problem(500, "server.error", "Something broke.")
DOWN = Service().problem(503, "server.unavailable", "Come back later.")
LIMIT = Service().problem(429, "rate.limited", "Slow down.")


def serving(*edits: Edit, count: int = 10) -> Service:
    """Return the service that lists `count` runtimes, with some edits."""
    return Service(document=edited(*edits, count=count))


def with_metadata(text: bytes) -> Service:
    """Return the service that sends `text`, unescaped, for a value in the metadata of one runtime."""
    marked = edited(put(3, "metadata", {"n": "PLACE"}))
    return Service(document=marked, write=lambda document: written(document).replace(b'"PLACE"', text))


def is_listing(service: Service, visit: Visit) -> bool:
    """Return whether the request is a GET with access to the list of the known space."""
    return visit.request.method == "GET" and _knows(service, visit) and service.admits(visit)


def respond(service: Service, visit: Visit) -> Reply:
    """Return the reply to a request: of `early`, else of `always` after path, method, key and space are checked."""
    early = service.early(visit)
    return early if early is not None else service.always(visit, _routed(service, visit))


def _knows(service: Service, visit: Visit) -> bool:
    """Return whether the path has the space of the service, in any case."""
    return (visit.request.space or "").lower() == service.space_id.lower()


def _routed(service: Service, visit: Visit) -> Reply:
    """Return the list or the error for a request: by path, method, key and space, in this order."""
    if visit.request.space is None:
        return service.problem(404, "route.not_found", "There is nothing at this path.")
    if visit.request.method not in ("GET", "HEAD"):
        return service.problem(405, "method.not_allowed", "Only reading is possible.", ("Allow", "GET, HEAD"))
    if not service.admits(visit):
        challenge = ("WWW-Authenticate", 'Bearer realm="spaces"')
        return service.refused(visit, service.problem(401, "auth.invalid_key", "A valid key is needed.", challenge))
    if not _knows(service, visit):
        return service.unknown(visit, service.problem(404, "space.not_found", "There is no such space."))
    return service.listed(visit, Reply(200, service.write(service.document())))
