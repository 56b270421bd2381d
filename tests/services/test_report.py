"""The report of a replay: its figures by hand, its page, its JSON."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from core.alerts import AlertKey
from core.sessions import NANOS_PER_SECOND
from core.thresholds import Level, Rule
from services.cli import main
from services.offline_alerts import Episode
from services.report_alerts import AlertQuality, quality_lines
from services.report_figures import Figures, figures, pinball_loss
from services.report_page import report_page
from services.report_samples import LastRows, Samples
from services.svg_charts import Axis, Chart, round_ticks
from tests.support.core_universe import FIRST, Ref, at, core_universe
from tests.support.universes import EXAMPLE

UNIVERSE = core_universe([Ref("AAA"), Ref("B<B")])
RULE = Rule("flow", "adv_ratio", "symbol", (Level("warning", 0.05, 0.04),))


def samples(
    final: list[float], *, low: float = -1.0, high: float = 1.0, minutes: float = 20.0
) -> Samples:
    """Make one row a session, each with the same band, and the clock's half as wide."""
    size = len(final)
    full: Callable[[float], np.ndarray] = lambda value: np.full(size, value)  # noqa: E731
    return Samples(
        reference=np.zeros(size, np.int32),
        label=FIRST + np.arange(size),
        market_ns=np.arange(size) * NANOS_PER_SECOND,
        column={
            "seconds_to_close": full(minutes * 60),
            "seconds_to_cutoff": full(minutes * 60 - 600),
            "forced_flow_usd": full(0.0),
            "forced_flow_lower_usd": full(low),
            "forced_flow_upper_usd": full(high),
            "breach_threshold_usd": full(1.5),
            "breach_probability": full(0.3),
            "auction_ratio": full(0.1),
            "clock_lower_usd": full(low / 2),
            "clock_upper_usd": full(high / 2),
        },
        final_usd=np.array(final),
        scale_usd=full(10.0),
    )


def found(
    taken: Samples, episodes: tuple[Episode, ...] = (), last: LastRows | None = None
) -> Figures:
    return figures(taken, last or {}, universe=UNIVERSE, rules=(RULE,), episodes=episodes)


def episode(*, side: str = "sell", scope: str = "symbol", symbol: str = "AAA") -> Episode:
    key = AlertKey("FlowWarning", "warning", "flow", side, scope, symbol)
    return Episode(key, at(0, 5), at(0, 7), "session_closed")


def test_coverage_counts_closes_on_either_side_and_on_the_edge() -> None:
    report = found(samples([0.0, 1.0, -1.0, 1.2, -1.3, -9.0, 0.7, 0.2, 0.1, 0.3]))

    assert (report.inside, report.below, report.above) == (0.7, 0.2, 0.1)
    assert report.clock_inside == 0.4
    assert report.sessions == 10
    (row,) = report.by_time
    assert (row.minutes_from, row.minutes_to, row.rows) == (0.0, 20.0, 10)
    assert row.error == pytest.approx(0.085)


def test_the_pinball_loss_of_a_quantile() -> None:
    loss = pinball_loss(np.array([2.0, -2.0]), np.array([0.0, 0.0]), 0.95)

    np.testing.assert_allclose(loss, [1.9, 0.1])


def test_the_loss_is_held_against_the_clocks() -> None:
    report = found(samples([0.0]))

    # Both ends of a band at distance d cost 2 x 0.05 x d while the close lies inside.
    assert report.pinball_ratio == pytest.approx(2.0)


def test_stated_probabilities_are_held_against_what_was_seen() -> None:
    report = found(samples([0.0, 1.5, -2.0, 1.49]))

    (row,) = report.reliability
    assert (row.stated_from, row.stated_to) == (0.2, 0.5)
    assert (row.stated, row.seen, row.rows) == (0.3, 0.5, 4)


@pytest.mark.parametrize(
    ("side", "ratio", "is_confirmed"),
    [("sell", -0.05, True), ("sell", -0.049, False), ("sell", 0.2, False), ("buy", 0.2, True)],
)
def test_an_alert_is_confirmed_on_its_side_at_its_level(
    side: str, ratio: float, *, is_confirmed: bool
) -> None:
    last = {(0, FIRST): {"adv_ratio": ratio}}

    (alert,) = found(samples([0.0]), (episode(side=side),), last).alerts

    assert alert.confirmed is is_confirmed
    assert alert.lead_minutes == pytest.approx(110.0)
    assert alert.fires_at == "2024-10-04T15:00:00+00:00"


def test_without_a_stated_probability_nothing_is_held_against_it() -> None:
    taken = samples([1.0])
    taken.column["breach_probability"][:] = np.nan

    page = report_page(found(taken), taken, UNIVERSE)

    assert "breaches its warning level" not in page
    assert "alerts a session" not in page


ROOMS = replace(UNIVERSE, rooms={"ai-chips": np.array([0, 1], np.int32)})


@pytest.mark.parametrize(
    ("measure", "other", "is_confirmed"),
    [
        # 60 of 1000 and 30 of 1000 sold come to 4.5 %, 60 and 40 to 5 % of both.
        ("adv_ratio", -30.0, False),
        ("adv_ratio", -40.0, True),
        # 60 of 2000: who owes nothing is of the room all the same.
        ("adv_ratio", 0.0, False),
        # 60 of 1000: who is unknown is not.
        ("adv_ratio", float("nan"), True),
        ("forced_flow_usd", -39.9, False),
        ("forced_flow_usd", -40.0, True),
    ],
)
def test_a_groups_alert_is_judged_by_its_members_last_rows(
    measure: str, other: float, *, is_confirmed: bool
) -> None:
    raise_at = 0.05 if measure == "adv_ratio" else 100.0
    rule = Rule("flow", measure, "room", (Level("warning", raise_at, raise_at),))
    last = {
        (row, FIRST): {"adv_ratio": usd / 1000.0, "forced_flow_usd": usd, "adv_usd": 1000.0}
        for row, usd in enumerate((-60.0, other))
    }

    [alert] = figures(
        samples([0.0]),
        last,
        universe=ROOMS,
        rules=(rule,),
        episodes=(episode(scope="room", symbol="ai-chips"),),
    ).alerts

    assert alert.confirmed is is_confirmed
    assert alert.lead_minutes == pytest.approx(110.0)


