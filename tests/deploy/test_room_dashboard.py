"""What the dashboard of rooms works out, asked of Prometheus' own engine."""

from pathlib import Path

import pytest

from tests.support.dashboards import panel_queries
from tests.support.rule_tests import group, run, steady

ROOM = 'room="spacex"'
FLOW = {"ACME": -4e6, "BOLT": 0.0, "DARK": None}
VOLUME = {"ACME": 5e7, "BOLT": 1.5e8, "DARK": 9e8}


@pytest.mark.debian("prometheus")
def test_a_rooms_share_of_volume_counts_members_that_owe_nothing(tmp_path: Path) -> None:
    """As the rules do; who is unknown counts neither here nor there."""
    series = {f'forcedflow_adv_usd{{symbol="{name}"}}': steady(usd) for name, usd in VOLUME.items()}
    for name, usd in FLOW.items():
        series[f'forcedflow_room_member_info{{{ROOM}, symbol="{name}"}}'] = steady(1.0)
        if usd is not None:
            series[f'forcedflow_forced_flow_usd{{symbol="{name}"}}'] = steady(usd)
            ratio = steady(usd / VOLUME[name])
            series[f'forcedflow_adv_ratio{{symbol="{name}"}}'] = ratio
    asked = [one for one in panel_queries() if one.dashboard == "room"]
    checks = [
        {
            "expr": query.filled(room="spacex"),
            "eval_time": "60s",
            "exp_samples": [{"labels": f"{{{ROOM}}}", "value": -0.02}],
        }
        for query in asked
        if "daily volume" in str(query)
    ]

    assert len(checks) == 2
    assert run(tmp_path, [], [group("rooms", series, {"promql_expr_test": checks})]) == ""
