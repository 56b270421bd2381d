"""Which alerts of a refused batch are to blame, found by halving it.

Alertmanager answers 400 where one alert of a batch is bad, having taken the others; some faults
cost the whole batch (400 or 422). And who answers may be no Alertmanager at all, or want another
scheme: whoever refuses the empty batch too refuses the sender, not an alert.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from services.alert_messages import PostableAlert
from services.alertmanager_http import Answer

Alerts = Sequence[PostableAlert]


@dataclass(frozen=True)
class Isolation:
    """The answer that decides, and the alerts refused by themselves with what was said of each."""

    answer: Answer
    refused: tuple[tuple[PostableAlert, str], ...] = ()


async def isolate(
    alerts: Alerts,
    *,
    post: Callable[[Alerts], Awaitable[Answer]],
    is_refusal: Callable[[Answer], bool],
    is_late: Callable[[], bool],
) -> Isolation:
    """Post parts of a refused batch until every alert was taken, or refused by itself.

    The answer is a success if the rest was taken; else it is the first of another kind.
    """
    answer = await post(())
    waiting, refused = _halves(alerts), []
    while waiting and answer.is_success:
        if is_late():
            answer = Answer(None, "batch grew too old while parts of it were sent", is_timeout=True)
            break
        part = waiting.pop()
        told = await post(part)
        if not is_refusal(told):
            answer = told
        elif len(part) == 1:
            refused.append((part[0], told.body))
        else:
            waiting += _halves(part)
    return Isolation(answer, tuple(refused))


def _halves(alerts: Alerts) -> list[Alerts]:
    """Return two halves, the first last; of a single alert, itself."""
    half = (len(alerts) + 1) // 2
    return [part for part in (alerts[half:], alerts[:half]) if part]
