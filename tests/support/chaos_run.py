"""One replay through the real servers, with something breaking meanwhile."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import redis

from tests.support.chaos_feed import Feed
from tests.support.chaos_oracle import Expected, expected_at
from tests.support.chaos_script import Script
from tests.support.chaos_watch import Seen, Watch, snapshot_counts
from tests.support.chaos_windows import Place, windows_of
from tests.support.running_worker import Deployment
from tests.support.waiting import eventually

RATE = 20_000.0
"""Events a second."""
SETTLE_SECONDS = 90.0
"""Longest wait at a mark for what was broken to be whole again."""
SAVE_SECONDS = 30.0
"""Longest wait for the snapshots of what was applied."""


class ChaosRun:
    """A deployment, the feed of a script into it, and a watch on its Redis.

    ``play_to`` and ``finish`` let the feed go on; each mark on the way is compared with the
    oracle before the feed is released.
    """

    def __init__(
        self,
        script: Script,
        *,
        bootstrap: str,
        redis_url: str,
        directory: Path,
        prefix: str,
        rate: float = RATE,
    ) -> None:
        self.script = script
        self.redis_url = redis_url
        self.rate = rate
        self.expected: dict[int, Expected] = {
            mark_ns: expected_at(script, mark_ns) for mark_ns in script.market.marks
        }
        self.deployment = Deployment(
            bootstrap=bootstrap,
            redis_url=redis_url,
            universe=script.market.directory,
            directory=directory,
            prefix=prefix,
        )
        # Clients that a dying broker would make leak are made when they are needed.
        self.deployment.disconnect()
        # What comes late may change a price that was already said to be all there.
        shown = {} if script.lateness_ns else self.expected
        self.watch = Watch(redis_url, script.market.universe, expected=shown)
        self.feed = Feed(bootstrap, prefix, windows_of(script, rate=rate))
        self.compared: set[int] = set()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()
        self.deployment.redis.close()

    def start(self) -> None:
        """Begin to watch and to feed."""
        self._stack.enter_context(self.watch)
        self._stack.enter_context(self.feed)

    def end_feed(self) -> None:
        """End the feed at the mark it holds at, clients and all."""
        self.feed.end_at_mark()

    def feed_anew(self) -> None:
        """Go on where the feed was ended, with clients that know nothing."""
        remaining = self.feed.windows[self.feed.done + 1 :]
        self.feed = Feed(self.deployment.bootstrap, self.deployment.prefix, remaining)
        self._stack.enter_context(self.feed)

    def play_to(self, share: float) -> None:
        """Let the feed go on until this share of it was sent."""
        self._play(lambda: self.feed.share >= share)

    def hold_at(self, mark_ns: int) -> None:
        """Let the feed go on to a mark, compare, and leave it there."""
        self._play(lambda: self.feed.mark_ns == mark_ns)
        self.compare(mark_ns)

    def play_until(self, has_come: Callable[[], bool]) -> None:
        """Let the feed go on until something is so, if need be with events sent again."""
        self.feed.lingers = True
        self._play(has_come)
        self.feed.lingers = False

    def finish(self, *, counts: bool = True) -> None:
        """Let the feed go on to its end, and hold all that was seen to what is due.

        ``counts``: each record counts once in the snapshots, from the log's first on.
        """
        self._play(lambda: False)
        assert self.feed.share == 1.0
        assert self.compared == set(self.script.market.marks), self.compared
        assert not self.watch.faults, "\n".join(self.watch.faults[:5])
        if counts:
            self.compare_counts()

    def compare_counts(self) -> None:
        """Wait until snapshots say that all records were applied, each once."""
        due = {place: (count, count) for place, count in self.feed.sent.items()}
        wrong: dict[Place, tuple[int, int] | None] = {}

        def agree() -> bool:
            found = snapshot_counts(self.deployment.redis)
            wrong.clear()
            wrong.update({each: found.get(each) for each in due if found.get(each) != due[each]})
            return not wrong

        try:
            eventually(agree, seconds=SAVE_SECONDS)
        except AssertionError as error:
            each, found = next(iter(wrong.items()))
            raise AssertionError(f"{each}: {found} of {due[each]} were applied") from error

    def achieved_rate(self) -> float:
        """Return the events a second that were sent while the feed played."""
        return self.feed.events / self.feed.playing_seconds

    def _play(self, has_come: Callable[[], bool]) -> None:
        while not has_come() and not self.feed.has_ended:
            mark_ns = self.feed.mark_ns
            if mark_ns is None or (self.feed.lingers and mark_ns == self.script.market.marks[-1]):
                time.sleep(0.005)
            else:
                self.compare(mark_ns)
                self.feed.release()
        if self.feed.error is not None:
            raise self.feed.error

    def compare(self, mark_ns: int, *, seconds: float = SETTLE_SECONDS) -> None:
        """Wait until every partition shows at a mark what the oracle does."""
        found = "nothing was seen"

        def agrees() -> bool:
            nonlocal found
            found = self.difference(mark_ns)
            return not found

        try:
            eventually(agrees, seconds=seconds)
        except AssertionError as error:
            raise AssertionError(f"at mark {mark_ns}: {found}") from error
        self.compared.add(mark_ns)

    def difference(self, mark_ns: int) -> str:
        """Return "" if every partition shows at a mark what the oracle does, else what not."""
        try:
            partials = self.watch.seen()
        except (redis.RedisError, OSError) as error:
            return f"Redis: {error!r}"
        for partition, seen in enumerate(partials):
            shown = self._difference(seen, mark_ns)
            if shown:
                return f"partition {partition}: {shown}"
        return ""

    def _difference(self, seen: Seen | None, mark_ns: int) -> str:
        if seen is None:
            return "has no partial"
        if not seen.is_fresh:
            return f"is {seen.age_seconds:.1f} s old"
        return self.expected[mark_ns].difference(seen.partial)
