"""Silences in words: a table on a terminal, lines in a pipe, and what follows from one."""

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from core.alerts import AlertKey
from core.sessions import NANOS_PER_SECOND
from services.dead_letter_text import printable
from services.silence_desk import AlertNow, Held
from services.silences import Matcher

OURS = frozenset(AlertKey._fields)
"""Labels of the alerts that the alerter pushes; it tells their ends even after a silence."""
BEATS = frozenset({"Watchdog", "ForcedFlowHeartbeat"})
"""Alerts that fire always; outside a switch pages when they are not heard."""
_HEADERS = ("state", "until (UTC)", "by", "comment", "alerts", "id")
_MOST_NAMED = 10


def moment(time_ns: int) -> str:
    """Return a host time as `utc_text` does."""
    return utc_text(datetime.fromtimestamp(time_ns // NANOS_PER_SECOND, UTC))


def subject(labels: Mapping[str, str]) -> str:
    """Return an alert as its labels name it: 'ForcedFlowCritical family=forced-flow side=sell'."""
    rest = (f"{name}={value}" for name, value in sorted(labels.items()) if name != "alertname")
    return printable(" ".join([labels.get("alertname", "?"), *rest]))


def conditions(matchers: Iterable[Matcher]) -> str:
    """Return matchers as they may be given again, in quotes where a shell needs them."""
    return printable(" ".join(shlex.quote(_condition(each)) for each in matchers))


def _condition(matcher: Matcher) -> str:
    operator = {
        (True, False): "=",
        (False, False): "!=",
        (True, True): "=~",
        (False, True): "!~",
    }[matcher.is_equal, matcher.is_regex]
    return f"{matcher.name}{operator}{matcher.value}"


def consequences(alerts: Sequence[AlertNow]) -> Iterator[str]:
    """Yield what a silence that covers these alerts, which fire now, brings with it."""
    if len(alerts) != 1:
        yield f"silences {_count(len(alerts), 'alert')} that fire now"
        yield from (f"  {subject(alert.labels)}" for alert in alerts[:_MOST_NAMED])
    else:
        yield f"silences {subject(alerts[0].labels)}"
    if len(alerts) > _MOST_NAMED:
        yield f"  and {len(alerts) - _MOST_NAMED} more"
    names = {alert.labels.get("alertname", "") for alert in alerts}
    if beats := sorted(names & BEATS):
        yield f"note: {' and '.join(beats)} must be heard: the switch that waits for it will page"
    others = sorted(
        {alert.labels.get("alertname", "") for alert in alerts if alert.labels.keys() != OURS}
        - BEATS
    )
    if others:
        yield (
            f"note: of {', '.join(map(printable, others))} nobody tells the end if it comes under "
            "this silence: close the incident by hand, or expire the silence before"
        )


def json_line(held: Held) -> str:
    """Return a silence as one JSON object, with the addresses of those that have it."""
    fields = msgspec.to_builtins(held.silence)
    return msgspec.json.encode(fields | {"alertmanagers": held.urls}).decode()


def tab_separated(held: Held) -> str:
    """Return a silence as one line: state, id, start, end, author, comment, alerts, where."""
    silence = held.silence
    cells = (
        silence.status.state,
        silence.id,
        utc_text(silence.starts_at),
        utc_text(silence.ends_at),
        silence.created_by,
        silence.comment,
        conditions(silence.matchers),
        " ".join(held.urls),
    )
    return "\t".join(printable(cell) for cell in cells)


def show_table(console: Console, found: Iterable[Held]) -> None:
    """Print silences as a table; an id is there to be copied and is never cut."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in _HEADERS:
        table.add_column(name, overflow="fold", no_wrap=name in {"state", "until (UTC)", "id"})
    for held in found:
        silence = held.silence
        cells = (
            silence.status.state,
            utc_text(silence.ends_at),
            silence.created_by,
            silence.comment,
            conditions(silence.matchers),
            silence.id,
        )
        table.add_row(*(Text(printable(cell)) for cell in cells))
    console.print(table)


def utc_text(time: datetime) -> str:
    """Return a time to the second, in UTC: "2026-06-23 19:18:03Z"."""
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%SZ}"


def _count(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"
