"""A clock that stands still until a test moves it."""

NANOS_PER_SECOND = 1_000_000_000


class ManualClock:
    """Both clocks of `services.clock.Clock`, moved together by `advance`."""

    def __init__(self, start_ns: int) -> None:
        self._now_ns = start_ns
        self._monotonic_ns = 0

    def now_ns(self) -> int:
        """Return the host time set, ns UTC."""
        return self._now_ns

    def monotonic(self) -> float:
        """Return the seconds advanced since the start."""
        return self._monotonic_ns / NANOS_PER_SECOND

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass on both clocks."""
        step_ns = round(seconds * NANOS_PER_SECOND)
        self._now_ns += step_ns
        self._monotonic_ns += step_ns

    def set_host(self, now_ns: int) -> None:
        """Set host time alone, as an operator or NTP would."""
        self._now_ns = now_ns
