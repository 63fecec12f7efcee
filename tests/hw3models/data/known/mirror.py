"""A mirror on loopback that can misbehave in the ways real ones do."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

WRONG = b"<html>please log in</html>"


@dataclass
class Mirror:
    """`faults` maps a file name, or `*`, to a status or to one of the words in `_Handler._body`."""

    address: str
    files: dict[str, bytes]
    faults: dict[str, Any] = field(default_factory=dict)
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    """(file name, Range header) of every request."""
    closing: threading.Event = field(default_factory=threading.Event)


class _Handler(BaseHTTPRequestHandler):
    mirror: Mirror

    def do_HEAD(self) -> None:
        """What a client of a store asks first."""
        body = self.mirror.files.get(Path(self.path.partition("?")[0]).name)
        if body is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()

    def do_GET(self) -> None:
        name = Path(self.path.partition("?")[0]).name
        wanted = self.headers.get("Range")
        self.mirror.requests.append((name, wanted))
        fault = self.mirror.faults.get(name, self.mirror.faults.get("*"))
        if fault == "silent":
            self.mirror.closing.wait(30)
            return
        if isinstance(fault, int) or name not in self.mirror.files:
            self.send_error(fault if isinstance(fault, int) else 404)
            return
        if fault in ("to a file", "to ftp"):
            self.send_response(302)
            self.send_header("Location", {"to a file": "file:///etc/hostname", "to ftp": "ftp://127.0.0.1/x"}[fault])
            self.end_headers()
            return
        body, start = self.mirror.files[name], 0
        if wanted and fault != "no ranges":
            start = int(wanted.removeprefix("bytes=").partition("-")[0])
            if start >= len(body):
                self.send_error(416)
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        else:
            self.send_response(200)
        self._body(WRONG if fault == "wrong" else body[start:], fault)

    def _body(self, body: bytes, fault: Any) -> None:
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if fault in ("truncated", "hanging"):
            self.wfile.write(body[: len(body) // 2])
            if fault == "hanging":
                self.mirror.closing.wait(30)
        elif fault == "trickling":
            for i in range(len(body)):
                if self.mirror.closing.wait(0.05):
                    return
                self.wfile.write(body[i : i + 1])
        else:
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Keep the test's output clean."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """A client that gives up is what these tests are about."""


@contextmanager
def serve(files: dict[str, bytes]) -> Iterator[Mirror]:
    """A mirror for as long as the block lasts."""
    handler = type("Handler", (_Handler,), {})
    server = _Server(("127.0.0.1", 0), handler)
    mirror = Mirror(f"http://127.0.0.1:{server.server_port}/data/", files)
    handler.mirror = mirror
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield mirror
    finally:
        mirror.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()
