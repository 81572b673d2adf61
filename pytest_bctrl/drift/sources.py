"""Reads documents from a path, `git:REVISION:PATH`, `-` for standard input, or a URL.

URLs are https only (loopback may be http), and so are redirects. A document has at most 10 MB and is fetched within 20
seconds, without keys, cookies or anything from a credential store.
"""

from __future__ import annotations

import os
import re
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_bctrl.contract.document import Document, is_self_contained, load_document
from pytest_bctrl.contract.files import with_samples
from pytest_bctrl.errors import DocumentError, UnreachableError
from pytest_bctrl.files.limits import DOCUMENT, STANDARD_INPUT, size

if TYPE_CHECKING:
    import subprocess

SECONDS = 20.0
REDIRECTS = 5
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_LOOPBACK = re.compile(r"localhost|127(?:\.\d{1,3}){3}|::1")
_GIT_HINT = "git:REVISION:PATH, such as git:origin/main:openapi.yaml"
_HINT = "give a URL that begins with https://, a path, or - for standard input"


def read_source(source: str, seconds: float = SECONDS, previous: Document | None = None) -> Document:
    """Return the document at a path, `git:` path, URL or `-`; `previous` saves parsing the same text of a single file.

    A document at a path, or at a path in a revision, includes the files that it refers to. Raises `UnreachableError` if
    a URL has no usable response, and `DocumentError` if anything cannot be read.
    """
    text = read_text(source, seconds)
    if source == "-" or _URL.match(source):
        return load_document(text, source_name(source), previous)
    if is_self_contained(text):
        return with_samples(load_document(text, source, previous), Path(source))
    from pytest_bctrl.contract.bundle import bundle_files

    document = load_document(text, source)
    bundled = document._replace(data=bundle_files(document, partial(read_text, seconds=seconds)))
    return with_samples(bundled, Path(source))


def source_name(source: str) -> str:
    """Return the name of a source in messages: the source itself, or `standard input` for `-`."""
    return STANDARD_INPUT if source == "-" else source


def read_text(source: str, seconds: float = SECONDS) -> str:
    """Return the text at a path, `git:` path, URL or `-`. Raises the exceptions of `read_source`."""
    if _URL.match(source):
        data = fetch(source, seconds)
    elif source.startswith("git:"):
        data = _read_revision(source, seconds)
    elif source == "-":
        if sys.stdin is None:
            raise DocumentError("it is closed", where=STANDARD_INPUT, hint=_HINT)
        data = sys.stdin.buffer.read(DOCUMENT + 1)
    else:
        data = _read_file(source)
    name = source_name(source)
    if len(data) > DOCUMENT:
        raise DocumentError(f"larger than {size(DOCUMENT)}", where=name, hint="give a smaller document")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DocumentError(f"not UTF-8 text (byte {error.start})", where=name, hint="save it as UTF-8") from None


def _read_revision(source: str, seconds: float) -> bytes:
    """Return a file from `git:REVISION:PATH`. Raises `DocumentError`.

    The path is relative to the working directory, or to the root of a repository without a working tree.
    """
    revision, _, path = source.removeprefix("git:").partition(":")
    if not revision or not path or revision.startswith("-"):
        raise DocumentError("no revision and path are given", where=source, hint=_GIT_HINT)
    done = _run_git(source, seconds, "cat-file", "blob", f"{revision}:./{path}")
    if done.returncode and _run_git(source, seconds, "rev-parse", "--is-inside-work-tree").stdout.strip() == b"false":
        done = _run_git(source, seconds, "cat-file", "blob", f"{revision}:{path}")
    if done.returncode:
        raise _git_error(source, revision, done, seconds)
    return done.stdout[: DOCUMENT + 1]


