import pytest

from services.alert_messages import PostableAlert
from services.alertmanager import RESEND_SECONDS, Batch, Fleet, Outcome, Peer, judge
from services.alertmanager_http import Answer
from tests.support.manual_clock import ManualClock
from tests.support.push_reports import PushReports
from tests.support.recording_transport import ACCEPTED, Alert, RecordingTransport

DOWN = Answer(None, "ConnectionRefusedError")


def alert(symbol: str) -> PostableAlert:
    return PostableAlert({"alertname": "A", "symbol": symbol}, {}, "2026-01-01T00:00:00.000Z", "")


class Scene:
    """Peers on a manual clock, and what they reported."""

    def __init__(self, *urls: str) -> None:
        self.clock = ManualClock(0)
        self.transport = RecordingTransport()
        self.reports = PushReports()
        self.batch = Batch(1, (alert("ACME"),))
        self.fleet = Fleet(
            Peer(
                url,
                transport=self.transport,
                clock=self.clock,
                jitter=lambda: 0.5,
                observer=self.reports.observer(),
            )
            for url in urls or ("http://one",)
        )

    async def tick(self, seconds: float = 0.0) -> None:
        self.clock.advance(seconds)
        self.fleet.poke(lambda: self.batch)
        await self.fleet.settle()

    async def run(self, seconds: float) -> int:
        """Tick ten times a second; return how many posts that made."""
        before = len(self.transport.posts)
        for _ in range(round(seconds * 10)):
            await self.tick(0.1)
        return len(self.transport.posts) - before


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (Answer(200, ""), "ok"),
        (Answer(400, ""), "refused"),
        (Answer(415, ""), "bug"),
        (Answer(422, ""), "refused"),
        (Answer(429, ""), "error"),
        (Answer(503, ""), "error"),
        (Answer(302, ""), "rejected"),
        (Answer(401, ""), "rejected"),
        (Answer(None, "", is_timeout=True), "timeout"),
        (Answer(None, ""), "unreachable"),
    ],
)
def test_an_answer_is_judged(answer: Answer, outcome: Outcome) -> None:
    assert judge(answer) == outcome


async def test_alerts_are_resent_every_five_seconds_and_at_once_on_request() -> None:
    scene = Scene()
    await scene.tick()
    assert len(scene.transport.posts) == 1

    assert await scene.run(RESEND_SECONDS - 0.2) == 0
    assert await scene.run(0.3) == 1
    assert await scene.run(1.0) == 0

    scene.fleet.request()
    assert await scene.run(0.1) == 1


async def test_the_endpoint_is_version_two_whatever_slash_the_url_ends_with() -> None:
    scene = Scene("http://one/prefix/")
    await scene.tick()

    assert scene.transport.posts[0][0] == "http://one/prefix/api/v2/alerts"


async def test_every_attempt_builds_its_batch_anew() -> None:
    scene = Scene()
    scene.transport.answer = lambda _url, _alerts: DOWN
    await scene.tick()
    scene.batch = Batch(2, (alert("BOLT"),))
    scene.transport.answer = lambda _url, _alerts: ACCEPTED
    await scene.run(2.0)

    assert [posted[0]["labels"]["symbol"] for posted in scene.transport.sent()] == ["ACME", "BOLT"]
    assert scene.fleet.delivered() == 2


async def test_a_peer_that_is_back_is_served_within_a_second_and_a_half() -> None:
    scene = Scene()
    scene.transport.answer = lambda _url, _alerts: DOWN
    await scene.run(60.0)
    scene.transport.answer = lambda _url, _alerts: ACCEPTED

    assert await scene.run(1.5) == 1


async def test_a_failing_peer_is_tried_at_a_steady_pace_even_when_there_is_news() -> None:
    scene = Scene()
    scene.transport.answer = lambda _url, _alerts: Answer(503, "busy")
    await scene.run(10.0)
    posts = 0
    for _ in range(100):
        scene.fleet.request()
        posts += await scene.run(0.1)

    assert 8 <= posts <= 12


async def test_one_peer_being_down_does_not_touch_the_other() -> None:
    scene = Scene("http://one", "http://two")
    scene.transport.answer = lambda url, _alerts: DOWN if "one" in url else ACCEPTED
    await scene.run(11.0)

    assert len(scene.transport.sent("two")) == 3
    assert {outcome for url, outcome in scene.reports.outcomes if "two" in url} == {"ok"}
    assert [peer.delivered for peer in scene.fleet.peers] == [0, 1]
    assert scene.fleet.delivered() == 0


def refuses_acme(_url: str, alerts: list[Alert]) -> Answer:
    is_bad = any(item["labels"]["symbol"] == "ACME" for item in alerts)
    return Answer(400, "bad label") if is_bad else ACCEPTED


