"""Two alerters on one Redis, manual clock: who is active, what each says, who may speak."""

from services.alerter import Alerter
from services.alerter_turns import StandBy
from services.store_errors import StoreError
from services.view_store import connect
from tests.support.alert_samples import HOST_NS
from tests.support.alerter_world import AlerterPost, Market, RecordingAudit
from tests.support.manual_clock import ManualClock
from tests.support.metric_samples import alerter_gauge
from tests.support.recording_transport import Alert, RecordingTransport


class Member:
    """One of the two, tick by tick."""

    def __init__(self, url: str, holder: str, clock: ManualClock, audit: RecordingAudit) -> None:
        self.client = connect(url)
        self.transport = RecordingTransport()
        self.post = AlerterPost(
            self.client, clock=clock, transport=self.transport, holder=holder, audit=audit
        )
        self.alerter: Alerter | None = None
        self.is_blind = False
        self._stand_by = StandBy(self.post.store.lease, clock)

    async def tick(self) -> None:
        """Do what the process would do now: look at the lease, or evaluate."""
        if self.alerter is None:
            await self._look()
        if self.alerter is not None:
            await self.alerter.tick()
            await self.alerter.settle()
            if self.alerter.is_over:
                self.alerter = None
                self.post.metrics.stand_by()
                self._stand_by = StandBy(self.post.store.lease, self.post.clock)

    async def _look(self) -> None:
        try:
            is_ours = await self._stand_by.take_over()
        except StoreError:
            self.is_blind = True
            return
        self.is_blind = False
        if is_ours:
            self.post.metrics.take_over()
            self.alerter = self.post.appoint()
            await self.alerter.begin()

    def is_active(self) -> bool:
        return self.gauge("alerter_active") == 1.0

    def sent(self) -> list[Alert]:
        """Return the alerts of the last push."""
        return self.transport.sent()[-1]

    def gauge(self, name: str, **labels: str) -> float | None:
        return alerter_gauge(self.post.metrics, f"forcedflow_{name}", labels)


class Pair:
    """Two members on a market; `one` is active from the start."""

    def __init__(self, url: str, market: Market) -> None:
        self.market = market
        self.clock = ManualClock(HOST_NS)
        self.audit = RecordingAudit()
        self.one = Member(url, "one", self.clock, self.audit)
        self.two = Member(url, "two", self.clock, self.audit)

    async def tick(self, *members: Member, seconds: float = 0.1) -> None:
        """Let host time pass and these members, or both, do their work."""
        self.clock.advance(seconds)
        for member in members or (self.one, self.two):
            await member.tick()

    async def close(self) -> None:
        await self.one.client.aclose()
        await self.two.client.aclose()