def source_in_revision(revision: str, path: str) -> str:
    """Return `git:REVISION:PATH` for a file under its name in a revision; empty if the revision does not have the file.

    Raises `DocumentError` if the revision is unknown.
    """
    source = f"git:{revision}"
    if not revision or revision.startswith("-"):
        raise DocumentError("no revision is given", where=source, hint=_GIT_HINT)
    done = _run_git(source, SECONDS, "cat-file", "-e", f"{revision}^{{tree}}")
    if done.returncode:
        raise _git_error(source, revision, done, SECONDS)
    relative = Path(os.path.relpath(path)).as_posix()
    if not _run_git(source, SECONDS, "cat-file", "-e", f"{revision}:./{relative}").returncode:
        return f"{source}:{relative}"
    # A change near the start of a document in one line leaves little that git recognises.
    options = ("--relative", "--find-renames=10%", "--diff-filter=R", "--name-status", "-z")
    renamed = _run_git(source, SECONDS, "diff", *options, revision, "--").stdout.decode("utf-8", "replace").split("\0")
    # A status, the old name and the new one, for each renamed file.
    old_names = dict(zip(renamed[2::3], renamed[1::3], strict=False))
    return f"{source}:{old_names[relative]}" if relative in old_names else ""


def _git_error(source: str, revision: str, done: subprocess.CompletedProcess[bytes], seconds: float) -> DocumentError:
    """Return the error with the message of git; for a clone that lacks the revision, with how to fetch the history."""
    errors = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["git cannot read it"]
    hint = _GIT_HINT
    if _run_git(source, seconds, "rev-parse", "--verify", "--quiet", f"{revision}^{{tree}}").returncode:
        state = _run_git(source, seconds, "rev-parse", "--is-shallow-repository")
        if state.stdout.strip() == b"true":
            hint = "the clone is shallow: set fetch-depth: 0 of actions/checkout, or run git fetch --unshallow"
    return DocumentError(errors[0].removeprefix("fatal: "), where=source, hint=hint)


