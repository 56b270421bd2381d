"""Pushes, silences, the doctor and a whole alerter at an Alertmanager that wants a password."""

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from click.testing import CliRunner, Result
from structlog.testing import capture_logs

from services.alert_messages import PostableAlert, host_time_text
from services.alertmanager import Batch, Outcome, Peer
from services.alertmanager_access import open_access
from services.alertmanager_http import HttpTransport
from services.alertmanager_settings import AlertmanagerSection
from services.child_process import ChildProcess, free_port
from services.cli import main
from services.clock import SystemClock
from services.doctor_alertmanager import (
    AlertmanagerFacts,
    judge_alertmanager,
    judge_password_file,
    look_at_alertmanager,
)
from services.doctor_gather import Question, ask_all
from services.findings import Finding, Verdict
from tests.support.alertmanager_behind_password import (
    PASSWORD,
    USER,
    Guarded,
    guarded_alertmanager,
    make_certificate,
)
from tests.support.push_reports import PushReports

pytestmark = [pytest.mark.debian("prometheus-alertmanager"), pytest.mark.debian("openssl")]

CLOCK = SystemClock()
EXAMPLE = Path(__file__).resolve().parents[1] / "data" / "example"
WRONG = "wrong horse"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarded_alertmanager(tmp_path_factory.mktemp("guarded")) as running:
        yield running


@pytest.fixture
def section(guarded: Guarded, tmp_path: Path) -> AlertmanagerSection:
    """Return settings that fit it; a test may change what the password's file holds."""
    file = tmp_path / "password"
    file.touch(mode=0o600)
    file.write_text(f"{PASSWORD}\n")
    return AlertmanagerSection(username=USER, password_file=file, ca_file=guarded.certificate)


def write_password(section: AlertmanagerSection, password: str) -> None:
    assert section.password_file is not None
    section.password_file.write_text(password)


class Pushes:
    """A peer at it, and what was logged of its pushes."""

    def __init__(
        self, url: str, section: AlertmanagerSection, session: aiohttp.ClientSession
    ) -> None:
        self._reports = PushReports()
        self.logs: list[Any] = []
        self._peer = Peer(
            url,
            transport=HttpTransport(session, open_access(section, [url])),
            clock=CLOCK,
            jitter=lambda: 0.5,
            observer=self._reports.observer(),
        )

    async def push(self, symbol: str) -> Outcome:
        now_ns = CLOCK.now_ns()
        alert = PostableAlert(
            labels={"alertname": "Access", "symbol": symbol},
            annotations={},
            starts_at=host_time_text(now_ns),
            ends_at=host_time_text(now_ns + 300 * 10**9),
        )
        with capture_logs() as logs:
            await self._peer.push(lambda: Batch(1, (alert,)))
        self.logs += logs
        return self._reports.outcomes[-1][1]


def held(guarded: Guarded) -> set[str]:
    return {alert["labels"]["symbol"] for alert in guarded.server.alerts()}


async def test_a_push_arrives_and_a_new_password_needs_no_restart(
    guarded: Guarded, section: AlertmanagerSection
) -> None:
    async with aiohttp.ClientSession() as session:
        pushes = Pushes(guarded.url, section, session)
        assert await pushes.push("RIGHT") == "ok"

        write_password(section, WRONG)
        assert await pushes.push("WRONG") == "rejected"
        write_password(section, PASSWORD)
        assert await pushes.push("RIGHT-AGAIN") == "ok"

    assert {"RIGHT", "RIGHT-AGAIN"} <= held(guarded)
    assert "WRONG" not in held(guarded)
    (refused,) = [each for each in pushes.logs if each.get("outcome") == "rejected"]
    assert refused["status"] == 401
    assert f"does not take the user '{USER}'" in refused["body"]
    assert str(section.password_file) in refused["body"]
    assert WRONG not in str(pushes.logs)
    assert PASSWORD not in str(pushes.logs)


async def test_without_a_password_it_is_said_that_one_is_wanted(
    guarded: Guarded, section: AlertmanagerSection
) -> None:
    nobody = AlertmanagerSection(ca_file=section.ca_file)
    async with aiohttp.ClientSession() as session:
        pushes = Pushes(guarded.url, nobody, session)
        assert await pushes.push("NOBODY") == "rejected"

    assert "it wants a user and a password" in pushes.logs[-1]["body"]


@pytest.mark.parametrize("what", ["none named", "another's", "another name"])
async def test_nothing_is_sent_to_whom_the_certificates_do_not_vouch_for(
    guarded: Guarded, section: AlertmanagerSection, tmp_path: Path, what: str
) -> None:
    url, ca_file = guarded.url, section.ca_file
    if what == "another's":
        ca_file, _key = make_certificate(tmp_path)
    elif what == "none named":
        ca_file = None
    else:
        url = url.replace("127.0.0.1", "localhost")
    other = section.model_copy(update={"ca_file": ca_file})
    async with aiohttp.ClientSession() as session:
        pushes = Pushes(url, other, session)
        assert await pushes.push("STRANGER") == "unreachable"

    assert "expected a certificate to trust (alertmanager.ca_file)" in pushes.logs[-1]["body"]
    assert "STRANGER" not in held(guarded)


