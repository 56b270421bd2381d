"""The rules that are judged by, and how a changed file takes their place.

The file's content is looked at each second, off the event loop. A new content counts once it was
seen twice, so that a file half-way through being written does not; it is then checked whole, as at
the start, and either takes the place of the rules in force or leaves them as they are.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import structlog

from core.errors import ConfigError
from core.thresholds import Rule
from services.rules_file import RulesFile, digest_of, parse_rules
from services.waiting import stopped_within

log = structlog.get_logger(__name__)

LOOK_SECONDS = 1.0


class RulesInForce:
    """What an alerter judges by now.

    Attributes
    ----------
    rules : tuple[Rule, ...]
    digest : str                short hash of the file they come from, in every page
    """

    def __init__(self, rules: tuple[Rule, ...], digest: str) -> None:
        self.rules = rules
        self.digest = digest

    def take(self, rules: tuple[Rule, ...], digest: str) -> None:
        """Judge by these from the next evaluation on."""
        self.rules, self.digest = rules, digest


class RulesObserver(Protocol):
    """Where it is told what became of the file."""

    def rules_loaded(self, digest: str) -> None:
        """Note that rules of this hash are in force since now."""
        ...

    def rules_refused(self) -> None:
        """Count a new content of the file that cannot be used."""
        ...

    def rules_kept(self) -> None:
        """Note that the file says again what is in force."""
        ...


class RulesWatch:
    """Follows one file for the life of the process.

    Parameters
    ----------
    file : RulesFile                            as it was read at the start
    check : Callable[[RulesFile], None]         raises `ConfigError` where rules cannot be used
    """

    def __init__(
        self, file: RulesFile, *, check: Callable[[RulesFile], None], observer: RulesObserver
    ) -> None:
        self.file = file
        self.in_force = RulesInForce(file.rules, file.digest)
        self._path = Path(file.source)
        self._check = check
        self._observer = observer
        self._judged = self._seen = file.digest
        observer.rules_loaded(file.digest)

    async def follow(self, stop: asyncio.Event) -> None:
        """Look at the file each second until `stop` is set; never raises."""
        while not await stopped_within(stop, LOOK_SECONDS):
            await self.look()

    async def look(self) -> None:
        """Look once; never raises."""
        try:
            content: bytes | None = await asyncio.to_thread(self._path.read_bytes)
            digest = digest_of(content or b"")
        except OSError as error:
            content, digest = None, f"{type(error).__name__}: {error.strerror}"
        is_settled = digest == self._seen
        self._seen = digest
        if not is_settled or digest == self._judged:
            return
        self._judged = digest
        try:
            await self._use(content, digest)
        except Exception as error:
            is_expected = isinstance(error, ConfigError)
            log.error(  # noqa: TRY400  what is wrong with a file is no trace
                "rules_refused",
                file=str(self._path),
                error=str(error),
                in_force=self.in_force.digest,
                exc_info=None if is_expected else error,
            )
            self._observer.rules_refused()

    async def _use(self, content: bytes | None, digest: str) -> None:
        if content is None:
            raise ConfigError(f"{self._path}: expected a file that can be read, it was {digest}")
        if digest == self.in_force.digest:
            self._observer.rules_kept()
            return
        file = await asyncio.to_thread(parse_rules, content, str(self._path))
        self._check(file)
        log.info("rules_switched", before=self.in_force.digest, now=digest, rules=len(file.rules))
        self.file = file
        self.in_force.take(file.rules, digest)
        self._observer.rules_loaded(digest)
