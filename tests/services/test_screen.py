"""The terminal's picture: what it says of a view, and in which order."""

from typing import Any

import pytest
from rich.console import Console

from services.screen import alert_line, minutes, percent, picture, plain_lines, ranked, usd

Entry = dict[str, Any]


def row(symbol: str, flow: float | None, **changes: object) -> Entry:
    cells: Entry = {
        "symbol": symbol,
        "event_time": "2026-06-23T15:10:00-04:00",
        "session": "2026-06-23",
        "seconds_to_close": 3000,
        "seconds_to_cutoff": 2400,
        "underlying_return": -0.0731,
        "forced_flow_usd": flow,
        "forced_flow_lower_usd": None if flow is None else flow - 1e9,
        "forced_flow_upper_usd": None if flow is None else flow + 1e9,
        "breach_probability": 0.93,
        "adv_ratio": None if flow is None else flow / 5e10,
        "auction_ratio": None if flow is None else flow / 4e9,
        "level": 2,
        "stale": False,
    }
    return cells | changes


def alert(**changes: object) -> Entry:
    cells: Entry = {
        "alertname": "ForcedFlowWarning",
        "severity": "warning",
        "side": "sell",
        "symbol": "SOXX",
        "state": "firing",
        "fires_at": "2026-06-23T14:14:32.954-04:00",
        "resolves_at": None,
        "starts_at": "2026-11-22T05:00:00Z",
        "send_status": "not sent",
        "summary": "SELL SOXX -5.20 bn",
    }
    return cells | changes


def document(rows: list[Entry], alerts: list[Entry]) -> Entry:
    market = {"scope": "market", "symbol": "market", "forced_flow_usd": -6.5e9}
    return {"rows": rows, "alerts": alerts, "totals": [market], "unknown_partitions": []}


def rendered(entry: Entry, height: int = 40, width: int = 160) -> str:
    console = Console(width=width, height=height, color_system=None)
    with console.capture() as capture:
        console.print(picture(entry, height))
    return capture.get()


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (-5.2e9, "-5.20 bn"),
        (1.25e8, "+125 m"),
        (-4_000.0, "-4 k"),
        (12.0, "+12"),
        (0.0, "+0"),
        (None, "–"),
    ],
)
def test_amounts_are_short_and_signed(amount: float | None, text: str) -> None:
    assert usd(amount) == text


def test_shares_and_deadlines() -> None:
    assert percent(-0.0731, 2) == "-7.31 %"
    assert percent(None) == "–"
    assert [minutes(s) for s in (2400, 61, 1, 0, None)] == ["40 min", "2 min", "1 min", "past", "–"]


def test_the_largest_share_of_the_auction_comes_first_and_closed_sessions_last() -> None:
    rows = [
        row("SMALL", -1e8),
        row("CLOSED", -9e9, seconds_to_close=0),
        row("UNKNOWN", None),
        row("LARGE", -5e9),
        row("BUYER", 3e9),
    ]

    assert [each["symbol"] for each in ranked(rows)] == ["LARGE", "BUYER", "SMALL", "CLOSED"]


def test_the_picture_says_who_must_trade_what_and_when() -> None:
    text = rendered(document([row("SOXX", -5.2e9)], [alert()]))

    line = next(each for each in text.splitlines() if each.strip().startswith("SOXX"))
    for words in ("SELL", "-5.20 bn", "-130 %", "-10.4 %", "-7.31 %", "93 %", "40 min", "WARNING"):
        assert words in line
    assert "SELL SOXX -5.20 bn" in text
    assert "[not sent]" in text


@pytest.mark.parametrize("width", range(70, 161, 5))
def test_a_narrow_screen_has_fewer_columns_and_none_that_is_cut(width: int) -> None:
    rows = [row("SOXX", -8.41e9), row("005930", -1.25e10), row("BTC", 3e7, auction_ratio=None)]

    lines = rendered(document(rows, [alert()]), width=width).splitlines()

    assert all(len(line) <= width for line in lines)
    header = next(line for line in lines if "reference" in line)
    line = next(line for line in lines if "SOXX" in line)
    for name, figure in (
        ("must", "SELL"),
        ("by the close", "-8.41 bn"),
        ("5 % … 95 %", "-9.41 bn … -7.41 bn"),
        ("of auction", "-210 %"),
        ("of ADV", "-16.8 %"),
        ("return", "-7.31 %"),
        ("P(breach)", "93 %"),
        ("to cut-off", "40 min"),
        ("to close", "50 min"),
        ("level", "WARNING"),
    ):
        assert (name in header) == (figure in line)
    assert all(name in header for name in ("must", "by the close", "of auction", "to cut-off"))
    if width >= 80:
        assert "of ADV" in header
        assert "level" in header
    if width >= 140:
        assert "5 % … 95 %" in header


def test_a_stale_row_says_so_instead_of_its_level() -> None:
    text = rendered(document([row("SOXX", -5.2e9, stale=True)], []))

    assert "stale" in text
    assert "WARNING" not in text
    assert "no alerts yet" in text


def test_an_alert_line_says_how_it_ended() -> None:
    ended = alert(state="resolved", resolves_at="2026-06-23T16:00:00-04:00", send_status="sent")

    assert alert_line(ended) == "14:14:32 WARNING  SELL SOXX -5.20 bn, resolved 16:00:00 [sent]"
    assert "(unknown)" in alert_line(alert(state="unknown"))


@pytest.mark.parametrize("severity", ["watch", "warning", "critical", "escalated", "drill"])
def test_an_alert_of_any_severity_is_shown(severity: str) -> None:
    text = rendered(document([row("SOXX", -5.2e9)], [alert(severity=severity)]))

    assert f"14:14:32 {severity.upper()}" in text


def test_plain_lines_leave_closed_sessions_out() -> None:
    lines = plain_lines(
        document([row("SOXX", -5.2e9), row("000660", -4e9, seconds_to_close=0)], []), 8
    )

    assert "2026-06-23 15:10:00-04:00" in lines[0]
    assert len(lines) == 2
    assert "SELL SOXX" in lines[1]
