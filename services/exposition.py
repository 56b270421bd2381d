"""``/metrics`` over HTTP: one small threaded server a process, on loopback unless told."""

import errno
import socket
import sys
import threading
from collections.abc import Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn
from types import TracebackType
from typing import Self, cast

import structlog
from prometheus_client import CollectorRegistry

from core.errors import ConfigError
from services.gauge_tables import GaugeTable
from services.metrics_page import CONTENT_TYPE, MetricsPage

log = structlog.get_logger(__name__)

PORTS_TRIED = 100
"""From the wanted port on: workers of one machine take one after the other."""
_PATHS = ("/metrics", "/")
_REQUEST_SECONDS = 10.0


class Exposition:
    """Serves a registry, and tables of gauges, until closed; ``port`` is where."""

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        port: int,
        host: str = "127.0.0.1",
        tables: Sequence[GaugeTable] = (),
    ) -> None:
        """Listen on `port`, or on the next one that is free.

        Raises
        ------
        ConfigError
            If none of a hundred ports is free, or the host is not one of this machine.
        """
        page = MetricsPage(registry, tables)
        for candidate in range(port, min(port + PORTS_TRIED, 65536)):
            try:
                self._server = _Server(host, candidate, page)
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    continue
                raise ConfigError(f"/metrics: expected to listen on {host}: {error}") from error
            self._thread = threading.Thread(
                target=self._server.serve_forever, name="metrics", daemon=True
            )
            self._thread.start()
            self.port = candidate
            return
        raise ConfigError(
            f"/metrics: expected a free port from {port} to {port + PORTS_TRIED - 1}, all are taken"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingMixIn, TCPServer):
    """A thread a request; none of them keeps the process from ending."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, host: str, port: int, page: MetricsPage) -> None:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        self.address_family = found[0][0]
        self.page = page
        super().__init__(cast(tuple[str, int], found[0][4]), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002
        log.warning("scrape_failed", client=client_address, error=repr(sys.exception()))


class _Handler(BaseHTTPRequestHandler):
    server_version = "forcedflow"
    sys_version = ""
    timeout = _REQUEST_SECONDS
    server: _Server

    def do_GET(self) -> None:
        """Answer with the page."""
        if self.path.partition("?")[0] not in _PATHS:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        is_gzipped = _takes_gzip(self.headers.get("Accept-Encoding", ""))
        page = self.server.page
        body = page.gzipped() if is_gzipped else page.plain()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", CONTENT_TYPE)
        if is_gzipped:
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_words: object) -> None:
        """Log nothing: there is a request every few seconds."""


def _takes_gzip(accepted: str) -> bool:
    codings = (each.partition(";") for each in accepted.lower().split(","))
    return any(name.strip() == "gzip" and weight.strip() != "q=0" for name, _, weight in codings)
