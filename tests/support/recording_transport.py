"""An Alertmanager that a test scripts: remembers what was posted, answers as told."""

import json
from collections.abc import Callable
from typing import Any

from services.alertmanager import Answer

Alert = dict[str, Any]
ACCEPTED = Answer(200, "")


class RecordingTransport:
    """`services.alertmanager.Transport`; ``answer`` decides each answer from url and alerts."""

    def __init__(self, answer: Callable[[str, list[Alert]], Answer] | None = None) -> None:
        self.answer = answer or (lambda _url, _alerts: ACCEPTED)
        self.posts: list[tuple[str, list[Alert]]] = []

    async def post(self, url: str, body: bytes) -> Answer:
        alerts = json.loads(body)
        self.posts.append((url, alerts))
        return self.answer(url, alerts)

    def sent(self, peer: str = "") -> list[list[Alert]]:
        """Return the batches posted to the peers whose url has `peer` in it."""
        return [alerts for url, alerts in self.posts if peer in url]
