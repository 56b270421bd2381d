"""A pager: keeps what Alertmanager's webhook receiver was told."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple, Self


class Notice(NamedTuple):
    """One alert of one notification, in the order received; ``at`` is monotonic seconds."""

    status: str
    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: str
    ends_at: str
    group: str = ""
    fingerprint: str = ""
    at: float = 0.0

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What a pager that may be told twice knows a notice by."""
        return self.group, self.fingerprint, self.status, self.starts_at


class WebhookRecorder:
    """Listens on a free loopback port and answers 200 to every notification."""

    def __init__(self) -> None:
        self.notices: list[Notice] = []
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                recorder._take(json.loads(self.rfile.read(length)))
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base's
                del format, args

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/"

    def pages(self, **labels: str) -> list[Notice]:
        """Return the notices, firing or resolved, of alerts that have these labels."""
        return [notice for notice in self.notices if labels.items() <= notice.labels.items()]

    def statuses(self, **labels: str) -> list[str]:
        """Return what the pager heard of alerts that have these labels, oldest first."""
        return [notice.status for notice in self.pages(**labels)]

    def _take(self, payload: dict[str, Any]) -> None:
        self.notices += [
            Notice(
                alert["status"],
                alert["labels"],
                alert["annotations"],
                alert["startsAt"],
                alert["endsAt"],
                payload["groupKey"],
                alert["fingerprint"],
                time.monotonic(),
            )
            for alert in payload["alerts"]
        ]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
