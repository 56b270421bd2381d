"""The alerter beside a run: what it says of itself, and whether it paged anybody."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from streams.topics import ALERTS
from tests.support.chaos_run import ChaosRun
from tests.support.service_processes import START_SECONDS, Document, ServiceProcesses
from tests.support.waiting import eventually

RULES = """\
version: 1
rules:
  - name: move
    measure: underlying_return
    scope: symbol
    levels:
      watch: {raise: 0.005, clear: 0.004}
      warning: {raise: 0.01, clear: 0.008}
"""
"""Crossed by nearly every reference at some time of its day, both ways."""
PAGES = ("firing", "resolved")
EVALUATIONS = 15
"""More than a second of them: what is not told by then is not told."""
_ALERTER = "alerter"


class Pager:
    """The alerter of a run."""

    def __init__(self, service: ServiceProcesses) -> None:
        self._service = service

    def pages(self) -> list[tuple[str, ...]]:
        """Return every change that was told, once what is there now was judged many times."""
        self.until_sees_all()
        done = self._judged()
        eventually(lambda: self._judged() >= done + EVALUATIONS, seconds=START_SECONDS)
        # Kafka has a change when it was told, or later where it was slow.
        eventually(self._is_audited, seconds=START_SECONDS)
        return [
            (event["change"], *event["key"].values())
            for event in self._service.events(ALERTS)
            if event["change"] in PAGES
        ]

    def document(self) -> Document:
        """Return the view as it is published now."""
        document = self._service.document()
        assert document is not None
        return document

    def stale(self) -> set[str]:
        """Return the symbols whose rows are stale in the view."""
        return {row["symbol"] for row in self.document()["rows"] if row["stale"]}

    def is_blind(self) -> bool:
        """Say whether it says that it can judge nothing."""
        return self._metric("forcedflow_blind") == 1

    def unknown_partitions(self) -> int:
        """Return how many partitions it says it knows nothing of."""
        return int(self._metric("forcedflow_partitions_unknown"))

    def shows_prices(self, **labels: str) -> bool:
        """Say whether any price, or that of one symbol, is on its page of metrics."""
        return self._metric("forcedflow_price", **labels) > 0

    def sees_all(self) -> bool:
        """Say whether it judges, and knows all partitions."""
        return not self.is_blind() and self._service.is_judged()

    def until_sees_all(self) -> None:
        """Wait until it judges, and knows all partitions."""
        eventually(self.sees_all, seconds=START_SECONDS)

    def _is_audited(self) -> bool:
        ledger = self._service.ledger()
        return ledger is not None and not ledger["outbox"]

    def _judged(self) -> float:
        return self._metric("forcedflow_evaluations_total", outcome="judged")

    def _metric(self, name: str, **labels: str) -> float:
        return self._service.metric(_ALERTER, name, **labels)


@contextmanager
def pager_of(run: ChaosRun, directory: Path) -> Iterator[Pager]:
    """Run an alerter beside a run whose workers serve."""
    directory.mkdir(exist_ok=True)
    rules = directory / "rules.yaml"
    rules.write_text(RULES)
    deployment = run.deployment
    with ServiceProcesses(
        directory,
        bootstrap=deployment.bootstrap,
        redis_url=run.redis_url,
        universe=run.script.market.directory,
        prefix=deployment.prefix,
    ) as service:
        service.alerter(rules)
        service.until_judged()
        yield Pager(service)
