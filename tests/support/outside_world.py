"""Pagers, chats, archives and a mail server on loopback: they keep what they were sent."""

import base64
import email
import email.policy
import json
import socketserver
import threading
from collections.abc import Callable
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple, Self, cast

_ANSWER = b'{"ok": true, "result": {"message_id": 1, "date": 1, "chat": {"id": 1}}}'
"""As Telegram has it; the others look at the status alone."""


class Request(NamedTuple):
    """One POST; ``body`` is its JSON."""

    path: str
    authorization: str
    body: Any


class Mail(NamedTuple):
    """One message, and the user and password it was handed in with."""

    message: EmailMessage
    login: tuple[str, str]

    def part(self, kind: str) -> str:
        """Return its text of a subtype, plain or html."""
        body = self.message.get_body((kind,))
        assert body is not None
        return str(body.get_content())


class OutsideWorld:
    """Everybody outside, told apart by the path of the address each is given."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.mails: list[Mail] = []
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _http_handler(self.requests.append))
        self._smtp = _MailServer(("127.0.0.1", 0), _MailHandler)
        self._smtp.take = self.mails.append
        self._threads = [
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
            for server in (self._http, self._smtp)
        ]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    @property
    def smarthost(self) -> str:
        return f"127.0.0.1:{self._smtp.server_address[1]}"

    def sent_to(self, path: str) -> list[Request]:
        """Return what was posted to an address that begins with `path`, the oldest first."""
        return [request for request in self.requests if request.path.startswith(path)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for server in (self._http, self._smtp):
            server.shutdown()
            server.server_close()
        for thread in self._threads:
            thread.join()


def _http_handler(take: Callable[[Request], None]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            take(Request(self.path, self.headers.get("Authorization", ""), body))
            self.send_response(202 if self.path.startswith("/pagerduty") else 200)
            self.send_header("Content-Length", str(len(_ANSWER)))
            self.end_headers()
            self.wfile.write(_ANSWER)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base's
            del format, args

    return Handler


class _MailServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    take: Callable[[Mail], None]


class _MailHandler(socketserver.StreamRequestHandler):
    """As much SMTP as one message needs."""

    def handle(self) -> None:
        login = ("", "")
        self._say("220 loopback")
        while line := self.rfile.readline().decode().rstrip("\r\n"):
            word = line.split(" ")[0].upper()
            if word == "EHLO":
                self._say("250-loopback\r\n250 AUTH PLAIN")
            elif word == "AUTH":
                _, user, password = base64.b64decode(line.split(" ")[2]).decode().split("\0")
                login = (user, password)
                self._say("235 welcome")
            elif word == "DATA":
                self._say("354 go on")
                self._take(login)
                self._say("250 taken")
            elif word == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 fine")

    def _take(self, login: tuple[str, str]) -> None:
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line.removeprefix(b"."))
        message = email.message_from_bytes(b"".join(lines), policy=email.policy.default)
        cast("_MailServer", self.server).take(Mail(message, login))

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())
