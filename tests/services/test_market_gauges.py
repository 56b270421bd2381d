from dataclasses import replace

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from core.columns import NUMERIC_COLUMNS
from services.market_gauges import MarketGauges
from services.metrics_page import MetricsPage
from tests.support.manual_clock import ManualClock
from tests.support.metric_samples import samples
from tests.support.rule_world import flags, hour, universe_of, view_at

UNIVERSE = universe_of(
    {"ACME": "XNYS", "BOLT": "XNYS", "CORE": "XKRX"},
    rooms={"chips": ("ACME", "CORE"), "power": ("BOLT", "CORE"), "empty": ()},
)


def shown(gauges: MarketGauges) -> dict[str, dict[str, float]]:
    """Return the figures of each metric by the values of its labels, in their names' order."""
    found: dict[str, dict[str, float]] = {}
    page = MetricsPage(CollectorRegistry(), gauges.tables).plain()
    for (name, labels), value in samples(page).items():
        key = " ".join(each for _, each in sorted(labels))
        found.setdefault(name.removeprefix("forcedflow_"), {})[key] = value
    return found


def test_each_column_is_a_gauge_in_its_base_unit() -> None:
    columns = {name: [1.0 + n, 2.0, 3.0] for n, name in enumerate(NUMERIC_COLUMNS)}
    gauges = MarketGauges(ManualClock(0))
    gauges.show(view_at(UNIVERSE, hour(15), **columns), UNIVERSE)

    figures = shown(gauges)

    for number, name in enumerate(NUMERIC_COLUMNS):
        if name == "hours_to_trade":
            assert figures["seconds_to_trade"]["ACME"] == pytest.approx(3_600.0 * (1.0 + number))
        else:
            assert figures[name] == {"ACME": 1.0 + number, "BOLT": 2.0, "CORE": 3.0}


def test_the_volume_that_ratios_are_of_is_a_gauge() -> None:
    view = replace(view_at(UNIVERSE, hour(15)), adv_usd=np.array([5e6, np.nan, 0.0]))
    gauges = MarketGauges(ManualClock(0))
    gauges.show(view, UNIVERSE)

    assert shown(gauges)["adv_usd"] == {"ACME": 5e6, "CORE": 0.0}


def test_a_row_that_is_unknown_has_no_figure_and_keeps_its_name() -> None:
    view = view_at(UNIVERSE, hour(15), forced_flow_usd=[1.0, np.nan, 3.0])
    view.is_unknown[:] = flags(3, 2)
    gauges = MarketGauges(ManualClock(0))
    gauges.show(view, UNIVERSE)

    figures = shown(gauges)

    assert figures["forced_flow_usd"] == {"ACME": 1.0}
    assert set(figures["reference_info"]) == {"USD ACME XNYS", "USD BOLT XNYS", "USD CORE XKRX"}


def test_members_are_named_with_each_of_their_rooms() -> None:
    gauges = MarketGauges(ManualClock(0))
    smaller = universe_of({"ACME": "XNYS"}, rooms={"chips": ("ACME",)})
    seen = []
    for universe in (UNIVERSE, smaller):
        gauges.show(view_at(universe, hour(15)), universe)
        seen.append(set(shown(gauges)["room_member_info"]))

    assert seen == [{"chips ACME", "chips CORE", "power BOLT", "power CORE"}, {"chips ACME"}]


def test_what_is_hidden_shows_nothing() -> None:
    gauges = MarketGauges(ManualClock(0))
    gauges.show(view_at(UNIVERSE, hour(15), forced_flow_usd=[1.0, 2.0, 3.0]), UNIVERSE)
    assert shown(gauges)

    gauges.hide()

    assert shown(gauges) == {}
