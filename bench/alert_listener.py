"""Notes when alerts reach Alertmanager's API and when they come to its webhook, as its own process.

It stands between who pushes and Alertmanager: what Alertmanager has answered with 200 has been
pushed. By the monotonic clock that all processes share; the way through it counts as time taken.
"""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from time import monotonic_ns, time_ns
from typing import Any

import click
from aiohttp import ClientSession, web

_PUSH = "/api/v2/alerts"

Alert = dict[str, Any]


class Listener:
    """The first time that each alert was heard of, by where and alert: ns by the shared clock.

    ``judged`` is when it says that it began, to the millisecond.
    """

    def __init__(self, alertmanager: str) -> None:
        self._alertmanager = alertmanager
        self._session: ClientSession
        self._epoch_ns = time_ns() - monotonic_ns()
        self.first: dict[str, dict[str, int]] = {"judged": {}, "api": {}, "webhook": {}}

    def app(self) -> web.Application:
        """Return the server's parts."""
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_post("/webhook", self._hear)
        app.router.add_route("*", "/{rest:.*}", self._pass_on)
        app.cleanup_ctx.append(self._with_session)
        return app

    async def _with_session(self, _: web.Application) -> AsyncIterator[None]:
        async with ClientSession() as self._session:
            yield

    async def _pass_on(self, request: web.Request) -> web.Response:
        body = await request.read()
        async with self._session.request(
            request.method,
            f"{self._alertmanager}{request.path_qs}",
            data=body,
            headers={"Content-Type": request.content_type},
        ) as answer:
            text = await answer.read()
        heard_ns = monotonic_ns()
        if request.method == "POST" and request.path == _PUSH and answer.ok:
            alerts = json.loads(body)
            self._note("api", alerts, heard_ns)
            for alert in alerts:
                self._note("judged", [alert], self._started_ns(alert))
        return web.Response(body=text, status=answer.status, content_type=answer.content_type)

    async def _hear(self, request: web.Request) -> web.Response:
        heard_ns = monotonic_ns()
        alerts = json.loads(await request.read())["alerts"]
        self._note("webhook", [each for each in alerts if each["status"] == "firing"], heard_ns)
        return web.Response()

    def _started_ns(self, alert: Alert) -> int:
        started = datetime.fromisoformat(alert["startsAt"])
        return round(started.timestamp() * 1e9) - self._epoch_ns

    def _note(self, where: str, alerts: list[Alert], heard_ns: int) -> None:
        for alert in alerts:
            labels = alert["labels"]
            name = f"{labels.get('alertname')}|{labels.get('symbol')}"
            self.first[where].setdefault(name, heard_ns)


async def _serve(listener: Listener, port: int) -> None:
    is_over = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, is_over.set)
    runner = web.AppRunner(listener.app(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await is_over.wait()
    await runner.cleanup()


@click.command()
@click.option("--port", required=True, type=int)
@click.option("--alertmanager", required=True)
@click.option("--output", required=True, type=click.Path(path_type=Path))
def main(port: int, alertmanager: str, output: Path) -> None:
    """Listen until told to end; then write what was heard first, as JSON."""
    listener = Listener(alertmanager)
    asyncio.run(_serve(listener, port))
    output.write_text(json.dumps(listener.first))


if __name__ == "__main__":
    main()
