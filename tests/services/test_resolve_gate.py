"""What is told of a resolve while an Alertmanager has silences: per peer, without waiting."""

import asyncio

import msgspec
import pytest

from services.alert_messages import PostableAlert
from services.alertmanager import RESEND_SECONDS, Batch, Fleet, Peer
from services.alertmanager_http import Answer, Method
from services.resolve_gate import DECISION_SECONDS, Resolve
from services.silences import Matcher, Silence, exact_matchers
from tests.support.alert_samples import key
from tests.support.manual_clock import ManualClock
from tests.support.push_reports import PushReports
from tests.support.recording_transport import RecordingTransport
from tests.support.silence_samples import silence, silences_answer

LABELS = key()._asdict()
ACKNOWLEDGEMENT = silence(*exact_matchers(LABELS), silence_id="ack")
ROOM = silence(Matcher("family", "forced-.*", is_regex=True), silence_id="maintenance")
EXTENDED, ENDED = "2026-01-01T01:05:00.000Z", "2026-01-01T01:00:00.000Z"
UNREADABLE = Answer(500, "oops")


class Scene:
    """Peers with silences of their own, and one alert that is over."""

    def __init__(self, *names: str) -> None:
        self.clock = ManualClock(0)
        self.transport = RecordingTransport()
        self.transport.reply = self._reply
        self.reports = PushReports()
        self.silences: dict[str, list[Silence]] = {name: [] for name in names or ("one",)}
        self.listing: Answer | None = None
        self.expiring: Answer | None = None
        self.batch = resolved()
        self.fleet = Fleet(
            Peer(
                f"http://{name}",
                transport=self.transport,
                clock=self.clock,
                jitter=lambda: 0.5,
                observer=self.reports.observer(),
            )
            for name in self.silences
        )
        self.fleet.listen(self.poke)

    def _reply(self, method: Method, url: str, _body: bytes) -> Answer:
        name = url.split("/")[2]
        if method == "GET":
            return self.listing or silences_answer(*self.silences[name])
        wanted = url.rpartition("/")[2]
        if self.expiring is None:
            self.silences[name] = [one for one in self.silences[name] if one.id != wanted]
        return self.expiring or Answer(200, "")

    def poke(self) -> None:
        self.fleet.poke(lambda: self.batch)

    async def tick(self, seconds: float = 0.0) -> list[str]:
        """Let time pass and work; return the ends that the last push to `one` told."""
        self.clock.advance(seconds)
        self.poke()
        await self.fleet.settle()
        return self.told("one")

    def told(self, name: str) -> list[str]:
        return [alert["endsAt"] for alert in self.transport.sent(name)[-1]]

    def deleted(self) -> list[str]:
        return [url for method, url, _body in self.transport.asked if method == "DELETE"]


def alert(ends_at: str) -> PostableAlert:
    return PostableAlert(dict(LABELS), {}, "2026-01-01T00:00:00.000Z", ends_at)


def resolved(sequence: int = 1) -> Batch:
    return Batch(sequence, (), (Resolve(alert(ENDED), alert(EXTENDED)),))


async def test_without_silences_a_resolve_is_told_at_once_and_asked_about_once() -> None:
    scene = Scene()
    assert await scene.tick() == [ENDED]
    assert await scene.tick(RESEND_SECONDS) == [ENDED]

    assert len(scene.transport.asked) == 1
    assert scene.fleet.withheld(now_ns=0) == frozenset()


async def test_nothing_is_told_before_it_is_decided() -> None:
    scene = Scene()
    await scene.tick()

    assert scene.transport.sent() == [[], [alert_json(ENDED)]]


async def test_an_acknowledgement_is_expired_before_the_resolve_is_told() -> None:
    scene = Scene()
    scene.silences["one"] = [ACKNOWLEDGEMENT]
    at_delete = []

    def watch(method: Method, url: str, body: bytes) -> Answer:
        if method == "DELETE":
            at_delete.append(scene.told("one"))
        return scene._reply(method, url, body)

    scene.transport.reply = watch
    assert await scene.tick() == [ENDED]
    assert scene.deleted() == ["http://one/api/v2/silence/ack"]
    assert at_delete == [[]]
    assert scene.reports.silences == [("http://one", "read"), ("http://one", "expired")]


async def test_under_a_broader_silence_it_is_extended_until_that_ends() -> None:
    scene = Scene()
    scene.silences["one"] = [ACKNOWLEDGEMENT, ROOM]
    await scene.tick()
    for _ in range(5):
        assert await scene.tick(RESEND_SECONDS) == [EXTENDED]
    assert scene.deleted() == []
    assert scene.reports.held == {"http://one": 1}
    assert scene.fleet.peers[0].holds(LABELS)
    assert scene.fleet.withheld(now_ns=0) == {frozenset(LABELS.items())}

    scene.silences["one"].remove(ROOM)
    assert await scene.tick(RESEND_SECONDS) == [ENDED]
    assert scene.deleted() == ["http://one/api/v2/silence/ack"]
    assert scene.fleet.withheld(now_ns=0) == frozenset()
    assert scene.reports.held == {"http://one": 0}


async def test_what_fires_does_not_wait_for_silences_that_hang() -> None:
    scene = Scene()
    goes_on = asyncio.Event()
    reading = scene.transport.ask

    async def hang(method: Method, url: str, body: bytes = b"") -> Answer:
        await goes_on.wait()
        return await reading(method, url, body)

    scene.transport.ask = hang  # type: ignore[method-assign]
    scene.poke()
    await asyncio.sleep(0)
    scene.fleet.request()
    scene.batch = Batch(2, (alert(EXTENDED),), scene.batch.resolves)
    for _ in range(3):
        scene.poke()
        await asyncio.sleep(0)
    assert scene.told("one") == [EXTENDED]

    goes_on.set()
    await scene.fleet.settle()
    assert scene.told("one") == [EXTENDED, ENDED]


