"""An Alertmanager that a test scripts: remembers what was posted, answers as told."""

import json
from collections.abc import Callable
from typing import Any

from services.alertmanager_http import Answer, Method

Alert = dict[str, Any]
ACCEPTED = Answer(200, "")
NO_SILENCES = Answer(200, "[]")


class RecordingTransport:
    """`services.alertmanager_http.Transport`; ``answer`` decides each answer from url and alerts.

    ``reply`` decides the answers to everything but pushes, from method, url and body.
    """

    def __init__(self, answer: Callable[[str, list[Alert]], Answer] | None = None) -> None:
        self.answer = answer or (lambda _url, _alerts: ACCEPTED)
        self.reply: Callable[[Method, str, bytes], Answer] = lambda _method, _url, _body: (
            NO_SILENCES
        )
        self.posts: list[tuple[str, list[Alert]]] = []
        self.asked: list[tuple[Method, str, bytes]] = []

    async def post(self, url: str, body: bytes) -> Answer:
        alerts = json.loads(body)
        self.posts.append((url, alerts))
        return self.answer(url, alerts)

    async def ask(self, method: Method, url: str, body: bytes = b"") -> Answer:
        self.asked.append((method, url, body))
        return self.reply(method, url, body)

    def sent(self, peer: str = "") -> list[list[Alert]]:
        """Return the batches posted to the peers whose url has `peer` in it."""
        return [alerts for url, alerts in self.posts if peer in url]
