"""The dashboards as Grafana would read them: what of them can be checked without one."""

import re
import subprocess
from itertools import combinations
from pathlib import Path

import promql_parser
import pytest
import yaml

from deploy.grafana.events import EVENTS, expression
from deploy.grafana.rendered import FOLDER, rendered
from services.health_catalogue import records
from services.prometheus_rules import known_names, sample_names
from streams.metric_catalogue import SECTIONS
from tests.support.dashboards import (
    VARIABLE,
    Document,
    PanelQuery,
    annotation_queries,
    documents,
    panel_queries,
    panels,
)
from tests.support.promql import selectors

DOCUMENTS = documents()
QUERIES = [*panel_queries(), *annotation_queries()]
FOREIGN = {
    "ALERTS",
    "alertmanager_alerts",
    "alertmanager_notifications_failed_total",
    "process_cpu_seconds_total",
    "process_resident_memory_bytes",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "up",
}
"""Metrics that are Prometheus', Alertmanager's and the process collector's own."""
UNITS = {
    *("Bps", "bytes", "cps", "currencyUSD", "dthms", "none", "percentunit", "s", "short"),
}
"""Names of units in Grafana's table of formats that the panels use."""
GRAFANA_OWN = {"__rate_interval", "__range"}
VALUES = dict.fromkeys(("symbol", "room", "venue", "focus"), "X") | {
    "__rate_interval": "1m",
    "__range": "1h",
}
SEEN_NOWHERE = {
    "forcedflow_baseline_ratio": "not computed yet",
    "forcedflow_impact_ratio": "not computed yet",
    "forcedflow_amplification": "not computed yet",
    "forcedflow_lookthrough_usd": "not computed yet",
    "forcedflow_reference_info": "variables ask for its labels",
    "forcedflow_rules_loaded_timestamp_seconds": "the hash of the rules tells a change",
    "forcedflow_last_heartbeat_timestamp_seconds": "the count of the signs of life tells it",
}
"""Metrics that no panel shows, and why."""
COLUMNS = 24

a_dashboard = pytest.mark.parametrize("name", DOCUMENTS)
a_query = pytest.mark.parametrize("query", QUERIES, ids=str)


def test_what_is_committed_is_what_the_code_renders() -> None:
    committed = {path.name: path.read_text() for path in FOLDER.iterdir()}

    assert committed == rendered(), "run make dashboards"


def test_rendering_gives_the_same_text_each_time() -> None:
    assert rendered() == rendered()


def test_every_dashboard_can_be_told_from_the_others() -> None:
    assert DOCUMENTS.keys() == {"close", "room", "options", "service"}
    for name, document in DOCUMENTS.items():
        assert document["uid"] == f"forcedflow-{name}"
        assert len(document["uid"]) <= 40
        assert document["title"] == f"Forced flow: {name.capitalize()}"
        assert document["description"].endswith(".")
        assert "id" not in document


@a_dashboard
def test_the_fields_are_those_of_the_schema(name: str) -> None:
    document = DOCUMENTS[name]

    assert document["schemaVersion"] == 36
    assert document["editable"] is False
    assert document["time"].keys() == {"from", "to"}
    [link] = document["links"]
    assert (link["type"], link["tags"]) == ("dashboards", document["tags"])
    assert link["keepTime"]
    assert link["includeVars"]
    for panel in document["panels"]:
        assert panel["type"] in {
            *("row", "stat", "timeseries", "table", "bargauge", "state-timeline"),
        }


@a_dashboard
def test_panels_have_numbers_of_their_own_and_queries_letters(name: str) -> None:
    everyone = DOCUMENTS[name]["panels"]

    assert len({panel["id"] for panel in everyone}) == len(everyone)
    for panel in panels(DOCUMENTS[name]):
        letters = [target["refId"] for target in panel["targets"]]
        assert letters == [chr(ord("A") + number) for number in range(len(letters))]
        assert letters, panel["title"]


@a_dashboard
def test_panels_lie_inside_the_grid_and_on_no_other(name: str) -> None:
    places = [panel["gridPos"] for panel in DOCUMENTS[name]["panels"]]

    for place in places:
        assert 0 <= place["x"] < place["x"] + place["w"] <= COLUMNS
        assert place["h"] > 0
    for one, other in combinations(places, 2):
        assert (
            one["x"] + one["w"] <= other["x"]
            or other["x"] + other["w"] <= one["x"]
            or one["y"] + one["h"] <= other["y"]
            or other["y"] + other["h"] <= one["y"]
        ), (one, other)


@a_dashboard
def test_everything_asks_the_prometheus_that_was_chosen(name: str) -> None:
    document = DOCUMENTS[name]
    chosen = {"type": "prometheus", "uid": "${datasource}"}

    for panel in panels(document):
        assert panel["datasource"] == chosen
        assert all(target["datasource"] == chosen for target in panel["targets"])
    assert all(each["datasource"] == chosen for each in document["annotations"]["list"])
    first, *others = document["templating"]["list"]
    assert (first["name"], first["type"], first["query"]) == (
        "datasource",
        "datasource",
        "prometheus",
    )
    assert all(each["datasource"] == chosen for each in others)


@a_dashboard
def test_variables_are_declared_before_they_are_used_and_used(name: str) -> None:
    document = DOCUMENTS[name]
    declared: list[str] = []
    for variable in document["templating"]["list"]:
        asked = variable["query"]["query"] if variable["type"] == "query" else ""
        assert set(VARIABLE.findall(asked)) <= set(declared), variable["name"]
        declared.append(variable["name"])
    texts = [query.expr for query in QUERIES if query.dashboard == name]
    texts += [panel["title"] for panel in document["panels"]]
    used = {found for text in texts for found in VARIABLE.findall(text)}

    assert used <= {*declared, *GRAFANA_OWN}
    asked_by_others = {
        found
        for variable in document["templating"]["list"][1:]
        for found in VARIABLE.findall(variable["query"]["query"])
    }
    assert set(declared) <= used | asked_by_others | {"datasource"}


