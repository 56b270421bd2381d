"""The alerter process: from its settings to a running alerter, until a signal."""

import asyncio
import os
import random
import secrets
import signal
import socket
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import structlog

from core.errors import ConfigError
from core.sessions import NANOS_PER_SECOND
from core.universe import Universe
from services.alert_audit import KafkaAudit
from services.alerter import Alerter
from services.alerter_lease import Lease
from services.alerter_metrics import AlerterMetrics
from services.alerter_orders import Orders
from services.alerter_settings import AlerterSection, AlerterSettings
from services.alerter_turns import Turns
from services.alertmanager import Fleet, Peer
from services.alertmanager_access import Access, open_access
from services.alertmanager_http import HttpTransport
from services.clock import Clock
from services.exposition import Exposition
from services.heartbeat import Pulse
from services.heartbeat_ping import HeartbeatPing, read_heartbeat_url
from services.projection_log import KafkaProjections
from services.rules_file import RulesFile, foreign_names, read_rules
from services.rules_in_force import RulesInForce, RulesWatch
from services.universe_feed import UniverseFeed, first_universe
from services.universe_files import load_universe
from services.universe_switch import UniverseSwitch
from services.view_store import ViewStore, connect
from streams.topics import ALERTS, PROJECTIONS

log = structlog.get_logger(__name__)

MINUTE_NS = 60 * NANOS_PER_SECOND


def load_tables(directory: Path | None, rules_file: Path) -> tuple[RulesFile, Universe | None]:
    """Return the rules and, where a folder is named, its universe.

    Raises
    ------
    ConfigError
        With every fault of both, and every name in the rules that the folder does not have.
    """
    faults = []
    universe = None
    try:
        universe = None if directory is None else load_universe(directory)
    except ConfigError as error:
        faults.append(str(error))
    try:
        rules = read_rules(rules_file)
    except ConfigError as error:
        faults.append(str(error))
    if faults:
        raise ConfigError("\n".join(faults))
    check_names(rules, universe)
    return rules, universe


def check_names(rules: RulesFile, universe: Universe | None) -> None:
    """Raise `ConfigError` with every name in the rules that a folder's universe does not have."""
    findings = () if universe is None else foreign_names(rules, universe)
    if findings:
        raise ConfigError("\n".join(str(finding) for finding in findings))


def tell_names(rules: RulesFile, universe: Universe) -> None:
    """Log every name in the rules that an imported universe does not have."""
    for finding in foreign_names(rules, universe):
        log.error("rules_name_what_is_not_there", finding=str(finding))


async def run_alerter(settings: AlerterSettings, clock: Clock) -> None:
    """Run until SIGINT or SIGTERM; what fires then goes on firing for five minutes.

    Raises
    ------
    ConfigError
        If universe, rules or a setting cannot be used, or the stored ledger not be read.
    """
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    rules, universe = load_tables(settings.universe.directory, settings.alerter.rules)
    access = open_access(settings.alertmanager, settings.alerter.alertmanagers)
    metrics = AlerterMetrics(settings.alerter.alertmanagers, clock)
    async with AsyncExitStack() as stack:
        _expose(settings, metrics, stack)
        feed = None
        if universe is None:
            feed = UniverseFeed(settings.kafka)
            stack.push_async_callback(feed.close)
            universe = await first_universe(feed, stop)
        if universe is not None:
            switch = UniverseSwitch(universe, clock)
            judge_names = check_names if feed is None else tell_names
            watch = RulesWatch(
                rules, check=lambda file: judge_names(file, switch.current), observer=metrics
            )
            if feed is not None:
                following = asyncio.create_task(_follow(feed, switch, watch))
                stack.callback(following.cancel)
            watching = asyncio.create_task(watch.follow(stop))
            stack.callback(watching.cancel)
            orders = _orders(settings.alerter, watch.in_force, clock)
            post = _Post(
                settings, orders, access=access, switch=switch, metrics=metrics, clock=clock
            )
            turns = await post.open(stack, stop)
            await turns.run(stop)
    log.info("alerter_stopped")


