"""The simulated rout from the gateway to the pager, against an oracle that shares no code.

The dashboards look at the same afternoon: no Grafana server is at hand, but what it would ask
Prometheus can be asked.
"""

from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from deploy.grafana.dealers import MEASURES
from services.run import Document, Play, RunningService, running
from services.scenario import DEFAULT_DAY, DEFAULT_SEED
from streams.event_times import parse_time
from tests.support import naive_alerts as naive
from tests.support.alertmanager_server import AlertmanagerServer
from tests.support.dashboards import annotation_queries, panel_queries
from tests.support.panel_watch import RULES, PanelWatch, targets_of
from tests.support.prometheus_server import PrometheusServer
from tests.support.waiting import eventually
from tests.support.webhook_recorder import Notice, WebhookRecorder

pytestmark = [pytest.mark.debian("prometheus"), pytest.mark.debian("prometheus-alertmanager")]

START = "2026-06-23T14:00:00-04:00"
CLOSE = "2026-06-23T16:00:00-04:00"
SPEED = 240.0
EVALUATIONS_A_SECOND = 10
MISSED_EVALUATIONS = 40
"""How many in a row a busy machine may cost the alerter: four seconds."""
SLACK_NS = round(MISSED_EVALUATIONS / EVALUATIONS_A_SECOND * SPEED * naive.SECOND_NS)
PLAY_SECONDS = 120.0
EMPTY_FOR_A_REASON = {
    **dict.fromkeys(
        (f"{what} {each}" for what in ("Δ", "z", "z Δ") for each, *_ in MEASURES),
        "it needs the results of sessions before",
    ),
    "Service alerts": "nothing is wrong with the service",
    "Rules of the game": "none began on the day of the test",
}
LABELS = {"alertname", "severity", "family", "side", "scope", "symbol"}

Key = tuple[str, str, str]
"""Severity, side and symbol: the scenario has one rule of scope symbol."""


@dataclass(frozen=True)
class Oracle:
    """What the files of a market say of its alerts of scope symbol.

    They say it in market time at each event and each second; an alerter that joins in the
    afternoon and looks only now and then cannot miss what is above its bound for long.
    """

    market: Path

    def live(self, after_ns: int) -> set[Key]:
        """Return the alerts that fire at some time after `after_ns`."""
        episodes = naive.expected_alerts(
            self.market / "universe",
            self.market / "prices.jsonl",
            flows=self.market / "etf-flows.jsonl",
            rules=self.market / "rules.yaml",
            day=DEFAULT_DAY,
        )
        return {
            (row["severity"], row["side"], row["symbol"])
            for row in episodes
            if parse_time(row["resolves_at"]) > after_ns
        }

    def certain(self, after_ns: int) -> set[Key]:
        """Return the alerts that nobody can miss who looks from `after_ns` on."""
        [rule] = [rule for rule in self._rules() if rule["scope"] == "symbol"]
        found = set()
        for symbol, looks in self._looks(rule, after_ns):
            for severity, level in rule["levels"].items():
                needed_ns = naive.nanos(level.get("for", "0s")) + SLACK_NS
                for side, sign in (("buy", 1.0), ("sell", -1.0)):
                    above = [(at, sign * value >= level["raise"]) for at, value in looks]
                    if longest_ns(above) > needed_ns:
                        found.add((severity, side, symbol))
        return found

    def _rules(self) -> list[Document]:
        rules: list[Document] = yaml.safe_load((self.market / "rules.yaml").read_text())["rules"]
        return rules

    def _looks(
        self, rule: Document, after_ns: int
    ) -> Iterator[tuple[str, list[tuple[int, float]]]]:
        universe = self.market / "universe"
        references = naive.read_references(universe, DEFAULT_DAY)
        funds = naive.read_funds(universe, DEFAULT_DAY)
        events = naive.read_events(
            universe,
            self.market / "prices.jsonl",
            self.market / "etf-flows.jsonl",
            references=references,
            funds=funds,
            day=DEFAULT_DAY,
        )
        assert set(rule["active"]) == {"after_open", "before_close"}
        for symbol, reference in references.items():
            own = [fund for fund in funds.values() if fund.reference == symbol]
            looks = naive.looks(rule["measure"], reference, own, events[symbol], after_ns)
            yield symbol, [(at, value) for at, value, _ in looks]


def longest_ns(above: list[tuple[int, bool]]) -> int:
    """Return the longest time without a look that is not above."""
    longest = 0
    since: int | None = None
    for at, is_above in above:
        if not is_above:
            since = None
        elif since is None:
            since = at
        else:
            longest = max(longest, at - since)
    return longest


