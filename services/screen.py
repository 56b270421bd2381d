"""The terminal's picture of the view: who must trade what by the close, and the alerts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

LEVELS = ("", "watch", "WARNING", "CRITICAL")
STYLES = ("", "yellow", "bold yellow", "bold red")
ALERT_STYLES = {
    "watch": "yellow",
    "warning": "bold yellow",
    "critical": "bold red",
    "escalated": "bold red",
    "drill": "cyan",
}
UNKNOWN = "–"
HEADERS = (
    "reference",
    "must",
    "by the close",
    "5 % … 95 %",
    "of auction",
    "of ADV",
    "return",
    "P(breach)",
    "to cut-off",
    "to close",
    "level",
)
LEAST_NEEDED = ("5 % … 95 %", "to close", "P(breach)", "return", "of ADV")
"""Columns that a narrow screen does without, the first to go first."""
UNBOUNDED_WIDTH = 10_000
USUAL_AUCTION_SHARE = 0.07
"""A closing auction over ADV, for ranking where the auction is unknown; 0.075 in the US in 2018."""

Entry = dict[str, Any]


def usd(amount: float | None) -> str:
    """Return an amount as a desk reads it, with its sign: "-1.24 bn"."""
    if amount is None:
        return UNKNOWN
    for unit, size in (("bn", 1e9), ("m", 1e6), ("k", 1e3)):
        if abs(amount) >= size:
            return f"{amount / size:+,.{2 if unit == 'bn' else 0}f} {unit}"
    return f"{amount:+,.0f}"


def percent(ratio: float | None, digits: int = 1) -> str:
    """Return a fraction as a percentage, with its sign."""
    return UNKNOWN if ratio is None else f"{100.0 * ratio:+.{digits}f} %"


def minutes(seconds: float | None) -> str:
    """Return what is left of a deadline, in minutes, rounded up; nothing once it has passed."""
    if seconds is None:
        return UNKNOWN
    return "past" if seconds <= 0 else f"{-(-seconds // 60):.0f} min"


def ranked(rows: Sequence[Entry]) -> list[Entry]:
    """Return the rows that owe something, open sessions first, the largest share first."""
    owing = [row for row in rows if row["forced_flow_usd"]]
    return sorted(owing, key=lambda row: (row["seconds_to_close"] == 0, -_size(row)))


def _size(row: Entry) -> float:
    share: float | None = row["auction_ratio"]
    if share is None and row["adv_ratio"] is not None:
        share = row["adv_ratio"] / USUAL_AUCTION_SHARE
    return abs(share or 0.0)


class FlowTable:
    """The largest forced flows, at most `limit` rows, with as many columns as the screen has room.

    A column is there whole or not at all: of a cut figure nobody sees that it is cut.
    """

    def __init__(self, document: Entry, limit: int) -> None:
        self._document = document
        self._limit = limit

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        names = [*HEADERS]
        unbounded = options.update(max_width=UNBOUNDED_WIDTH)
        for first_to_go in LEAST_NEEDED:
            if console.measure(self._table(names), options=unbounded).maximum <= options.max_width:
                break
            names.remove(first_to_go)
        yield self._table(names)

    def _table(self, names: Sequence[str]) -> Table:
        title = Text(_title(self._document))
        table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
        for name in names:
            is_text = name in {"reference", "must"}
            table.add_column(name, justify="left" if is_text else "right", no_wrap=True)
        for row in ranked(self._document["rows"])[: self._limit]:
            level = int(row["level"] or 0)
            style = "dim" if row["stale"] or row["seconds_to_close"] == 0 else STYLES[level]
            cells = dict(zip(HEADERS, _cells(row, level), strict=True))
            table.add_row(*(cells[name] for name in names), style=style)
        return table


def _cells(row: Entry, level: int) -> list[str]:
    flow = row["forced_flow_usd"]
    chance = row["breach_probability"]
    band = f"{usd(row['forced_flow_lower_usd'])} … {usd(row['forced_flow_upper_usd'])}"
    return [
        row["symbol"],
        "BUY" if flow > 0 else "SELL",
        usd(flow),
        band,
        percent(row["auction_ratio"], 0),
        percent(row["adv_ratio"]),
        percent(row["underlying_return"], 2),
        UNKNOWN if chance is None else f"{100 * chance:.0f} %",
        minutes(row["seconds_to_cutoff"]),
        minutes(row["seconds_to_close"]) if row["seconds_to_close"] else "closed",
        "stale" if row["stale"] else LEVELS[level],
    ]


def _title(document: Entry) -> str:
    market = next(entry for entry in document["totals"] if entry["scope"] == "market")
    flow = usd(market["forced_flow_usd"])
    blind = document["unknown_partitions"]
    warning = f" – {len(blind)} partitions unknown" if blind else ""
    clock = market_clock(document)
    return f"Forced flow at the close – market time {clock}{warning} – open venues: {flow}"


def market_clock(document: Entry) -> str:
    """Return the latest market time of any row, as its venue's clock shows it."""
    times = [row["event_time"] for row in document["rows"] if row["event_time"]]
    if not times:
        return UNKNOWN
    latest = max(times, key=datetime.fromisoformat)
    return f"{latest[:10]} {latest[11:19]}{latest[-6:]}"


def alert_line(alert: Entry) -> str:
    """Return one alert as one line: when, how grave, who, and whether it was sent."""
    end = f", {alert['state']} {_clock(alert['resolves_at'])}" if alert["resolves_at"] else ""
    state = "" if alert["state"] in {"firing", "resolved"} else f" ({alert['state']})"
    what = alert["summary"] or f"{alert['side']} {alert['symbol']}"
    return (
        f"{_clock(alert['fires_at'])} {alert['severity'].upper():8} {what}{state}{end}"
        f" [{alert['send_status']}]"
    )


def _clock(time_text: str) -> str:
    # Groups that span zones are shown in UTC, and say so.
    return time_text[11:19] + ("Z" if time_text.endswith("+00:00") else "")


def alert_lines(document: Entry, limit: int) -> list[Text]:
    """Return the newest alerts, newest last."""
    newest = sorted(document["alerts"], key=lambda alert: alert["starts_at"])[-limit:]
    return [
        Text(
            alert_line(alert),
            style="dim" if alert["state"] == "resolved" else ALERT_STYLES[alert["severity"]],
            no_wrap=True,
            overflow="ellipsis",
        )
        for alert in newest
    ]


def picture(document: Entry, height: int) -> RenderableType:
    """Return the whole screen for a terminal of so many lines."""
    n_alerts = max(3, height // 3)
    n_rows = max(5, height - n_alerts - 7)
    lines = alert_lines(document, n_alerts) or [Text("no alerts yet", style="dim")]
    heading = Text(f"Alerts ({len(document['alerts'])})", style="bold")
    return Group(FlowTable(document, n_rows), heading, *lines)


def plain_lines(document: Entry, limit: int) -> list[str]:
    """Return the largest forced flows as plain lines, for a pipe or a log."""
    lines = [_title(document)]
    for row in ranked(document["rows"])[:limit]:
        if row["seconds_to_close"] != 0:
            cells = _cells(row, int(row["level"] or 0))
            lines.append(
                f"  {cells[1]:4} {cells[0]:8} {cells[2]:>10}  auction {cells[4]:>7}"
                f"  ADV {cells[5]:>8}  {cells[8]} to cut-off  {cells[10]}".rstrip()
            )
    return lines
