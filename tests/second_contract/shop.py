"""An independent server of the bookshop: it shares no code with the package, and can be configured to misbehave."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

KEY = "shop_key_0123456789abcdef"
PREFIX = "/shop/v2"
ISBN = "9780306406157"


def book(number: int, **changes: Any) -> dict[str, Any]:
    """Return a book; `changes` replace its values."""
    values = {
        "id": f"3f2b8a10-0000-4000-8000-{number:012d}",
        "created": f"2026-02-{number + 1:02d}T08:00:00Z",
        "isbn": str(int(ISBN) + number),
        "title": f"Volume {number}",
        "authors": [{"name": "A. Writer", "born": 1950 + number}, {"name": "B. Writer", "born": None}],
        "published": f"200{number}-03-04",
        "price": {"amount": 9.95 + number, "currency": "EUR"},
        "rating": 4.5,
        "cover": "https://img.paper-and-ink.example/1.png" if number % 2 else None,
        "titles": {"de": f"Band {number}", "ja": f"第{number}巻"},
        "tags": ["old", "green"],
        "edition": {"medium": "paper", "pages": 300, "binding": "soft"}
        if number % 2
        else {"medium": "ebook", "bytes": 1_000_000, "protected": False},
    }
    return {**values, **changes}


CATEGORY = {
    "number": 7,
    "name": "All",
    "below": [
        {"number": 8, "name": "Prose", "parent": 7, "below": [{"number": 9, "name": "Novels", "below": []}]},
        {"number": 10, "name": "Verse", "parent": None, "below": []},
    ],
}
STOCK = {ISBN: {"copies": 3, "counted": "2026-03-01T10:00:00Z", "by_branch": {"north": 1, "south": 2}}}
GENRES = [{"code": "cr", "label": "Crime"}, {"code": "po", "label": "Poetry"}]


class RejectedError(Exception):
    """An error response."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


