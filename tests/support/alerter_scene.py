"""One alerter after the other on the same Redis, manual clock, scripted pager and audit log."""

from collections.abc import Mapping
from typing import Any

from core.thresholds import Rule
from services.alerter import Alerter
from services.view_store import connect
from tests.support.alert_samples import HOST_NS
from tests.support.alerter_world import RULE, AlerterPost, Market, RecordingAudit
from tests.support.manual_clock import ManualClock
from tests.support.metric_samples import alerter_gauge
from tests.support.recording_transport import Alert, RecordingTransport


class Scene:
    """Starts alerters and lets time pass for them; `market` is what they judge."""

    def __init__(self, url: str, market: Market) -> None:
        self.client = connect(url)
        self.market = market
        self.clock = ManualClock(HOST_NS)
        self.transport = RecordingTransport()
        self.audit = RecordingAudit()
        self.post: AlerterPost
        self.alerter: Alerter

    async def start(
        self,
        *rules: Rule,
        peers: tuple[str, ...] = ("http://one",),
        orders: Mapping[str, Any] | None = None,
    ) -> None:
        """Let an alerter begin, once the lease of the one before has run out.

        ``orders`` are fields of `services.alerter_orders.Orders`.
        """
        self.post = AlerterPost(
            self.client,
            clock=self.clock,
            transport=self.transport,
            audit=self.audit,
            peers=peers,
            rules=rules or (RULE,),
            orders=orders,
        )
        self.market.end_lease()
        assert await self.post.store.lease.claim()
        self.post.metrics.take_over()
        self.alerter = self.post.appoint()
        await self.alerter.begin()

    async def tick(self, seconds: float = 0.1) -> list[Alert]:
        """Let host time pass, evaluate, and return the alerts of the last push so far."""
        self.clock.advance(seconds)
        await self.alerter.tick()
        await self.alerter.settle()
        return self.transport.sent()[-1] if self.transport.posts else []

    async def run(self, seconds: float) -> list[list[Alert]]:
        """Tick each second; return the batches pushed meanwhile."""
        before = len(self.transport.posts)
        for _ in range(round(seconds)):
            await self.tick(1.0)
        return self.transport.sent()[before:]

    def gauge(self, name: str, **labels: str) -> float | None:
        return alerter_gauge(self.post.metrics, f"forcedflow_{name}", labels)

    async def close(self) -> None:
        await self.client.aclose()


def only(alerts: list[Alert]) -> Alert:
    """Return the single alert of a push."""
    [alert] = alerts
    return alert
