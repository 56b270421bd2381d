"""The logs that are read: which ones they are, and how far each was read, handled and saved."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass


@dataclass
class Log:
    """Offsets of one topic's partition.

    Attributes
    ----------
    next : int         offset of the next record to handle
    end : int          first offset that did not exist when the partition was taken over
    reported : int     records below it were handled by an owner before, letters and all
    applied : int      records handled so far, by all owners since the state began
    saved : int        offset of the newest snapshot; 0 where there is none
    is_held : bool     nothing is read until it is clear where to begin
    """

    next: int
    end: int
    reported: int
    applied: int = 0
    saved: int = 0
    is_held: bool = False


@dataclass(frozen=True)
class LogIdentity:
    """Which log an offset belongs to: of another cluster, or made anew, it is another one."""

    cluster: str
    topic: str
    partitions: int


Identify = Callable[[], Awaitable[Mapping[str, LogIdentity]]]
"""Asks Kafka which log each input topic is."""


class LogIdentities:
    """What is known of the logs; ``known`` is by topic, and empty before the first look."""

    def __init__(self, identify: Identify) -> None:
        self.known: dict[str, LogIdentity] = {}
        self._identify = identify

    async def look(self) -> list[str]:
        """Ask Kafka; return the topics whose logs are others than before.

        Raises whatever asking raises.
        """
        found = await self._identify()
        changed = [topic for topic, was in self.known.items() if found.get(topic, was) != was]
        self.known.update(found)
        return changed
