"""Parts of the code of suites: a server, and transports and applications that return the response of a case.

The suites define `fields_of` and `content_of`, the header fields and the content of the response of a case.
"""

from __future__ import annotations

SERVER = "https://orders.example"
NO_SERVER = """
@contextmanager
def serving(case):
    yield SERVER
"""
NO_CERTIFICATES = "verify=False"
"""The argument of a client that loads no certificates, which takes longer than its exchange; no suite uses TLS."""

_SERVER = """
@contextmanager
def serving({parameters}):
    class Handler(BaseHTTPRequestHandler):
        {handler}

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield {result}
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
"""
ASGI = """
def application_for(case):
    async def application(scope, receive, send):
        headers = [(name.lower().encode(), value.encode()) for name, value in fields_of(case).items()]
        await send({"type": "http.response.start", "status": case["status"], "headers": headers})
        await send({"type": "http.response.body", "body": content_of(case)})

    return application
"""
WSGI = """
from http import HTTPStatus

def application_for(case):
    def application(environ, start_response):
        start_response(f"{case['status']} {phrase(case['status'])}", list(fields_of(case).items()))
        return [content_of(case)]

    return application

def phrase(status):
    return HTTPStatus(status).phrase if status in iter(HTTPStatus) else "Status"
"""
DJANGO_SETTINGS = """
if not settings.configured:
    settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="key")
    django.setup()
"""


def server(handler: str, parameters: str = "case", result: str = "{url}") -> str:
    """Return the code of `serving`, whose server has the methods in `handler`; `{url}` in `result` is its URL."""
    url = 'f"http://127.0.0.1:{server.server_port}"'
    indented = "\n".join(f"        {line}" if line else "" for line in handler.strip().splitlines()).strip()
    return _SERVER.format(parameters=parameters, handler=indented, result=result.format(url=url))


def transport(library: str) -> str:
    """Return the code of `transport_for`, which returns a mock transport of httpx or httpx2."""
    return f"""
def transport_for(case):
    def handler(request):  # registered
        return {library}.Response(case["status"], headers=fields_of(case), content=content_of(case))

    return {library}.MockTransport(handler)
"""
