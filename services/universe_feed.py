"""The universe as processes are given it: one folder, or the topic's newest version and all later.

A version is made into tables in the thread that reads it, so that no event loop waits for either.
"""

import asyncio
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import structlog

from core.errors import ConfigError, FlowError
from core.universe import Universe
from services.settings_base import KafkaSection, UniverseSection
from services.universe_files import build_universe, load_universe
from services.universe_records import contents_of
from services.universe_tables import read_contents
from services.universe_topic import UniverseReader
from services.universe_versions import BrokenVersion, Versions, WholeVersion

POLL_SECONDS = 0.2
"""Longest that closing waits for the thread that reads; what comes is taken at once."""
_CHECK_POLLS = 10
"""Idle polls between two looks whether Kafka is there and the topic the same."""
_RETRY_SECONDS = (0.5, 1.0, 2.0, 5.0)
_CLOSE_SECONDS = 2.0

log = structlog.get_logger(__name__)


class UniverseSource(Protocol):
    """Where a process gets its universe from."""

    async def next(self) -> Universe:
        """Return the universe to begin with; later the next newer one, once there is one.

        May be cancelled and called again; what came between two calls is not all returned, only
        the newest.
        """
        ...

    async def close(self) -> None:
        """Let go of what it holds."""
        ...


def universe_source(universe: UniverseSection, kafka: KafkaSection) -> UniverseSource:
    """Return the folder that the settings name, else the feed of the topic."""
    if universe.directory is not None:
        return PinnedUniverse(universe.directory)
    return UniverseFeed(kafka)


class PinnedUniverse:
    """A folder's universe, which stays."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._is_given = False

    async def next(self) -> Universe:
        """Return the folder's universe; a second call never returns.

        Raises
        ------
        UniverseError
            With every fault of the folder.
        """
        if self._is_given:
            await asyncio.Event().wait()
        universe = await asyncio.to_thread(load_universe, self._directory)
        self._is_given = True
        return universe

    async def close(self) -> None:
        """Do nothing."""


class UniverseFeed:
    """The newest whole committed version of the topic ``universe``, and each newer one.

    Every reader of a log comes to the same version: a committed one that is not whole is logged
    and passed over, and the one before it stays in force. With Kafka or the topic away the feed
    waits, says so once in the log, and goes on.
    """

    def __init__(self, kafka: KafkaSection) -> None:
        self._kafka = kafka
        self._newest: Universe | None = None
        self._has_come = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop
        self._is_closing = threading.Event()
        # A daemon: a process that ends is not held by a Kafka that does not answer.
        self._thread = threading.Thread(target=self._run, name="universe-feed", daemon=True)
        self._version = ""
        self._refused: set[tuple[str, int]] = set()
        self._complaint = ""
        """Kind of the error that Kafka gives, empty while it serves."""

    async def next(self) -> Universe:
        """Return the newest version not returned yet; wait for it."""
        if self._thread.ident is None:
            self._loop = asyncio.get_running_loop()
            self._thread.start()
        while self._newest is None:
            await self._has_come.wait()
            self._has_come.clear()
        universe, self._newest = self._newest, None
        return universe

    async def close(self) -> None:
        """End the thread; it is left behind if Kafka holds it for long."""
        self._is_closing.set()
        if self._thread.ident is not None:
            await asyncio.to_thread(self._thread.join, _CLOSE_SECONDS)

    def _run(self) -> None:
        failures = 0
        while not self._is_closing.is_set():
            try:
                with closing(UniverseReader(self._kafka)) as reader:
                    reader.read()
                    failures = 0
                    self._complain(None)
                    self._follow(reader)
            except (FlowError, OSError) as error:
                self._complain(error)
            except Exception as error:
                # Whatever the client stumbled over, the universe in force serves on.
                if self._complain(error):
                    log.exception("universe_feed_failed")
            pause = _RETRY_SECONDS[min(failures, len(_RETRY_SECONDS) - 1)]
            failures += 1
            self._is_closing.wait(pause)

    def _follow(self, reader: UniverseReader) -> None:
        """Judge what has been read, and whatever comes, until closed or Kafka fails."""
        self._judge(reader.versions)
        if not self._version:
            log.warning("universe_awaited", hint="forcedflow universe import DIR brings one")
        idle_polls = 0
        while not self._is_closing.is_set():
            has_come = reader.wait(POLL_SECONDS)
            idle_polls = 0 if has_come else idle_polls + 1
            if idle_polls >= _CHECK_POLLS:
                idle_polls = 0
                has_come = reader.read()
            if has_come:
                self._judge(reader.versions)

    def _judge(self, versions: Versions) -> None:
        """Hand over the newest version that can be used, unless it is the one in force."""
        for found in versions.committed():
            if isinstance(found, WholeVersion) and found.version == self._version:
                return
            universe = self._made(found)
            if universe is not None:
                self._version = universe.version
                self._hand_over(universe)
                return

    def _made(self, found: WholeVersion | BrokenVersion) -> Universe | None:
        if isinstance(found, BrokenVersion):
            self._refuse(found, found.reason)
            return None
        try:
            return universe_of(found)
        except ConfigError as error:
            self._refuse(found, str(error))
        except Exception as error:  # noqa: BLE001 (no version may end the process)
            self._refuse(found, repr(error))
        return None

    def _refuse(self, found: WholeVersion | BrokenVersion, reason: str) -> None:
        if (found.version, found.offset) not in self._refused:
            self._refused.add((found.version, found.offset))
            log.error(
                "universe_refused",
                version=found.version,
                offset=found.offset,
                reason=reason,
                in_force=self._version or None,
            )

    def _hand_over(self, universe: Universe) -> None:
        log.info("universe_loaded", version=universe.version)
        if not self._is_closing.is_set():
            self._loop.call_soon_threadsafe(self._take, universe)

    def _take(self, universe: Universe) -> None:
        self._newest = universe
        self._has_come.set()

    def _complain(self, error: Exception | None) -> bool:
        """Log that Kafka does not serve, or does again; say whether that is news."""
        kind = type(error).__name__ if error else ""
        is_news = kind != self._complaint
        self._complaint = kind
        if is_news and error:
            log.warning("universe_feed_waits", reason=str(error), in_force=self._version or None)
        elif is_news:
            log.info("universe_feed_goes_on")
        return is_news


def universe_of(found: WholeVersion) -> Universe:
    """Return the tables of a version.

    They carry the committed name even where another release, which reads other columns, would
    name the same rows otherwise: all processes that read a commit agree on its version.

    Raises
    ------
    UniverseError
        If this release cannot use the rows.
    """
    universe = build_universe(read_contents(contents_of(found.lines)))
    return replace(universe, version=found.version)


async def first_universe(source: UniverseSource, stop: asyncio.Event) -> Universe | None:
    """Return what a source begins with, None if `stop` is set before that."""
    opening, stopping = asyncio.create_task(source.next()), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait((opening, stopping), return_when=asyncio.FIRST_COMPLETED)
        return opening.result() if opening.done() else None
    finally:
        opening.cancel()
        stopping.cancel()


async def open_universe(universe: UniverseSection, kafka: KafkaSection) -> Universe:
    """Return the universe of the folder or of the topic as it is now, for runs that never switch.

    Raises
    ------
    UniverseError
        If the folder cannot be used.
    """
    source = universe_source(universe, kafka)
    try:
        return await source.next()
    finally:
        await source.close()
