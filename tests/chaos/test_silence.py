"""Silence: of a source, which makes its prices stale, and of symbols, which says nothing."""

import time
from pathlib import Path

from core.sessions import NANOS_PER_SECOND
from services.alerter import BEAT_AGE_NS
from streams.event_times import parse_time
from tests.chaos.conftest import Figure, MakeRun
from tests.support.chaos_alerts import Pager, pager_of
from tests.support.chaos_fleet import Fleet
from tests.support.chaos_market import TOKYO, VENUES, make_market
from tests.support.chaos_script import plain_script

QUIET_SECONDS = 6.0
"""Longer than a heartbeat may be old."""
SEEN_SECONDS = 20.0


class Page:
    """The views that someone sees who looks all the time: when written, which rows are stale."""

    def __init__(self, pager: Pager, symbols: set[str]) -> None:
        self.seen: list[tuple[int, set[str]]] = []
        self._pager = pager
        self._symbols = symbols

    def look(self) -> set[str]:
        """Return which of the symbols are stale now."""
        document = self._pager.document()
        written_ns = parse_time(document["written_at"])
        stale = {row["symbol"] for row in document["rows"] if row["stale"]} & self._symbols
        if not self.seen or self.seen[-1][0] != written_ns:
            self.seen.append((written_ns, stale))
        return stale

    def look_for(self, seconds: float, stale: set[str] | None = None) -> None:
        """Look for some time, or until exactly these are stale."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.look() == stale:
                return
            time.sleep(0.02)
        assert stale is None, f"it was {self.seen[-1]}"


def test_only_a_silent_source_makes_prices_stale_and_it_does_so_in_time(
    *, make_run: MakeRun, seed: int, figure: Figure, tmp_path: Path
) -> None:
    script = plain_script(make_market(tmp_path / "universe", seed=seed, events=20_000))
    run = make_run(script)
    symbols = script.market.universe.symbol
    trading = {name for i, name in enumerate(symbols) if VENUES[i % len(VENUES)] is not TOKYO}
    with Fleet(run.deployment, 1) as fleet, pager_of(run, tmp_path / "alerter") as pager:
        run.start()
        # In the middle of New York's session nothing trades any more, and the sources say so.
        run.hold_at(script.market.marks[-2])
        pages = pager.pages()
        page = Page(pager, trading)
        page.look_for(QUIET_SECONDS)
        assert all(stale == set() for _, stale in page.seen)

        run.feed.mute(is_muted=True)
        page.look_for(SEEN_SECONDS, trading)

        last = [looks[-1].beat_ns for looks in run.watch.looks]
        for written_ns, stale in page.seen:
            if written_ns - BEAT_AGE_NS > max(last):
                assert stale == trading
            elif written_ns - BEAT_AGE_NS <= min(last):
                assert stale == set()
        figure("stale_after_seconds", (page.seen[-1][0] - max(last)) / NANOS_PER_SECOND)
        run.feed.mute(is_muted=False)
        page.look_for(SEEN_SECONDS, set())
        assert pager.pages() == pages
        run.finish()
        assert fleet.ends == []