async def test_a_new_certificate_to_judge_by_needs_no_restart(
    guarded: Guarded, section: AlertmanagerSection, tmp_path: Path
) -> None:
    ca_file, _key = make_certificate(tmp_path)
    other = section.model_copy(update={"ca_file": ca_file})
    async with aiohttp.ClientSession() as session:
        pushes = Pushes(guarded.url, other, session)
        assert await pushes.push("BEFORE") == "unreachable"
        ca_file.write_bytes(guarded.certificate.read_bytes())
        assert await pushes.push("AFTER") == "ok"


def environment(section: AlertmanagerSection) -> dict[str, str]:
    return {
        "FORCEDFLOW_ALERTMANAGER__USERNAME": section.username,
        "FORCEDFLOW_ALERTMANAGER__PASSWORD_FILE": str(section.password_file),
        "FORCEDFLOW_ALERTMANAGER__CA_FILE": str(section.ca_file),
    }


def silence(guarded: Guarded, section: AlertmanagerSection, *words: str) -> Result:
    name, *others = words
    given = ["silence", name, "--alertmanager", guarded.url, *others]
    return CliRunner().invoke(main, given, env=environment(section), catch_exceptions=False)


def test_silences_are_made_listed_and_expired(
    guarded: Guarded, section: AlertmanagerSection
) -> None:
    window = ("symbol=NVDA", "--for", "5m", "--comment", "split", "--author", "ana")
    made = silence(guarded, section, "add", *window)
    assert made.exit_code == 0, made.output
    assert "symbol" in silence(guarded, section, "list").stdout

    name = made.stdout.split()[-1]
    assert silence(guarded, section, "expire", name).stdout == f"expired {name}\n"
    assert silence(guarded, section, "list").stdout == ""


def test_a_wrong_password_is_told_to_whoever_silences(
    guarded: Guarded, section: AlertmanagerSection
) -> None:
    write_password(section, WRONG)
    told = silence(guarded, section, "list")

    assert told.exit_code == 1
    assert f"401 it does not take the user '{USER}'" in told.stderr
    assert WRONG not in told.output


def examined(guarded: Guarded, section: AlertmanagerSection) -> Sequence[Finding]:
    question = Question(
        AlertmanagerFacts(url=guarded.url), lambda facts: look_at_alertmanager(facts, section)
    )
    ask_all([question], seconds=10, clock=CLOCK)
    return list(judge_alertmanager(question.told()))


def test_the_doctor_comes_in_and_says_why_where_it_does_not(
    guarded: Guarded, section: AlertmanagerSection
) -> None:
    right, *_notes = examined(guarded, section)
    write_password(section, WRONG)
    (wrong,) = examined(guarded, section)
    (stranger,) = examined(guarded, section.model_copy(update={"ca_file": None}))
    write_password(section, "")
    (empty,) = examined(guarded, section)

    assert right.verdict is Verdict.OK
    assert right.found.startswith("ready, version 0.")
    assert wrong.found.startswith("answers 401 Unauthorized at")
    assert f"does not take the user '{USER}'" in wrong.found
    assert "expected a certificate to trust" in stranger.found
    assert f"{section.password_file}: expected a password, it is empty" in empty.found
    assert all("password_file and ca_file" in one.mend for one in (wrong, stranger, empty))
    assert WRONG not in str(wrong)


def test_the_doctor_notes_a_password_that_everybody_can_read(section: AlertmanagerSection) -> None:
    assert section.password_file is not None
    assert list(judge_password_file(section.password_file)) == []

    section.password_file.chmod(0o644)
    (found,) = judge_password_file(section.password_file)

    assert found.verdict is Verdict.NOTE
    assert found.mend == f"chmod o= {section.password_file}"
    assert list(judge_password_file(None)) == []


def test_an_alerter_as_it_is_started_is_let_in(
    guarded: Guarded, section: AlertmanagerSection, tmp_path: Path, redis_url: str
) -> None:
    alerter = ChildProcess(
        "alerter",
        [
            *(sys.executable, "-m", "services", "alerter", "--metrics-port", "0"),
            *("--universe", str(EXAMPLE / "universe"), "--rules", str(EXAMPLE / "rules.yaml")),
            *("--redis-url", redis_url, "--kafka-bootstrap", f"127.0.0.1:{free_port()}"),
            *("--alertmanager", guarded.url),
        ],
        directory=tmp_path / "alerter",
        environment={**os.environ, **environment(section)},
    )
    alerter.start()
    try:
        alerter.wait_until(
            lambda: '"outcome": "ok"' in alerter.log_file.read_text(), timeout_seconds=30.0
        )
    finally:
        alerter.stop()
    log = alerter.log_file.read_text()
    assert guarded.url in log
    assert PASSWORD not in log
