"""Where a page points to."""

import json
import shlex
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from click.testing import CliRunner
from pydantic import ValidationError

from core.alerts import AlertKey
from core.sessions import NO_SESSION, NO_TIME
from services.alert_links import REPOSITORY, Links, replay_files
from services.alerter_settings import AlerterSection
from services.cli import main
from streams.event_times import parse_time
from tests.support.universes import EXAMPLE

NEW_YORK = "America/New_York"
AT_NS = parse_time("2026-06-23T15:08:42.5-04:00")
HOST_NS = parse_time("2026-09-21T10:00:00Z")
"""Of a replay: months after the day that is replayed."""
ROOT = Path(__file__).parents[2]
LABEL = 20627
"""2026-06-23."""
SYMBOL = AlertKey("ForcedFlowWatch", "watch", "forced-flow", "sell", "symbol", "A C&ME")


def test_by_default_a_page_points_into_the_repository() -> None:
    assert REPOSITORY.of(SYMBOL, label=LABEL, time_ns=AT_NS, zone=NEW_YORK, host_ns=HOST_NS) == {
        "runbook_url": "docs/runbooks/ForcedFlowWatch.md",
        "dashboard_url": "deploy/grafana/dashboards/close.json",
        "replay": (
            "forcedflow replay --universe universe --prices prices.jsonl --flows etf-flows.jsonl"
            " --open-interest open-interest.jsonl --from 2026-06-23T15:08:00-04:00"
            " --until 2026-06-23T15:09:00-04:00 --output replay.csv"
        ),
    }


def test_addresses_carry_the_subject_and_the_time() -> None:
    links = Links("https://wiki/run/", "https://grafana/", "--prices '/feed/{session} a.jsonl'")

    told = links.of(SYMBOL, label=LABEL, time_ns=AT_NS, zone=NEW_YORK, host_ns=HOST_NS)

    assert told["runbook_url"] == "https://wiki/run/ForcedFlowWatch.md"
    address = urlsplit(told["dashboard_url"])
    assert address.path == "/d/forcedflow-close"
    query = parse_qs(address.query)
    assert query["var-symbol"] == ["A C&ME"]
    assert int(query["from"][0]) < HOST_NS // 1_000_000 < int(query["to"][0])
    assert int(query["to"][0]) - int(query["from"][0]) == 90 * 60 * 1000
    assert shlex.split(told["replay"])[:4] == [
        "forcedflow",
        "replay",
        "--prices",
        "/feed/2026-06-23 a.jsonl",
    ]


@pytest.mark.parametrize("scope", ["symbol", "venue", "room", "market"])
def test_a_link_shows_its_subject_on_a_dashboard_that_is_there(scope: str) -> None:
    key = SYMBOL._replace(scope=scope, symbol="ai")
    file = REPOSITORY.of(key, label=LABEL, time_ns=NO_TIME, zone="UTC", host_ns=HOST_NS)[
        "dashboard_url"
    ]
    page = json.loads((ROOT / file).read_text())
    variables = {each["name"] for each in page["templating"]["list"]}

    told = Links(dashboards="http://g").of(
        key, label=LABEL, time_ns=NO_TIME, zone="UTC", host_ns=HOST_NS
    )

    address = urlsplit(told["dashboard_url"])
    assert address.path == f"/d/{page['uid']}"
    asked = parse_qs(address.query).keys() - {"from", "to"}
    chosen = {name.removeprefix("var-") for name in asked}
    assert chosen <= variables
    assert bool(chosen) is (scope != "market")


def test_a_time_that_is_not_known_limits_nothing() -> None:
    told = Links(replay_files="--prices {session}.csv").of(
        SYMBOL, label=NO_SESSION, time_ns=NO_TIME, zone="UTC", host_ns=HOST_NS
    )

    assert told["replay"] == "forcedflow replay --prices SESSION.csv --output replay.csv"


def test_options_that_no_shell_reads_are_refused() -> None:
    with pytest.raises(ValidationError, match="expected options of forcedflow replay"):
        AlerterSection(rules=Path("rules.yaml"), replay_files="--prices 'open")


def test_the_settings_reach_the_links() -> None:
    section = AlerterSection(rules=Path("r.yaml"), runbooks="http://wiki", dashboards="http://g")

    assert section.links() == Links("http://wiki", "http://g", replay_files(Path()))


def test_the_command_runs_as_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The minute of a page, copied out of it, gives the rows before and after that moment."""
    links = Links(replay_files=f"--universe {EXAMPLE}/universe --prices {EXAMPLE}/prices.jsonl")
    at_ns = parse_time("2026-06-16T15:20:42.5+09:00")
    monkeypatch.chdir(tmp_path)

    command = links.of(SYMBOL, label=LABEL - 7, time_ns=at_ns, zone="Asia/Seoul", host_ns=HOST_NS)[
        "replay"
    ]
    result = CliRunner().invoke(main, shlex.split(command)[1:])

    assert result.exit_code == 0, result.output
    lines = (tmp_path / "replay.csv").read_text().splitlines()
    assert [line.split(",")[1] for line in lines[1:]] == [
        "2026-06-16T15:20:00+09:00",
        "2026-06-16T15:21:00+09:00",
    ]


def test_the_command_line_takes_the_options_of_another_command(tmp_path: Path) -> None:
    """A value that begins with dashes is a value: what fails is the missing rules file."""
    options = f"--replay-files={replay_files(Path('/market'))}"

    result = CliRunner().invoke(main, ["alerter", options, "--rules", str(tmp_path / "none.yaml")])

    assert result.exit_code == 2
    assert "none.yaml" in result.output
