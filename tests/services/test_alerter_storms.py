"""Whatever fails in whatever order: no firing and no resolve is lost, none is told twice."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

import redis
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.alerts import AlertKey, Change
from core.universe import Universe
from services.alert_ledger import Ledger
from services.alert_messages import host_time_text
from services.alerter import Alerter
from services.alertmanager_http import Answer, Method
from services.embedded_redis import EmbeddedRedis
from services.silences import Matcher, Silence, exact_matchers
from services.store_errors import StoreError
from services.view_store import PartialsRead, connect
from tests.support.alert_samples import HOST_NS, key
from tests.support.alerter_world import (
    AlerterPost,
    FreshStore,
    Market,
    RecordingAudit,
    market_in,
)
from tests.support.manual_clock import ManualClock
from tests.support.recording_transport import ACCEPTED, Alert, RecordingTransport
from tests.support.silence_samples import silence, silences_answer

Labels = frozenset[tuple[str, str]]


EXACT = [
    silence(
        *exact_matchers(key(severity=severity, side=side)._asdict()), silence_id=severity + side
    )
    for severity in ("watch", "warning")
    for side in ("buy", "sell")
]
BROAD = [silence(Matcher("family", "forced-flow"), silence_id="broad")]
SILENCES = {"none": [], "hidden": BROAD, "exact": EXACT, "broad": BROAD, "both": EXACT + BROAD}


class Killed(BaseException):
    """The process ended here."""


class FailingStore(FreshStore):
    """The real store, with the failures a test asks for; each happens once."""

    fails: str = ""

    def _takes(self, failure: str) -> bool:
        if self.fails != failure:
            return False
        self.fails = ""
        return True

    async def read_partials(
        self, universe: Universe, coming: Universe | None = None
    ) -> PartialsRead:
        if self._takes("read"):
            raise StoreError(self.fails)
        return await super().read_partials(universe, coming)

    async def write(self, ledger: Ledger, document: bytes | None) -> None:
        if self._takes("write"):
            raise StoreError(self.fails)
        await super().write(ledger, document)
        if self._takes("answer to the write"):
            raise StoreError(self.fails)
        if self._takes("process after the write"):
            raise Killed


class PagerModel:
    """What Alertmanager makes of the pushes: an alert is told when it begins and when it ends.

    What begins under a silence is told after it, what ends under one is never told.
    """

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.is_up = True
        self.is_readable = True
        self.silences: list[Silence] = []
        self.active: set[Labels] = set()
        self.told: dict[Labels, list[str]] = defaultdict(list)
        self.starts: dict[Labels, set[str]] = defaultdict(set)

    def answer(self, _url: str, alerts: list[Alert]) -> Answer:
        if not self.is_up:
            return Answer(None, "down")
        for alert in alerts:
            self._take(alert)
        return ACCEPTED

    def reply(self, method: Method, url: str, _body: bytes) -> Answer:
        if not (self.is_up and self.is_readable):
            return Answer(None, "down")
        if method == "DELETE":
            ended = url.rpartition("/")[2]
            self.silences = [one for one in self.silences if one.id != ended]
            return ACCEPTED
        return silences_answer(*self.silences)

    def silence(self, kind: str) -> None:
        self.is_readable = kind != "hidden"
        self.silences = SILENCES[kind]
        self.flush()

    def flush(self) -> None:
        """Tell what fires, is not silenced, and was not told."""
        for labels in self.active:
            if not self._is_silenced(labels) and not self.has_been_told_of(labels):
                self.told[labels].append("firing")

    def has_been_told_of(self, labels: Labels) -> bool:
        """Return whether this is an open incident for the pager."""
        return self.told[labels][-1:] == ["firing"]

    def incidents(self) -> set[Labels]:
        return {labels for labels in list(self.told) if self.has_been_told_of(labels)}

    def _is_silenced(self, labels: Labels) -> bool:
        return any(silence.covers(dict(labels)) for silence in self.silences)

    def _take(self, alert: Alert) -> None:
        labels = frozenset(alert["labels"].items())
        self.starts[labels].add(alert["startsAt"])
        ends_ns = datetime.fromisoformat(alert["endsAt"]).timestamp() * 1e9
        assert alert["startsAt"] <= alert["endsAt"]
        if ends_ns > self.clock.now_ns():
            # What is active goes on, from its first start: Alertmanager merges what overlaps, also
            # where it was away while an alert ended and began again.
            self.active.add(labels)
            self.flush()
        elif labels in self.active:
            self.active.remove(labels)
            if self.has_been_told_of(labels) and not self._is_silenced(labels):
                self.told[labels].append("resolved")


class Storm:
    """One alerter at a time, killed, replaced and started again, among servers that fail.

    Those that were replaced do not know it: they go on by their old ledger, until Redis tells.
    """

    def __init__(self, url: str, market: Market) -> None:
        self.market = market
        self.clock = ManualClock(HOST_NS)
        self.pager = PagerModel(self.clock)
        self.transport: RecordingTransport
        self.audit = RecordingAudit()
        self.client = connect(url)
        self.minute = 0
        self.price = 100.0
        self.alerter: Alerter
        self.zombies: list[tuple[Alerter, RecordingTransport]] = []
        self.store: FailingStore

    async def start(self) -> None:
        self.transport = RecordingTransport(self.pager.answer)
        self.transport.reply = self.pager.reply
        post = AlerterPost(
            self.client, clock=self.clock, transport=self.transport, audit=self.audit
        )
        self.store = post.store = FailingStore(self.client, post.store.lease, self.clock)
        self.market.end_lease()
        assert await self.store.lease.claim()
        self.alerter = post.appoint()
        await self.alerter.begin()

    async def act(self, action: str) -> None:
        match action.split(":"):
            case ["price", price]:
                self.price = float(price)
                self.trade()
            case ["lose"]:
                self.market.forget("ACME")
            case [("pager" | "kafka" | "silences") as what, state]:
                self.turn(what, state)
            case ["fails", what]:
                self.store.fails = what
            case ["restart"]:
                await self.start()
            case ["replace"]:
                self.zombies.append((self.alerter, self.transport))
                await self.start()
            case ["wipe"]:
                self.market.wipe()
                self.market.publish()
            case ["lose all"]:
                await self.lose_all()
            case _:
                await self.wait(int(action))

    def turn(self, what: str, state: str) -> None:
        match what:
            case "pager":
                self.pager.is_up = state == "up"
            case "kafka":
                self.audit.is_up = state == "up"
            case "silences":
                self.pager.silence(state)

    async def lose_all(self) -> None:
        """Lose Redis and the alerter at once, where Kafka has all there is to know."""
        if self.audit.is_up and self.alerter.ledger.sequence == self.alerter._trail.acknowledged:
            self.market.wipe()
            self.market.publish()
            await self.start()

    def trade(self) -> None:
        self.minute += 1
        self.market.trade(self.minute / 60, ACME=self.price)

    async def wait(self, seconds: int) -> None:
        for _ in range(seconds):
            self.clock.advance(1.0)
            for zombie, transport in self.zombies:
                said = len(transport.posts)
                await zombie.tick()
                await zombie.settle()
                assert zombie.is_over
                assert len(transport.posts) == said
            self.zombies.clear()
            try:
                await self.alerter.tick()
                await self.alerter.settle()
            except Killed:
                await self.start()


ACTIONS = st.lists(
    st.sampled_from(
        [
            *("price:100", "price:99", "price:97", "price:102"),
            *("lose", "restart", "1", "1", "3", "7"),
            *("replace", "replace", "wipe", "lose all"),
            *("pager:down", "pager:up", "kafka:down", "kafka:up"),
            *("silences:exact", "silences:broad", "silences:both", "silences:hidden"),
            *("silences:none", "fails:read", "fails:write"),
            "fails:answer to the write",
            "fails:process after the write",
        ]
    ),
    max_size=25,
)


async def weather(url: str, actions: Sequence[str]) -> None:
    with market_in(url) as market:
        storm = Storm(url, market)
        try:
            await storm.start()
            for action in actions:
                await storm.act(action)
                await storm.wait(1)
            await clear_up(storm)
        finally:
            await storm.client.aclose()


async def clear_up(storm: Storm) -> None:
    """Let everything work again; what fires and what ended must then be known everywhere."""
    storm.pager.is_up = storm.audit.is_up = True
    await storm.act("silences:none")
    storm.store.fails = ""
    await settled(storm)
    assert_told_in_full(storm)
    storm.price = 97.0
    await settled(storm)
    assert storm.pager.active
    assert_told_in_full(storm)
    storm.price = 100.0
    await settled(storm)
    assert storm.pager.active == set()
    assert_told_in_full(storm)


async def settled(storm: Storm) -> None:
    """Let fresh data come, and long enough pass for every retry."""
    for _ in range(2):
        storm.trade()
        await storm.wait(10)


def assert_told_in_full(storm: Storm) -> None:
    firing = {labels_of(one.key) for one in storm.alerter.ledger.firing()}
    assert storm.pager.active == storm.pager.incidents() == firing
    assert all(map(alternate, storm.pager.told.values()))

    changes: dict[Labels, list[str]] = defaultdict(list)
    starts: dict[Labels, set[str]] = defaultdict(set)
    for record in {one.sequence: one for one in storm.audit.records}.values():
        if record.change in {Change.FIRING, Change.RESOLVED}:
            changes[labels_of(record.key)].append(str(record.change))
            starts[labels_of(record.key)].add(host_time_text(record.starts_ns))
    assert all(map(alternate, changes.values()))
    assert {labels for labels, told in changes.items() if told[-1] == "firing"} == firing
    assert all(found <= starts[labels] for labels, found in storm.pager.starts.items())


def labels_of(key: AlertKey) -> Labels:
    return frozenset(key._asdict().items())


def alternate(told: list[str]) -> bool:
    return told == (["firing", "resolved"] * len(told))[: len(told)]


@settings(max_examples=30)
@example(actions=["price:97", "3", "silences:broad", "price:100", "7", "restart", "7"])
@example(actions=["price:97", "3", "silences:exact", "price:100", "7"])
@example(actions=["price:97", "3", "silences:hidden", "price:100", "7"])
@given(actions=ACTIONS)
def test_after_any_storm_pager_ledger_and_audit_agree(
    redis_server: EmbeddedRedis, actions: list[str]
) -> None:
    with redis.Redis.from_url(redis_server.url) as client:
        client.flushall()

    asyncio.run(weather(redis_server.url, actions))