async def test_a_silence_that_has_not_begun_or_is_of_another_holds_nothing() -> None:
    scene = Scene()
    scene.silences["one"] = [
        silence(*ROOM.matchers, state="pending"),
        silence(*ROOM.matchers, state="expired"),
        silence(Matcher("symbol", "BOLT")),
    ]

    assert await scene.tick() == [ENDED]
    assert scene.deleted() == []


@pytest.mark.parametrize(("seconds_before", "told"), [(60.0, EXTENDED), (61.0, ENDED)])
async def test_a_silence_about_to_begin_counts_already(seconds_before: float, told: str) -> None:
    scene = Scene()
    maintenance = silence(*ROOM.matchers, state="pending")
    scene.silences["one"] = [maintenance]
    begins_ns = round(maintenance.starts_at.timestamp()) * 10**9
    scene.clock.set_host(begins_ns - round(seconds_before * 1e9))
    await scene.tick()

    assert await scene.tick(RESEND_SECONDS if told == EXTENDED else 0.0) == [told]


async def test_while_silences_cannot_be_read_it_is_extended() -> None:
    scene = Scene()
    scene.listing = UNREADABLE
    await scene.tick()
    assert await scene.tick(RESEND_SECONDS) == [EXTENDED]
    assert scene.fleet.withheld(now_ns=0)

    scene.listing = None
    assert await scene.tick(RESEND_SECONDS) == [ENDED]
    events = [event for _url, event in scene.reports.silences]
    assert events == ["failed", "failed", "read"]


async def test_what_cannot_be_expired_holds() -> None:
    scene = Scene()
    scene.silences["one"] = [ACKNOWLEDGEMENT]
    scene.expiring = UNREADABLE
    await scene.tick()
    assert await scene.tick(RESEND_SECONDS) == [EXTENDED]

    scene.expiring = None
    assert await scene.tick(RESEND_SECONDS) == [ENDED]


async def test_what_cannot_be_expired_holds_nothing_else() -> None:
    scene = Scene()
    scene.silences["one"] = [ACKNOWLEDGEMENT]
    scene.expiring = UNREADABLE
    other = PostableAlert(dict(LABELS) | {"symbol": "BOLT"}, {}, alert(ENDED).starts_at, ENDED)
    extended = msgspec.structs.replace(other, ends_at=EXTENDED)
    scene.batch = Batch(1, (), (*scene.batch.resolves, Resolve(other, extended)))
    await scene.tick()

    assert await scene.tick(RESEND_SECONDS) == [EXTENDED, ENDED]
    assert scene.fleet.withheld(now_ns=0) == {frozenset(LABELS.items())}


async def test_a_resolve_that_comes_while_silences_are_read_is_decided_next() -> None:
    scene = Scene()
    scene.silences["one"] = [silence(*exact_matchers(LABELS)[:-1], silence_id="broader")]
    before = scene.batch.resolves
    labels = dict(LABELS) | {"side": "buy"}
    other = PostableAlert(labels, {}, alert(ENDED).starts_at, ENDED)
    reading = scene.transport.ask

    async def meanwhile(method: Method, url: str, body: bytes = b"") -> Answer:
        scene.transport.ask = reading  # type: ignore[method-assign]
        scene.batch = Batch(2, (), (*before, Resolve(other, other)))
        scene.fleet.request()
        for _ in range(5):
            scene.poke()
            await asyncio.sleep(0)
        return await reading(method, url, body)

    scene.transport.ask = meanwhile  # type: ignore[method-assign]
    assert await scene.tick() == [EXTENDED, ENDED]


async def test_each_peer_goes_by_its_own_silences() -> None:
    scene = Scene("one", "two")
    scene.silences["two"] = [ROOM]
    await scene.tick()
    await scene.tick(RESEND_SECONDS)

    assert scene.told("one") == [ENDED]
    assert scene.told("two") == [EXTENDED]
    assert scene.fleet.withheld(now_ns=0) == {frozenset(LABELS.items())}


async def test_a_peer_gone_for_a_day_withholds_nothing_any_more() -> None:
    scene = Scene()
    scene.silences["one"] = [ROOM]
    await scene.tick()
    scene.transport.answer = lambda *_: Answer(None, "gone")
    await scene.tick(23 * 3600.0)
    assert scene.fleet.withheld(now_ns=scene.clock.now_ns())

    await scene.tick(3601.0)
    assert not scene.fleet.withheld(now_ns=scene.clock.now_ns())


async def test_a_decision_that_could_not_be_told_in_time_is_made_anew() -> None:
    scene = Scene()
    scene.transport.answer = lambda *_: Answer(503, "busy")
    await scene.tick()
    scene.silences["one"] = [ROOM]
    scene.transport.answer = lambda *_: Answer(200, "")

    assert await scene.tick(DECISION_SECONDS + 0.1) == [EXTENDED]


async def test_an_alert_that_fires_again_meanwhile_is_no_longer_withheld() -> None:
    scene = Scene()
    scene.silences["one"] = [ROOM]
    await scene.tick()
    scene.batch = Batch(2, (alert(EXTENDED),))
    assert await scene.tick(RESEND_SECONDS) == [EXTENDED]

    assert scene.fleet.withheld(now_ns=0) == frozenset()
    assert scene.reports.held == {"http://one": 0}


def alert_json(ends_at: str) -> dict[str, object]:
    return {
        "labels": dict(LABELS),
        "annotations": {},
        "startsAt": "2026-01-01T00:00:00.000Z",
        "endsAt": ends_at,
    }
