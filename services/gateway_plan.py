"""What a run of the gateway is to do."""

from dataclasses import dataclass, field
from pathlib import Path

from core.errors import ConfigError
from core.sessions import NANOS_PER_SECOND
from services.event_files import ReadOptions
from services.gateway_events import TopicNames

DEFAULT_LATENESS_NS = NANOS_PER_SECOND // 2


@dataclass(frozen=True)
class GatewayPlan:
    """Files to play, or feeds to relay.

    Attributes
    ----------
    prices, flows, open_interest : tuple[Path, ...]
    options : ReadOptions           how to read them, and lines of the socket
    speed : float | None            event time per host time; None: as fast as it goes
    from_ns : int                   what files hold before is left out: it was sent earlier
    start_at_ns : int               what files hold before is sent at once
    follow : bool                   files grow, and are read as they do
    listen : (host, port) | None    a socket that takes JSON lines
    frame_rows : int                > 0: rows of an Arrow frame
    adds_volumes : bool             volumes are each row's own, not the session's so far
    source : str                    of rows that name none
    lateness_ns : int               how much later than the quickest live event another may come
    """

    prices: tuple[Path, ...] = ()
    flows: tuple[Path, ...] = ()
    open_interest: tuple[Path, ...] = ()
    options: ReadOptions = field(default_factory=ReadOptions)
    speed: float | None = 1.0
    from_ns: int = 0
    start_at_ns: int = 0
    follow: bool = False
    listen: tuple[str, int] | None = None
    frame_rows: int = 0
    adds_volumes: bool = False
    source: str = "gateway"
    lateness_ns: int = DEFAULT_LATENESS_NS
    topics: TopicNames = field(default_factory=TopicNames)

    @property
    def is_live(self) -> bool:
        """Whether there is no end but a signal."""
        return self.follow or self.listen is not None

    def check(self) -> None:
        """Refuse what cannot be meant.

        Raises
        ------
        ConfigError
            Naming the option.
        """
        files = (*self.prices, *self.flows, *self.open_interest)
        if not files and self.listen is None:
            raise ConfigError(
                "expected --prices, --flows, --open-interest or --listen, there was nothing to read"
            )
        if files and self.listen is not None and not self.follow:
            raise ConfigError("--listen: expected --follow with it where there are files too")
        if self.follow and not files:
            raise ConfigError("--follow: expected --prices, --flows or --open-interest with it")
        if self.is_live and (self.speed is None or self.start_at_ns):
            raise ConfigError("--speed max, --start-at: expected files that are not followed")
        if self.from_ns and (self.is_live or self.adds_volumes):
            raise ConfigError(
                "--from: expected files that are not followed, with the session's volume so far"
            )
        for path in files:
            if not path.is_file():
                was = "no file" if path.exists() else "missing"
                raise ConfigError(f"{path}: expected a readable file, was {was}")
