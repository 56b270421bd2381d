"""Signs of life: pushed and asked for while evaluations are written, and at no other time."""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import aiohttp
import pytest

from core.errors import ConfigError
from services.child_process import ChildProcess, free_port
from services.heartbeat import HEARTBEAT_KEY, Pulse
from services.heartbeat_ping import HeartbeatPing, PingOutcome, read_heartbeat_url
from services.store_errors import StoreError
from tests.support.alert_samples import HOST_NS
from tests.support.alerter_scene import Scene, only
from tests.support.manual_clock import ManualClock
from tests.support.recording_transport import Alert
from tests.support.waiting import eventually

EXAMPLE = Path(__file__).resolve().parents[1] / "data" / "example"
SECRET = "a-secret-token"  # noqa: S105  of nobody


def names(alerts: list[Alert]) -> list[str]:
    return [alert["labels"]["alertname"] for alert in alerts]


async def test_it_always_fires_with_one_start_and_an_end_that_is_near(scene: Scene) -> None:
    await scene.start(orders={"has_heartbeat": True})
    first = only(await scene.tick())
    assert first["labels"] == HEARTBEAT_KEY._asdict()
    assert first["startsAt"] == "2026-09-21T14:13:20.000Z"
    assert first["endsAt"] == "2026-09-21T14:13:50.100Z"

    later = only((await scene.run(60.0))[-1])
    assert (later["labels"], later["startsAt"]) == (first["labels"], first["startsAt"])
    assert later["endsAt"] > first["endsAt"]
    assert scene.audit.records == []
    assert scene.market.ledger()["episodes"] == []


async def test_a_clock_that_was_set_back_does_not_end_it(scene: Scene) -> None:
    await scene.start(orders={"has_heartbeat": True})
    await scene.tick()
    scene.clock.set_host(HOST_NS - 3600 * 10**9)
    one = only((await scene.run(6.0))[-1])

    assert one["startsAt"] < one["endsAt"] < "2026-09-21T13:14"


async def test_a_blind_alerter_has_none_and_still_extends_what_fires(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    await scene.start(orders={"has_heartbeat": True})
    scene.market.trade(1.0, ACME=99.0)
    assert sorted(names(await scene.tick())) == ["ForcedFlowHeartbeat", "ForcedFlowWatch"]

    async def refuse(*_: object) -> None:
        message = "no memory"
        raise StoreError(message)

    with monkeypatch.context() as patch:
        patch.setattr(scene.alerter._store, "write", refuse)
        assert names((await scene.run(6.0))[-1]) == ["ForcedFlowWatch"]
    assert len(names((await scene.run(6.0))[-1])) == 2


class Switch:
    """A dead-man's switch on loopback: counts what it is asked for, answers as told."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.status = 200
        switch = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                switch.asked.append(self.path)
                self.send_response(switch.status)
                if switch.status == 302:
                    self.send_header("Location", "/elsewhere")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base's
                del format, args

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/ping/{SECRET}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def switch() -> Iterator[Switch]:
    running = Switch()
    yield running
    running.close()


async def test_the_outside_is_asked_only_while_there_is_a_pulse(
    switch: Switch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = ManualClock(0)
    pulse = Pulse(clock)
    outcomes: list[PingOutcome] = []
    async with aiohttp.ClientSession() as session:
        ping = HeartbeatPing(
            switch.url, session=session, pulse=pulse, every_seconds=1.0, report=outcomes.append
        )
        await ping.ping()
        assert switch.asked == []

        pulse.beat()
        await ping.ping()
        assert (len(switch.asked), outcomes) == (1, ["ok"])
        for status in (302, 500):
            switch.status = status
            await ping.ping()
        assert switch.asked == [f"/ping/{SECRET}"] * 3
        assert outcomes == ["ok", "failed", "failed"]

        clock.advance(5.1)
        await ping.ping()
        pulse.beat()
        pulse.stop()
        await ping.ping()
        assert len(switch.asked) == 3

        pulse.beat()
        gone = HeartbeatPing(
            f"http://127.0.0.1:9/{SECRET}",
            session=session,
            pulse=pulse,
            every_seconds=1.0,
            report=outcomes.append,
        )
        await gone.ping()
        assert outcomes[-1] == "failed"
    assert SECRET not in capsys.readouterr().out


async def test_it_goes_on_until_it_is_stopped(switch: Switch) -> None:
    pulse = Pulse(ManualClock(0))
    pulse.beat()
    stop = asyncio.Event()

    def report(_outcome: PingOutcome) -> None:
        if len(switch.asked) >= 3:
            stop.set()

    async with aiohttp.ClientSession() as session:
        ping = HeartbeatPing(
            switch.url, session=session, pulse=pulse, every_seconds=0.01, report=report
        )
        await asyncio.wait_for(ping.run(stop), 10.0)
    assert len(switch.asked) == 3


@pytest.mark.parametrize(
    "url",
    ["https://hc.example/x?y=1", "http://127.0.0.1:8/x", "http://localhost/", "http://[::1]/"],
)
def test_an_address_that_is_taken(tmp_path: Path, url: str) -> None:
    (tmp_path / "url").write_text(f"{url}\n")

    assert read_heartbeat_url(tmp_path / "url") == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        SECRET,
        f"http://hc.example/{SECRET}",
        f"http://10.0.0.1/{SECRET}",
        f"https://me:{SECRET}@hc.example/",
        f"https://hc.example/{SECRET}#part",
        f"https://hc.example/{SECRET} two",
        f"ftp://hc.example/{SECRET}",
        f"https://[{SECRET}",
    ],
)
def test_an_address_that_is_not_taken_is_not_told(tmp_path: Path, url: str) -> None:
    (tmp_path / "url").write_text(url)

    with pytest.raises(ConfigError, match="expected one https address") as refused:
        read_heartbeat_url(tmp_path / "url")
    assert SECRET not in str(refused.value)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="FileNotFoundError"):
        read_heartbeat_url(tmp_path / "url")


def test_a_process_keeps_the_switch_quiet_and_its_address_to_itself(
    tmp_path: Path, redis_url: str, switch: Switch
) -> None:
    (tmp_path / "url").write_text(switch.url)
    settings = {
        "FORCEDFLOW_ALERTER__HEARTBEAT_SECONDS": "1",
        "FORCEDFLOW_ALERTER__HEARTBEAT_URL_FILE": str(tmp_path / "url"),
    }
    words = ("--redis-url", redis_url, "--kafka-bootstrap", f"127.0.0.1:{free_port()}")
    tables = ("--universe", str(EXAMPLE / "universe"), "--rules", str(EXAMPLE / "rules.yaml"))
    child = ChildProcess(
        "alerter",
        [
            *(sys.executable, "-m", "services", "alerter", *tables, *words),
            *("--metrics-port", str(free_port())),
        ],
        directory=tmp_path,
        environment=os.environ | settings,
    )
    with child:
        eventually(lambda: len(switch.asked) >= 2, seconds=30.0)
        os.kill(child.pid, signal.SIGTERM)
        eventually(lambda: child.returncode is not None)
    assert child.returncode == 0
    assert SECRET not in child.log_file.read_text()