class Handler(BaseHTTPRequestHandler):
    """Handles the requests of the shop."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    fault = ""
    requests: list[tuple[str, str, dict[str, str]]]

    def log_message(self, *_arguments: object) -> None:
        """Print nothing."""

    def _handle(self) -> None:
        """Record the request and send the response."""
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.requests.append((self.command, self.path, {name.lower(): value for name, value in self.headers.items()}))
        try:
            self._send(*self._response())
        except RejectedError as rejection:
            problem = {"title": "rejected", "status": rejection.status, "detail": rejection.detail}
            self._send(rejection.status, problem, "application/problem+json")

    do_GET = do_HEAD = do_POST = do_DELETE = _handle

    def _response(self) -> tuple[int, Any]:
        """Return status and body; raises `RejectedError` for a rejected request."""
        parts = urlsplit(self.path)
        if not parts.path.startswith(f"{PREFIX}/"):
            raise RejectedError(404, "nothing here")
        match parts.path.removeprefix(f"{PREFIX}/").split("/"):
            case ["books"]:
                self._require_bearer()
                return 200, self._page(parts.query)
            case ["books", "featured"]:
                return 200, book(2)
            case ["books", isbn]:
                return 200, self._book(unquote(isbn))
            case ["categories", number]:
                self._require_bearer()
                return 200, self._category(unquote(number))
            case ["stock"]:
                if self.headers.get("X-Shop-Key") != KEY and self.fault != "open stock":
                    raise RejectedError(401, "no such key")
                return 200, STOCK
            case ["genres"]:
                return 200, [*GENRES, GENRES[0]] if self.fault == "genre twice" else GENRES
            case ["health"]:
                return (500, {"title": "x", "status": 500}) if self.fault == "unhealthy" else (204, None)
        raise RejectedError(404, "nothing here")

    def _require_bearer(self) -> None:
        """Raise `RejectedError` unless the request has the key as its bearer token."""
        if self.headers.get("Authorization") != f"Bearer {KEY}" and self.fault != "any token":
            raise RejectedError(401, "no such token")

    def _page(self, query: str) -> dict[str, Any]:
        """Return the page of books for a query; raises `RejectedError` if it is invalid."""
        parameters = parse_qs(query, keep_blank_values=True)
        if self.fault != "no validation":
            require_valid(parameters, self.fault)
        if not {lang for text in parameters.get("langs", []) for lang in text.split(",")} <= {"de", "en", "ja"}:
            raise RejectedError(422, "langs")
        if self.headers.get("X-Shop-Locale", "de") not in ("de", "en", "ja"):
            raise RejectedError(400, "X-Shop-Locale")
        if self.fault == "tags crash" and "tag" in parameters:
            raise RejectedError(500, "a tag")
        if self.fault == "sort rejected" and "sort" in parameters:
            raise RejectedError(400, "sort")
        changes = BOOK_FAULTS.get(self.fault, {})
        books = [book(0), book(1, **changes)]
        if self.fault == "book twice":
            books.append(book(1))
        return page_of(books, parameters, self.path.partition("?")[0], self.fault)

    def _book(self, isbn: str) -> dict[str, Any]:
        """Return the book with an ISBN; raises `RejectedError` if there is none."""
        if re.fullmatch(r"97[89][0-9]{10}", isbn) is None:
            raise RejectedError(400, "that is no ISBN")
        if isbn != ISBN and self.fault != "every isbn":
            raise RejectedError(404, "no such book")
        return book(1) if self.fault == "another book" else book(0)

    def _category(self, text: str) -> dict[str, Any]:
        """Return the category with a number; raises `RejectedError` if there is none."""
        if re.fullmatch(r"[1-9][0-9]{0,17}", text) is None:
            raise RejectedError(400, "that is not a number")
        if int(text) not in (7, 1, 2, 3):
            raise RejectedError(404, "no such category")
        category = {**CATEGORY, "number": int(text)}
        if self.fault == "deep text":
            category["below"] = [{"number": 8, "name": "x", "below": [{"number": "nine", "name": "y", "below": []}]}]
        return category

    def _send(self, status: int, body: Any, media: str = "application/json") -> None:
        """Send a response; a body of None is not sent."""
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        if body is not None:
            self.send_header("Content-Type", media)
        if isinstance(body, dict) and "books" in body and self.fault != "no count":
            self.send_header("X-Total-Count", "two" if self.fault == "count in words" else str(len(body["books"])))
        if status != 204:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)


def page_of(books: list[dict[str, Any]], query: dict[str, list[str]], path: str, fault: str) -> dict[str, Any]:
    """Return the page of books that a query requests, with the link to the next page."""
    text = {name: values[-1] for name, values in query.items()}
    page, limit = max(1, int(text.get("page", "1"))), max(1, int(text.get("limit", "20")))
    if fault == "limit ignored":
        limit = 20
    pages = -(-len(books) // limit)
    start = (page - 1) * limit
    shift = {"last book on both pages": -1, "first book of a page lost": 1}.get(fault, 0) if page > 1 else 0
    has_next = page < pages or (fault == "always a next page" and page > 1)
    following = f"{path}?{urlencode({**text, 'page': page + 1})}" if has_next else None
    return {"books": books[start + shift : start + limit], "page": page, "pages": pages, "next": following}


BOOK_FAULTS: dict[str, dict[str, Any]] = {
    "price as text": {"price": {"amount": "9.95", "currency": "EUR"}},
    "rating between": {"rating": 4.3},
    "no such day": {"published": "2026-02-30"},
    "odd edition": {"edition": {"medium": "audio", "pages": 3}},
    "empty title": {"titles": {"de": ""}},
    "undocumented property": {"subtitle": "which nobody documented"},
}


def require_valid(query: dict[str, list[str]], fault: str) -> None:
    """Raise `RejectedError` for an invalid query."""
    if fault != "shelf optional" and query.get("shelf", [""])[-1] not in ("fiction", "science", "children"):
        raise RejectedError(400, "shelf")
    for name, maximum in (("page", None), ("limit", 100)):
        text = query.get(name, ["1"])[-1]
        if re.fullmatch(r"-?[0-9]{1,18}", text) is None or int(text) < 1 or (maximum and int(text) > maximum):
            if fault == "any limit":
                continue
            raise RejectedError(422, name)
    if any(not tag for tag in query.get("tag", [])) or len(query.get("tag", [])) > 5:
        raise RejectedError(422, "tag")
    sorts = query["sort"][-1].split(",") if "sort" in query else ["title"]
    if not set(sorts) <= {"title", "-title", "price", "-price"} or len(sorts) > 2:
        raise RejectedError(422, "sort")
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?", query.get("min_price", ["0"])[-1]) is None:
        raise RejectedError(422, "min_price")
    if query.get("in_print", ["true"])[-1] not in ("true", "false"):
        raise RejectedError(422, "in_print")
    try:
        date.fromisoformat(query.get("published_after", ["2000-01-01"])[-1])
    except ValueError:
        raise RejectedError(422, "published_after") from None


class Shop:
    """A running shop: its `url` with the base path, and method, path and fields of the `requests` it received."""

    def __init__(self, url: str, requests: list[tuple[str, str, dict[str, str]]]) -> None:
        self.url = url
        self.requests = requests


@contextmanager
def serve(fault: str = "") -> Iterator[Shop]:
    """Serve the shop on a free loopback port, with the named fault."""
    requests: list[tuple[str, str, dict[str, str]]] = []
    handler = type("ShopHandler", (Handler,), {"fault": fault, "requests": requests})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield Shop(f"http://127.0.0.1:{server.server_address[1]}/shop", requests)
    finally:
        server.shutdown()
        server.server_close()