async def test_of_a_refused_batch_only_the_offending_alert_is_dropped() -> None:
    scene = Scene()
    scene.batch = Batch(7, (alert("ACME"), alert("BOLT"), alert("CORE")))
    scene.transport.answer = refuses_acme
    await scene.tick()

    symbols = [[item["labels"]["symbol"] for item in sent] for sent in scene.transport.sent()]
    assert symbols == [["ACME", "BOLT", "CORE"], [], ["ACME", "BOLT"], ["ACME"], ["BOLT"], ["CORE"]]
    assert scene.reports.refused == 1
    assert scene.fleet.delivered() == 7
    assert scene.fleet.peers[0].has_refused({"alertname": "A", "symbol": "ACME"})
    assert not scene.fleet.peers[0].has_refused({"alertname": "A", "symbol": "BOLT"})

    await scene.tick(RESEND_SECONDS)
    assert [item["labels"]["symbol"] for item in scene.transport.sent()[-1]] == ["BOLT", "CORE"]


async def test_a_few_bad_ones_of_a_thousand_are_found_in_few_posts() -> None:
    scene = Scene()
    scene.batch = Batch(7, tuple(alert(f"S{number}") for number in range(1000)))
    bad = {"S0", "S123", "S124", "S999"}

    def answer(_url: str, alerts: list[Alert]) -> Answer:
        is_bad = any(item["labels"]["symbol"] in bad for item in alerts)
        return Answer(422, "") if is_bad else ACCEPTED

    scene.transport.answer = answer
    await scene.tick()
    assert scene.reports.refused == 4
    assert len(scene.transport.posts) < 100
    assert scene.fleet.delivered() == 7

    await scene.tick(RESEND_SECONDS)
    assert len(scene.transport.sent()[-1]) == 996


@pytest.mark.parametrize("alerts", [0, 1, 3])
async def test_who_refuses_the_empty_batch_too_refuses_us_and_no_alert(alerts: int) -> None:
    scene = Scene()
    scene.batch = Batch(7, tuple(alert(f"S{number}") for number in range(alerts)))
    scene.transport.answer = lambda *_: Answer(400, "sent HTTP to an HTTPS server")
    await scene.tick()

    assert scene.reports.outcomes[-1] == ("http://one", "refused")
    assert scene.reports.refused == 0
    assert scene.fleet.delivered() == 0
    assert scene.fleet.peers[0].last_success_ns is None
    assert await scene.run(4.8) == 0


async def test_a_refused_alert_is_tried_again_after_a_minute() -> None:
    scene = Scene()
    scene.transport.answer = refuses_acme
    await scene.tick()
    scene.transport.answer = lambda _url, _alerts: ACCEPTED
    await scene.tick(61.0)

    assert scene.transport.sent()[-1][0]["labels"]["symbol"] == "ACME"


async def test_a_failure_while_sending_singly_is_no_success() -> None:
    def answer(_url: str, alerts: list[Alert]) -> Answer:
        return Answer(400, "") if len(alerts) > 1 else DOWN

    scene = Scene()
    scene.batch = Batch(3, (alert("ACME"), alert("BOLT")))
    scene.transport.answer = answer
    await scene.tick()

    assert len(scene.transport.posts) == 2
    assert scene.reports.outcomes == [("http://one", "refused"), ("http://one", "unreachable")]
    assert scene.fleet.delivered() == 0


async def test_a_batch_that_grew_too_old_while_sent_singly_is_given_up() -> None:
    scene = Scene()
    scene.batch = Batch(3, tuple(alert(str(number)) for number in range(9)))

    def answer(_url: str, alerts: list[Alert]) -> Answer:
        scene.clock.advance(2.0)
        return Answer(400, "") if len(alerts) > 1 else ACCEPTED

    scene.transport.answer = answer
    await scene.tick()

    assert len(scene.transport.posts) == 3
    assert scene.reports.outcomes[-1] == ("http://one", "timeout")


async def test_a_request_the_peer_turned_down_waits_for_the_next_resend() -> None:
    scene = Scene()
    scene.transport.answer = lambda _url, _alerts: Answer(415, "unsupported")
    await scene.tick()

    assert await scene.run(4.8) == 0
    assert await scene.run(0.3) == 1
    assert scene.reports.outcomes == [("http://one", "bug")] * 2


async def test_news_during_a_push_is_pushed_next() -> None:
    scene = Scene()

    def answer(_url: str, _alerts: list[Alert]) -> Answer:
        if len(scene.transport.posts) == 1:
            scene.fleet.request()
        return ACCEPTED

    scene.transport.answer = answer
    await scene.tick()

    assert await scene.run(0.1) == 1