def test_a_group_of_which_no_member_was_open_is_not_judged() -> None:
    closed = replace(episode(scope="room", symbol="ai-chips"), fires_ns=at(0, 7.5))
    rule = replace(RULE, scope="room")

    [alert] = figures(samples([0.0]), {}, universe=ROOMS, rules=(rule,), episodes=(closed,)).alerts

    assert (alert.lead_minutes, alert.confirmed) == (None, None)


def test_the_quality_is_told_by_rule_and_level() -> None:
    rules = (RULE, Rule("quiet", "adv_ratio", "symbol", (Level("critical", 0.5, 0.4),)))
    last = {(0, FIRST): {"adv_ratio": -0.06}, (0, FIRST + 1): {"adv_ratio": 0.0}}
    fired = [(0, 5.0), (0, 6.0), (1, 6.5), (0, 6.5)]
    episodes = [
        replace(episode(), fires_ns=at(session, hour), resolves_ns=at(session, 7.0))
        for session, hour in fired
    ]
    episodes[3] = replace(episodes[3], key=episodes[3].key._replace(symbol="B<B"))

    found = figures(samples([0.0, 0.0]), last, universe=UNIVERSE, rules=rules, episodes=episodes)

    assert found.quality == (
        AlertQuality(
            rule="flow",
            level="warning",
            alerts=4,
            a_session=2.0,
            # The cut-off is ten minutes before 7 h: 110, 50, 20 and 20 minutes after them.
            lead_median_minutes=35.0,
            lead_worst_minutes=20.0,
            # Of the same symbol, in the same session; the next day's is none.
            flips=1,
            judged=3,
            confirmed=2 / 3,
        ),
        AlertQuality("quiet", "critical", 0, 0.0, None, None, 0, 0, None),
    )
    assert quality_lines(found.quality) == [
        "rule   level     alerts  a day  lead median   worst  flips  confirmed",
        "flow   warning        4   2.00       35 min  20 min      1  67 % of 3",
        "quiet  critical       0   0.00            –       –      0          –",
    ]


def test_the_page_stands_alone_and_says_the_figures() -> None:
    taken = samples([0.0, 1.2, -0.5, 0.4])
    report = found(taken, (episode(symbol="B<B"),))

    page = report_page(report, taken, UNIVERSE)

    assert "75.0 %" in page
    assert "B&lt;B" in page
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")
    assert page.count("<svg") == 2 + 3  # a close that owes nothing is not drawn


def test_a_replay_writes_page_and_figures(tmp_path: Path) -> None:
    files = ["--prices", str(EXAMPLE / "prices.jsonl"), "--flows", str(EXAMPLE / "etf-flows.jsonl")]
    arguments = ["replay", "--universe", str(EXAMPLE / "universe"), *files]
    arguments += ["--rules", str(EXAMPLE / "rules.yaml"), "--output", str(tmp_path / "rows.csv")]
    for name in ("report.html", "report.json"):
        arguments += ["--report", str(tmp_path / name)]

    result = CliRunner().invoke(main, arguments)

    assert result.exit_code == 0, result.output

    report = json.loads((tmp_path / "report.json").read_text())
    assert report["references"] == 3
    assert [alert["confirmed"] for alert in report["alerts"]] == [True] * 6
    assert sum(each["alerts"] for each in report["quality"]) == 6
    assert "6 alerts in" in result.stderr
    assert "lead median" in result.stderr
    assert (tmp_path / "report.html").read_text().count("<figure>") == 2 + 3


def test_a_report_of_another_format_is_refused(tmp_path: Path) -> None:
    arguments = ["--universe", str(EXAMPLE / "universe"), "--prices", str(EXAMPLE / "prices.jsonl")]
    output = ["--output", str(tmp_path / "rows.csv"), "--report", "report.pdf"]

    result = CliRunner().invoke(main, ["replay", *arguments, *output])

    assert result.exit_code == 2
    assert "--report: expected a suffix of .html, .json, it was '.pdf'" in result.output


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.0, 10.0, [0, 2, 4, 6, 8, 10]),
        (-0.34, 0.21, [-0.2, 0.0, 0.2]),
        (-3e9, 1e9, [-3e9, -2e9, -1e9, 0, 1e9]),
        (5.0, 5.0, [5.0]),
    ],
)
def test_ticks_are_round_and_inside(low: float, high: float, ticks: list[float]) -> None:
    assert [value for value, _ in round_ticks(low, high, str)] == pytest.approx(ticks)


def test_a_chart_places_its_points_and_escapes_its_words() -> None:
    chart = Chart(
        Axis(0, 10, []), Axis(0, 1, [(0.5, "a<b")]), width=100, height=100, margins=(0, 0, 0, 0)
    )
    chart.line([(0, 0), (10, 1)], "line")
    chart.dot((5, 0.5), "dot", says="half & half")

    svg = chart.svg('says "it"')

    assert 'points="0.0,100.0 100.0,0.0"' in svg
    assert 'cx="50.0" cy="50.0"' in svg
    assert "half &amp; half" in svg
    assert "a&lt;b" in svg
    assert "&quot;it&quot;" in svg
