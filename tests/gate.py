"""A way to a real server that can be shut, for tests: requests pass, are answered with 500, slowly, or not at all."""

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import urlsplit

Mode = Literal["pass", "error", "slow", "hang"]
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host"}


class Gate(ThreadingHTTPServer):
    """Listens on a port of its own; `mode` holds for each request that comes."""

    daemon_threads = True

    def __init__(self, backend: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.backend = urlsplit(backend).netloc
        self.mode: Mode = "pass"
        self.delay = 1.0
        self.requests = 0
        self.after: int | None = None
        """Only so many more requests pass; the next and all others get an error."""

    def handle_error(self, request: object, client_address: object) -> None:
        """Quiet: clients that do not wait for an answer are what this is for."""

    @property
    def address(self) -> str:
        """In place of the server's."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Gate
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        gate = self.server
        gate.requests += 1
        if gate.after is not None:
            gate.after -= 1
            if gate.after < 0:
                gate.mode = "error"
        while gate.mode == "hang":
            time.sleep(0.05)
        if gate.mode == "slow":
            time.sleep(gate.delay)
        if gate.mode == "error":
            self._send(500, {"Content-Type": "text/plain"}, b"something broke in here")
            return
        backend = http.client.HTTPConnection(gate.backend, timeout=60)
        try:
            headers = {k: v for k, v in self.headers.items() if k.lower() not in _HOP_BY_HOP}
            backend.request(self.command, self.path, body, headers)
            answer = backend.getresponse()
            self._send(answer.status, dict(answer.getheaders()), answer.read())
        except OSError:
            self.close_connection = True
        finally:
            backend.close()

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in _HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _answer  # noqa: N815  # names of the standard library

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@contextmanager
def gate(backend: str) -> Iterator[Gate]:
    """A gate before the server at `backend`."""
    server = Gate(backend)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.mode = "error"
        server.shutdown()
        server.server_close()
        thread.join()
