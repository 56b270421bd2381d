"""A sign of life to a dead-man's switch outside, past Alertmanager: one GET every so often.

It is sent only while evaluations are written, so whoever waits for it learns of a dead, blind or
hanging alerter, and of the loss of the whole site. The address is a secret, as whoever knows it
can keep the switch quiet: it comes from a file and is in no log, no metric and no error.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import aiohttp
import structlog

from core.errors import ConfigError
from services.heartbeat import Pulse
from services.loopback import is_loopback
from services.waiting import stopped_within

log = structlog.get_logger(__name__)

ANSWER_SECONDS = 5.0
PingOutcome = Literal["ok", "failed"]


def read_heartbeat_url(file: Path) -> str:
    """Return the address in a file.

    Raises
    ------
    ConfigError
        If the file cannot be read, or holds no https address; http is taken for loopback alone.
    """
    where = f"alerter.heartbeat_url_file {file}"
    try:
        url = file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{where}: expected a text file: {type(error).__name__}") from error
    try:
        parts = urlsplit(url)
        host, scheme = parts.hostname or "", parts.scheme
        is_plain = parts.username is None and not parts.fragment and " " not in url
    except ValueError:
        host, scheme, is_plain = "", "", False
    is_safe = scheme == "https" or (scheme == "http" and is_loopback(host))
    if not (host and is_safe and is_plain):
        # What it was may be a secret with a typing error.
        raise ConfigError(
            f"{where}: expected one https address (http for loopback) without user and fragment"
        )
    return url


class HeartbeatPing:
    """Asks for one address every `every_seconds` while there is a pulse."""

    def __init__(
        self,
        url: str,
        *,
        session: aiohttp.ClientSession,
        pulse: Pulse,
        every_seconds: float,
        report: Callable[[PingOutcome], None],
    ) -> None:
        self._url = url
        self._session = session
        self._pulse = pulse
        self._every_seconds = every_seconds
        self._report = report
        self._outcome: PingOutcome | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Go on until `stop` is set; never raises for what the network does."""
        while not await stopped_within(stop, self._every_seconds):
            await self.ping()

    async def ping(self) -> None:
        """Ask once if there is a pulse; only 2xx is a success, no redirect is followed."""
        if not self._pulse.is_beating:
            return
        why = ""
        try:
            async with self._session.get(
                self._url,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS),
            ) as response:
                if response.status // 100 != 2:  # noqa: PLR2004  any success
                    why = f"status {response.status}"
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            # Their words may quote the address.
            why = type(error).__name__
        outcome: PingOutcome = "failed" if why else "ok"
        self._report(outcome)
        if outcome != self._outcome:
            tell = log.error if why else log.info
            tell("heartbeat_ping", outcome=outcome, why=why)
        self._outcome = outcome