def _orders(section: AlerterSection, rules: RulesInForce, clock: Clock) -> Orders:
    return Orders(
        rules,
        Pulse(clock),
        drill_lead_ns=section.drill_minutes_before_open * MINUTE_NS,
        has_heartbeat=section.heartbeat,
        links=section.links(),
        storm_cap=section.storm_cap,
    )


def holder_name() -> str:
    """Return a name for this process that tells where it runs and that no other has."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


@dataclass(frozen=True)
class _Post:
    """What one process has, and the alerters of its terms share."""

    settings: AlerterSettings
    orders: Orders
    access: Access
    switch: UniverseSwitch
    metrics: AlerterMetrics
    clock: Clock

    async def open(self, stack: AsyncExitStack, stop: asyncio.Event) -> Turns:
        """Return what the process runs; `stack` closes what it needs."""
        settings, clock, metrics = self.settings, self.clock, self.metrics
        redis = connect(settings.redis.url, password=settings.redis.password())
        stack.push_async_callback(redis.aclose)
        session = await stack.enter_async_context(aiohttp.ClientSession())
        self._ping(session, stack, stop)
        bootstrap, prefix = settings.kafka.bootstrap, settings.kafka.topics_prefix
        audit_log = KafkaAudit(bootstrap, prefix + ALERTS, clock)
        stack.push_async_callback(audit_log.close)
        projections = KafkaProjections(bootstrap, prefix + PROJECTIONS, metrics.recorded)
        stack.push_async_callback(projections.close)
        store = ViewStore(redis, Lease(redis, holder_name()))

        def appoint() -> Alerter:
            return Alerter(
                self.orders,
                switch=self.switch,
                store=store,
                fleet=self._fleet(session),
                audit_log=audit_log,
                projections=projections,
                clock=clock,
                metrics=metrics,
            )

        log.info(
            "alerter_started",
            holder=store.lease.holder,
            universe=self.switch.current.version,
            rules=len(self.orders.rules.rules),
            alertmanagers=list(settings.alerter.alertmanagers),
        )
        return Turns(store, appoint, clock=clock, metrics=metrics)

    def _ping(
        self, session: aiohttp.ClientSession, stack: AsyncExitStack, stop: asyncio.Event
    ) -> None:
        """Start the signs of life where an address is given; `stack` ends them."""
        section = self.settings.alerter
        if section.heartbeat_url_file is None:
            return
        ping = HeartbeatPing(
            read_heartbeat_url(section.heartbeat_url_file),
            session=session,
            pulse=self.orders.pulse,
            every_seconds=section.heartbeat_seconds,
            report=self.metrics.pinged,
        )
        pinging = asyncio.create_task(ping.run(stop))
        stack.callback(pinging.cancel)

    def _fleet(self, session: aiohttp.ClientSession) -> Fleet:
        transport = HttpTransport(session, self.access)
        return Fleet(
            Peer(
                url,
                transport=transport,
                clock=self.clock,
                jitter=random.random,
                observer=self.metrics.observer(),
            )
            for url in self.settings.alerter.alertmanagers
        )


async def _follow(feed: UniverseFeed, switch: UniverseSwitch, watch: RulesWatch) -> None:
    """Announce every newer version; what the rules name and it lacks is told, not refused.

    A version that an import brings must not be the end of all pages.
    """
    universe = switch.current
    while True:
        tell_names(watch.file, universe)
        universe = await feed.next()
        switch.announce(universe)


def _expose(settings: AlerterSettings, metrics: AlerterMetrics, stack: AsyncExitStack) -> None:
    if not settings.alerter.metrics_port:
        return
    exposition = Exposition(
        metrics.registry,
        tables=metrics.tables,
        port=settings.alerter.metrics_port,
        host=settings.alerter.metrics_host,
    )
    stack.callback(exposition.close)
    log.info("metrics", port=exposition.port)
