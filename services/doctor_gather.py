"""Asking many parts at once, and ending in time whatever they do."""

import copy
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from core.errors import FlowError
from services.clock import Clock


@dataclass(kw_only=True)
class Facts:
    """What one part told; whoever fills it in assigns whole values, never parts of one.

    Attributes
    ----------
    asking : str    what it is asked at the moment, for a part that never answers
    fault : str     why the rest is not known; "" where all is
    """

    asking: str = "connecting"
    fault: str = ""


Told = TypeVar("Told", bound=Facts)


class Question(Generic[Told]):
    """One part to ask: `look` fills in facts as it goes, in a thread that may be left behind."""

    def __init__(self, facts: Told, look: Callable[[Told], None]) -> None:
        self._facts = facts
        self._look = look
        # A daemon: a part that never answers must not hold the process at its end.
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin to ask."""
        self._thread.start()

    def wait(self, seconds: float) -> None:
        """Wait for the end, not longer than that."""
        self._thread.join(max(seconds, 0.0))

    def told(self) -> Told:
        """Return what is known now."""
        is_over = not self._thread.is_alive()
        # The thread may still write to the original.
        known = copy.copy(self._facts)
        if not is_over:
            known.fault = f"no answer in time while {known.asking}"
        return known

    def _run(self) -> None:
        try:
            self._look(self._facts)
        except FlowError as error:
            self._facts.fault = str(error)
        except Exception as error:  # noqa: BLE001 (a check that fails is told, never a trace)
            self._facts.fault = f"looking failed while {self._facts.asking}: {error!r}"


def ask_all(questions: Sequence[Question[Any]], *, seconds: float, clock: Clock) -> None:
    """Ask all at once; return when all have answered, after `seconds` at the latest."""
    deadline = clock.monotonic() + seconds
    for question in questions:
        question.start()
    for question in questions:
        question.wait(deadline - clock.monotonic())
