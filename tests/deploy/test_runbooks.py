"""Every alert has one runbook, and what it tells to type exists."""

import re
import shutil
import subprocess

import promql_parser
import pytest

from services.alert_links import REPOSITORY
from services.cli import main
from services.drill import DRILL_KEY
from services.health_catalogue import alerts
from services.health_rendering import runbook_url
from services.heartbeat import HEARTBEAT_KEY
from services.prometheus_rules import known_names
from services.rules_file import load_rules
from services.scenario_tables import MARKET
from tests.support.commands import unknown_words
from tests.support.promql import selectors
from tests.support.runbook_pages import FOLDER, HEADINGS, INDEX, Runbook, runbooks

BOOKS = runbooks()
PROGRAMS = {"amtool", "curl", "forcedflow", "promtool", "redis-cli", "timedatectl", "top", "vmstat"}
FOREIGN = {"up", "scrape_samples_scraped", "alertmanager_notifications_failed_total", "ALERTS"}


def pushed() -> set[str]:
    """Return the alerts of the alerter's own making, and those of the bundled rules."""
    rules = load_rules(MARKET / "rules.yaml")
    judged = {rule.alertnames[level.name] for rule in rules for level in rule.levels}
    return judged | {DRILL_KEY.alertname, HEARTBEAT_KEY.alertname}


def test_every_alert_has_one_runbook_and_every_runbook_an_alert() -> None:
    assert {book.name for book in BOOKS} == pushed() | {alert.name for alert in alerts()}


def test_the_index_names_every_runbook_once() -> None:
    listed = re.findall(r"\[(\w+)\]\((\w+)\.md\)", (FOLDER / INDEX).read_text())

    assert sorted(listed) == sorted((book.name, book.name) for book in BOOKS)


def test_an_alert_links_to_its_runbook() -> None:
    root = FOLDER.parents[1]
    for alert in alerts():
        assert (root / runbook_url(alert.name)).is_file()
    for name in pushed():
        for told in (name, f"{name}Others", f"{name}Escalated"):
            assert (root / REPOSITORY.runbook(DRILL_KEY._replace(alertname=told))).is_file()


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.name)
def test_a_runbook_says_what_it_means_and_what_to_do(book: Runbook) -> None:
    assert book.text.startswith(f"# {book.name}\n")
    assert list(book.sections) == HEADINGS
    assert all(book.sections.values())


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.name)
def test_the_commands_of_a_runbook_exist(book: Runbook) -> None:
    for words in book.commands:
        assert words[0] in PROGRAMS, words
        if words[0] == "forcedflow":
            assert unknown_words(main, words[1:]) == [], words
    assert book.commands


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.name)
def test_the_queries_of_a_runbook_ask_for_what_exists(book: Runbook) -> None:
    for query in book.queries:
        for selector in selectors(promql_parser.parse(query)):
            assert selector.name is None or selector.name in known_names() | FOREIGN, query


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.name)
def test_other_runbooks_that_one_refers_to_exist(book: Runbook) -> None:
    named = {
        name.removesuffix("Others").removesuffix("Escalated")
        for name in re.findall(r"\b(?:ForcedFlow|CrowdedRoom)[A-Z]\w+", book.text)
    }

    assert named <= {each.name for each in BOOKS}


@pytest.mark.debian("prometheus-alertmanager")
def test_amtool_knows_the_options_it_is_given() -> None:
    amtool = shutil.which("amtool") or "amtool"
    given = {
        (tuple(word for word in words[1:3] if re.fullmatch(r"[a-z-]+", word)), option)
        for book in BOOKS
        for words in book.commands
        if words[0] == "amtool"
        for option in [word.partition("=")[0] for word in words if word.startswith("--")]
    }
    assert given
    for command in {command for command, _ in given}:
        run = subprocess.run(
            [amtool, *command, "--help"], capture_output=True, text=True, check=True
        )
        for option in (option for name, option in given if name == command):
            assert f"{option}=" in run.stdout + run.stderr