def market_ns(document: Document) -> int:
    return max(parse_time(row["event_time"]) for row in document["rows"] if row["event_time"])


def first_document(service: RunningService) -> Document:
    """Return a view by which the alerter judges everything."""
    seen: list[Document] = []

    def is_there() -> bool:
        document = service.document()
        if document is not None and not document["unknown_partitions"]:
            seen.append(document)
        return bool(seen)

    eventually(is_there, seconds=30)
    return seen[0]


def by_alert(notices: list[Notice]) -> dict[frozenset[tuple[str, str]], list[Notice]]:
    """Return what the pager heard of each alert, oldest first."""
    found: dict[frozenset[tuple[str, str]], list[Notice]] = {}
    for notice in notices:
        found.setdefault(frozenset(notice.labels.items()), []).append(notice)
    return found


def is_quiet(pager: WebhookRecorder, server: AlertmanagerServer) -> bool:
    """Say whether nothing fires any more and the pager knows it."""
    said = by_alert(list(pager.notices)).values()
    return not server.alerts() and all(each[-1].status == "resolved" for each in said)


def assert_each_page_came_once(notices: list[Notice]) -> None:
    for said in by_alert(notices).values():
        fired, resolved = said[::2], said[1::2]
        assert [notice.status for notice in fired] == ["firing"] * len(fired)
        assert [notice.status for notice in resolved] == ["resolved"] * len(fired)
        starts = [notice.starts_at for notice in fired]
        assert starts == [notice.starts_at for notice in resolved]
        assert len(set(starts)) == len(starts)


@dataclass(frozen=True)
class Afternoon:
    """The service while it plays, whom it tells, and who looks on."""

    play: Play
    service: RunningService
    began_ns: int
    pager: WebhookRecorder
    server: AlertmanagerServer
    panels: PanelWatch


@pytest.fixture(scope="module")
def afternoon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Afternoon]:
    folder = tmp_path_factory.mktemp("afternoon")
    with ExitStack() as stack:
        pager = stack.enter_context(WebhookRecorder())
        server = stack.enter_context(AlertmanagerServer(folder / "alertmanager", pager.url))
        play = Play(
            folder / "run",
            parse_time(START),
            speed=SPEED,
            seed=DEFAULT_SEED,
            alertmanagers=(server.url,),
        )
        service = stack.enter_context(running(play, tell=lambda _: None))
        targets = targets_of(service._children, alertmanager=server.port)
        prometheus = stack.enter_context(
            PrometheusServer(folder / "prometheus", targets, rules=RULES)
        )
        began_ns = market_ns(first_document(service))
        yield Afternoon(play, service, began_ns, pager, server, PanelWatch(prometheus))


@pytest.mark.timeout(300)
def test_no_panel_is_empty_slow_or_out_of_numbers(afternoon: Afternoon) -> None:
    panels = afternoon.panels
    eventually(panels.find_focus)
    queries = [*panel_queries(), *annotation_queries()]
    assert len(queries) > 100
    empty = [query for query in queries if query.name not in EMPTY_FOR_A_REASON]

    def all_are_there() -> bool:
        empty[:] = [query for query in empty if not panels.ask(query)]
        return not empty

    with suppress(AssertionError):
        eventually(all_are_there, seconds=25)
    assert [str(query) for query in empty] == []
    assert panels.faults(queries, longest_seconds=1.0) == []


@pytest.mark.timeout(300)
def test_the_afternoon_pages_what_the_files_say(afternoon: Afternoon) -> None:
    pager, service = afternoon.pager, afternoon.service

    def has_closed() -> bool:
        service.check()
        document = service.document()
        return document is not None and market_ns(document) > parse_time(CLOSE)

    eventually(has_closed, seconds=PLAY_SECONDS)
    eventually(lambda: is_quiet(pager, afternoon.server))

    assert all(set(notice.labels) == LABELS for notice in pager.notices)
    assert_each_page_came_once(pager.notices)
    paged = {
        (notice.labels["severity"], notice.labels["side"], notice.labels["symbol"])
        for notice in pager.notices
        if notice.labels["scope"] == "symbol"
    }
    oracle = Oracle(afternoon.play.market)
    certain = oracle.certain(afternoon.began_ns)
    assert len(certain) >= 8
    assert certain <= paged
    assert paged <= oracle.live(afternoon.play.start_ns)