def _run_git(source: str, seconds: float, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Return the result of a git command. Raises `DocumentError` if it is not installed or takes too long."""
    import subprocess

    try:
        return subprocess.run(["git", *arguments], capture_output=True, timeout=seconds, check=False)  # noqa: S603, S607
    except FileNotFoundError:
        raise DocumentError("git is not installed", where=source, hint="give a path") from None
    except subprocess.TimeoutExpired:
        raise DocumentError(f"git did not finish within {seconds:g} s", where=source, hint="give a path") from None


def _read_file(source: str) -> bytes:
    """Return the bytes of a file, at most one more than `DOCUMENT`. Raises `DocumentError` if it cannot be read."""
    try:
        with Path(source).open("rb") as file:
            return file.read(DOCUMENT + 1)
    except FileNotFoundError:
        raise DocumentError("the file does not exist", where=source, hint=_HINT) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DocumentError(f"the file cannot be read: {reason}", where=repr(source)[1:-1], hint=_HINT) from None


def fetch(url: str, seconds: float = SECONDS) -> bytes:
    """Return the body of the response of a URL, at most one byte more than `DOCUMENT`.

    `seconds` limits the total time, name resolution and redirects included. Raises `UnreachableError`, or
    `DocumentError` for a URL that must not be fetched.
    """
    from threading import Thread

    require_fetchable(url)
    outcome: list[bytes | BaseException] = []

    def run() -> None:
        """Append the body, or the exception, to `outcome`."""
        try:
            outcome.append(_fetch_once(url, seconds))
        except (OSError, UnreachableError, DocumentError, ValueError) as error:
            outcome.append(error)

    # A socket timeout does not limit name resolution, or a response that arrives byte by byte; a thread does.
    thread = Thread(target=run, daemon=True, name="pytest-bctrl fetch")
    thread.start()
    thread.join(seconds)
    if not outcome:
        raise _late(url, seconds)
    if isinstance(outcome[0], bytes):
        return outcome[0]
    raise _fetch_error(outcome[0], url, seconds)


def _unusable(url: str, problem: str, first: str = "try again, or ") -> UnreachableError:
    """Return the error for a URL that cannot be read, with a next step."""
    return UnreachableError(problem, where=url, hint=f"{first}give a local copy")


def _late(url: str, seconds: float) -> UnreachableError:
    """Return the error for a server that does not respond in time."""
    return _unusable(url, f"no response within {seconds:g} s")


def _fetch_error(error: BaseException, url: str, seconds: float) -> UnreachableError | DocumentError:
    """Return the error to show for an exception while a URL is fetched."""
    if isinstance(error, (UnreachableError, DocumentError)):
        return error
    if isinstance(error, TimeoutError) or "timed out" in str(error):
        return _late(url, seconds)
    cause = getattr(error, "reason", None) or error
    reason = " ".join(str(cause).split()) or type(cause).__name__
    return _unusable(url, f"it cannot be fetched: {reason}", "check the URL, or ")


def require_fetchable(url: str, via: str = "") -> None:
    """Raise `DocumentError` unless a URL is https, or http to this machine, and has no credential.

    `via` is the URL that redirected to this one: https redirects to https only.
    """
    from urllib.parse import urlsplit

    where = f"{via} → {url}" if via else url
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        parts.port  # noqa: B018 - reading it is what checks it
    except ValueError as error:
        raise DocumentError(f"not a URL: {error}", where=where, hint=_HINT) from None
    if parts.username is not None:
        raise DocumentError(
            "the URL contains a credential",
            where=f"{parts.scheme}://{host}",
            hint="leave it out: no credential is sent",
        )
    from_https = urlsplit(via).scheme == "https"
    if not host or (
        parts.scheme != "https" and (parts.scheme != "http" or from_https or not _LOOPBACK.fullmatch(host))
    ):
        raise DocumentError("only https URLs are fetched", where=where, hint=_HINT)


def _fetch_once(url: str, seconds: float) -> bytes:
    """Return the body of the response of a URL; redirects are followed. Raises `UnreachableError` or as urllib does."""
    import time
    from http.client import HTTPException
    from urllib.error import HTTPError

    from pytest_bctrl._version import __version__

    deadline = time.monotonic() + seconds
    request, opener = _request_and_opener(url, __version__)
    try:
        with opener.open(request, timeout=seconds) as response:
            encoding = response.headers.get("Content-Encoding", "identity").lower()
            if encoding != "identity":
                raise _unusable(url, f"the response is encoded with {encoding}, which was not requested", "")
            data = bytearray()
            while len(data) <= DOCUMENT and time.monotonic() < deadline:
                chunk = response.read1(65536)
                if not chunk:
                    _require_complete(url, response.headers.get("Content-Length"), len(data))
                    return bytes(data)
                data += chunk
            if len(data) > DOCUMENT:
                return bytes(data[: DOCUMENT + 1])
            raise TimeoutError
    except HTTPError as error:
        error.close()
        raise _unusable(url, f"the response has status {error.code}", "check the URL, or ") from None
    except HTTPException as error:
        raise _unusable(url, f"the response is not valid HTTP: {error!r}") from None


def _require_complete(url: str, length: str | None, received: int) -> None:
    """Raise `UnreachableError` if fewer bytes were received than `Content-Length` says."""
    if length is not None and length.isdecimal() and int(length) > received:
        raise _unusable(url, f"the response is truncated: {received} of {length} bytes")


def _request_and_opener(url: str, version: str) -> tuple[Any, Any]:
    """Return the request for a URL, and an opener that follows redirects only to URLs that may be fetched."""
    from urllib.parse import urlsplit
    from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

    class Careful(HTTPRedirectHandler):
        max_redirections = REDIRECTS

        def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
            """Return the request for a redirect. Raises `DocumentError` if its URL must not be fetched."""
            try:
                require_fetchable(newurl, via=req.full_url)
            except DocumentError:
                fp.close()
                raise
            return super().redirect_request(req, fp, code, msg, headers, newurl)

    loopback = _LOOPBACK.fullmatch(urlsplit(url).hostname or "") is not None
    handlers: list[Any] = [Careful()]
    if loopback:
        handlers.append(ProxyHandler({}))
    headers = {
        "User-Agent": f"pytest-bctrl/{version}",
        "Accept": "text/markdown, application/yaml, application/json, text/plain;q=0.9, */*;q=0.1",
        "Accept-Encoding": "identity",
    }
    return Request(url, headers=headers), build_opener(*handlers)  # noqa: S310 - `require_fetchable` saw the scheme
