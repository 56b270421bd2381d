"""Trading sessions as precomputed tables: which session a time belongs to, and its deadlines."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Int64s = npt.NDArray[np.int64]

NO_TIME = -(2**62)
"""An event time before every other: nothing has been seen."""
NEVER_NS = 2**62
"""An event time after every other: it will not happen."""
NO_SESSION = -(2**31)
"""A session label before every other: no session."""
NANOS_PER_SECOND = 1_000_000_000
OFFICIAL_CLOSE_GRACE_NS = 30 * 60 * NANOS_PER_SECOND
"""How long after the close an official close is still taken (the public contract's figure)."""


@dataclass(frozen=True, eq=False)
class SessionTable:
    """The sessions of one schedule (venue, calendar, strike), in ascending order.

    Attributes
    ----------
    name : str              the schedule's key, for messages: "XNYS", "24/7@16:00 America/New_York"
    zone : str              IANA time zone in which its rows are shown
    label : int64[n]        local date of each session, days since 1970, strictly ascending
    open_ns : int64[n]      first instant of the session, inclusive
    close_ns : int64[n]     the close or strike, inclusive
    cutoff_ns : int64[n]    last instant at which an order for the close can be entered
    """

    name: str
    zone: str
    label: Int64s
    open_ns: Int64s
    close_ns: Int64s
    cutoff_ns: Int64s

    def position_at(self, time_ns: int) -> int:
        """Return the position of the session a time falls in, else of the last one before it.

        A time at a strike that both closes one session and opens the next belongs to the one it
        closes. Before the first session the answer is -1.
        """
        position = int(np.searchsorted(self.close_ns, time_ns, side="left"))
        is_inside = position < len(self.open_ns) and self.open_ns[position] <= time_ns
        return position if is_inside else position - 1

    def label_at(self, time_ns: int) -> int:
        """Return the label at `position_at`, ``NO_SESSION`` before the first session."""
        position = self.position_at(time_ns)
        return int(self.label[position]) if position >= 0 else NO_SESSION

    def positions_within(self, time_ns: Int64s, grace_ns: int) -> Int64s:
        """Return the position of the session that takes each time, or -1.

        A session takes times from its open until `grace_ns` after its close, both included.
        """
        position = np.searchsorted(self.close_ns + grace_ns, time_ns, side="left")
        inside = np.minimum(position, len(self.open_ns) - 1)
        taken = (position < len(self.open_ns)) & (self.open_ns[inside] <= time_ns)
        return np.where(taken, position, -1)
