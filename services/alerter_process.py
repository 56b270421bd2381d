"""The alerter process: from its settings to a running alerter, until a signal."""

import asyncio
import random
import signal
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import structlog

from core.errors import ConfigError
from core.thresholds import Rule
from core.universe import Universe
from services.alert_audit import KafkaAudit
from services.alerter import Alerter
from services.alerter_metrics import AlerterMetrics
from services.alerter_settings import AlerterSettings
from services.alertmanager import Fleet, HttpTransport, Peer
from services.clock import Clock
from services.evaluation import Evaluator
from services.exposition import Exposition
from services.rules_file import foreign_names, read_rules
from services.universe_files import load_universe
from services.view_store import ViewStore, connect
from streams.topics import ALERTS

log = structlog.get_logger(__name__)


def load_tables(universe_dir: Path, rules_file: Path) -> tuple[Universe, tuple[Rule, ...]]:
    """Return the universe and the rules over it.

    Raises
    ------
    ConfigError
        With every fault of both, and every name in the rules that the universe does not have.
    """
    faults = []
    try:
        universe = load_universe(universe_dir)
    except ConfigError as error:
        faults.append(str(error))
    try:
        rules = read_rules(rules_file)
    except ConfigError as error:
        faults.append(str(error))
    if not faults:
        faults = [str(finding) for finding in foreign_names(rules, universe)]
    if faults:
        raise ConfigError("\n".join(faults))
    return universe, rules.rules


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
    if settings.universe.directory is None:
        raise ConfigError("setting universe.directory: expected a folder")
    universe, rules = load_tables(settings.universe.directory, settings.alerter.rules)
    metrics = AlerterMetrics(universe, settings.alerter.alertmanagers, clock)
    async with AsyncExitStack() as stack:
        redis = connect(settings.redis.url, password=settings.redis.password())
        stack.push_async_callback(redis.aclose)
        session = await stack.enter_async_context(aiohttp.ClientSession())
        topic = settings.kafka.topics_prefix + ALERTS
        audit_log = KafkaAudit(settings.kafka.bootstrap, topic)
        stack.push_async_callback(audit_log.close)
        if settings.alerter.metrics_port:
            exposition = Exposition(
                metrics.registry,
                port=settings.alerter.metrics_port,
                host=settings.alerter.metrics_host,
            )
            stack.callback(exposition.close)
            log.info("metrics", port=exposition.port)
        alerter = Alerter(
            Evaluator(universe, rules),
            store=ViewStore(redis, universe),
            fleet=_fleet(settings.alerter.alertmanagers, session, clock, metrics),
            audit_log=audit_log,
            clock=clock,
            metrics=metrics,
        )
        log.info(
            "alerter_started",
            universe=universe.version,
            rules=len(rules),
            alertmanagers=list(settings.alerter.alertmanagers),
        )
        await alerter.run(stop)
    log.info("alerter_stopped")


def _fleet(
    urls: tuple[str, ...], session: aiohttp.ClientSession, clock: Clock, metrics: AlerterMetrics
) -> Fleet:
    transport = HttpTransport(session)
    return Fleet(
        Peer(
            url,
            transport=transport,
            clock=clock,
            jitter=random.random,
            observer=metrics.observer(),
        )
        for url in urls
    )