@a_dashboard
def test_every_panel_says_what_it_shows_and_in_which_unit(name: str) -> None:
    titles = [panel["title"] for panel in panels(DOCUMENTS[name])]
    assert len(set(titles)) == len(titles)
    for panel in panels(DOCUMENTS[name]):
        assert len(panel["description"]) > 20, panel["title"]
        assert panel["description"].endswith("."), panel["title"]
        for unit in units(panel):
            assert unit in UNITS, panel["title"]


def units(panel: Document) -> list[str]:
    config = panel["fieldConfig"]
    named = [
        each["value"]
        for override in config["overrides"]
        for each in override["properties"]
        if each["id"] == "unit"
    ]
    assert panel["type"] != "table" or len(named) == len(panel["targets"])
    return [config["defaults"]["unit"], *named]


@a_dashboard
def test_thresholds_ascend_from_one_without_a_bound(name: str) -> None:
    for panel in panels(DOCUMENTS[name]):
        steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
        bounds = [step["value"] for step in steps]
        assert bounds[0] is None
        assert bounds[1:] == sorted(set(bounds[1:]))


@a_query
def test_a_query_names_only_what_is_exported_or_recorded(query: PanelQuery) -> None:
    parsed = promql_parser.parse(query.filled(**VALUES))

    names = {selector.name for selector in selectors(parsed)}
    assert names <= known_names() | FOREIGN


@a_query
def test_rates_look_back_as_far_as_grafana_says(query: PanelQuery) -> None:
    ranges = re.findall(r"\[([^\]]*)\]", query.expr)

    assert set(ranges) <= {"$__rate_interval", "$__range"}
    for function, span in re.findall(r"(rate|increase)\([^[]*\[([^\]]*)\]", query.expr):
        assert span == "$__rate_interval", function


def test_every_metric_is_on_a_dashboard() -> None:
    asked = {
        selector.name
        for query in QUERIES
        for selector in selectors(promql_parser.parse(query.filled(**VALUES)))
    }
    recorded = {record.name: record.expr for record in records()}
    texts = [recorded[name] for name in asked if name in recorded]
    metrics = [metric for section in SECTIONS.values() for metric in section]

    unseen = {
        metric.name
        for metric in metrics
        if not asked & set(sample_names(metric)) and not any(metric.name in text for text in texts)
    }
    assert unseen == SEEN_NOWHERE.keys()


@pytest.mark.debian("prometheus")
def test_the_grammar_is_that_of_the_oldest_prometheus(tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:query:{number}", "expr": query.filled(**VALUES)}
        for number, query in enumerate(QUERIES)
    ]
    path = tmp_path / "queries.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))

    run = subprocess.run(
        ["promtool", "check", "rules", str(path)],  # noqa: S607  Debian's, wherever it lies
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.debian("prometheus")
def test_an_event_is_there_on_its_day_alone(tmp_path: Path) -> None:
    looks = [
        {
            "expr": expression(),
            "eval_time": f"{event.start + seconds}s",
            "exp_samples": [{"labels": f'{{event="{event.words}"}}', "value": 1}] * is_there,
        }
        for event in EVENTS
        for seconds, is_there in ((-1, False), (0, True), (86_399, True), (86_400, False))
    ]
    path = tmp_path / "events.yml"
    document = {"evaluation_interval": "30d", "tests": [{"promql_expr_test": looks}]}
    path.write_text(yaml.safe_dump(document))

    run = subprocess.run(
        ["promtool", "test", "rules", str(path)],  # noqa: S607  as above
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, run.stdout + run.stderr
    assert [event.day for event in EVENTS] == sorted(event.day for event in EVENTS)
    assert all(event.source for event in EVENTS)


def test_provisioning_and_containers_name_the_same_places() -> None:
    deploy = FOLDER.parents[1]
    [provider] = written("provisioning/dashboards/forcedflow.yaml")["providers"]
    [source] = written("provisioning/datasources/prometheus.yaml")["datasources"]
    services = yaml.safe_load((deploy / "compose.yaml").read_text())["services"]
    mounts = dict(each.removesuffix(":ro").split(":") for each in services["grafana"]["volumes"])
    environment = services["grafana"]["environment"]

    assert mounts["./grafana/dashboards"] == provider["options"]["path"]
    assert mounts["./grafana/provisioning"] == "/etc/grafana/provisioning"
    assert (provider["allowUiUpdates"], provider["disableDeletion"]) == (False, True)
    assert source["url"] == "${PROMETHEUS_URL}"
    assert environment["PROMETHEUS_URL"] == "http://prometheus:9090"
    assert "prometheus" in services
    scraped = yaml.safe_load((deploy / "prometheus" / "prometheus.yml").read_text())["global"]
    assert source["jsonData"]["timeInterval"] == scraped["scrape_interval"]


def test_nobody_can_log_in_to_grafana_with_the_usual_password() -> None:
    compose = yaml.safe_load((FOLDER.parents[1] / "compose.yaml").read_text())
    environment = compose["services"]["grafana"]["environment"]

    assert environment["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"
    assert environment["GF_AUTH_BASIC_ENABLED"] == "false"
    assert environment["GF_AUTH_DISABLE_LOGIN_FORM"] == "true"
    assert environment["GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION"] == "true"


def written(name: str) -> Document:
    document: Document = yaml.safe_load((FOLDER.parent / name).read_text())
    assert document["apiVersion"] == 1
    return document
