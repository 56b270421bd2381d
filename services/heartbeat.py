"""The alerter's heartbeat: an alert that always fires, so that its absence tells of a dead alerter.

Alertmanager hands it on to a dead-man's switch outside, which pages when it stays away. It is in
every push of an active alerter that evaluates and sees, and in nothing else: not in the ledger,
not in the audit. Its end is near, so it is gone half a minute after the last push that had it.
"""

from core.alerts import AlertKey
from core.sessions import NANOS_PER_SECOND
from services.alert_messages import PostableAlert, host_time_text
from services.clock import Clock

HEARTBEAT_KEY = AlertKey("ForcedFlowHeartbeat", "none", "heartbeat", "none", "service", "alerter")
HEARTBEAT_NS = 30 * NANOS_PER_SECOND
"""How long it outlives its last push: five more may be missed."""
PULSE_SECONDS = 5.0
"""An alerter whose last evaluation was written longer ago has no pulse."""
_TEXTS = {
    "summary": "The alerter evaluates and sees: nothing to do while this fires",
    "description": (
        "This alert always fires while the active alerter writes its evaluations. Whoever receives"
        " it should page when it stays away: then nobody is watching forced flow."
    ),
}


class Pulse:
    """Whether evaluations are written now, for whoever tells the outside that they are."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._beat_at: float | None = None

    def beat(self) -> None:
        """Note that an evaluation has just been written."""
        self._beat_at = self._clock.monotonic()

    def stop(self) -> None:
        """Note that no evaluation will be written: blind, or another's turn."""
        self._beat_at = None

    @property
    def is_beating(self) -> bool:
        """Whether an evaluation was written within the last ``PULSE_SECONDS``."""
        beat_at = self._beat_at
        return beat_at is not None and self._clock.monotonic() - beat_at <= PULSE_SECONDS


def heartbeat_alert(*, starts_ns: int, now_ns: int) -> PostableAlert:
    """Return the alert as it is pushed now; `starts_ns` is the same for a whole term."""
    return PostableAlert(
        labels=HEARTBEAT_KEY._asdict(),
        annotations=_TEXTS,
        # The host's clock may have been set back; Alertmanager refuses an end before the start.
        starts_at=host_time_text(min(starts_ns, now_ns)),
        ends_at=host_time_text(now_ns + HEARTBEAT_NS),
    )
