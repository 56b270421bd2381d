"""Password and certificates for Alertmanagers: what is refused, what is kept, and what is told."""

import base64
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import pytest
from click.testing import CliRunner
from structlog.testing import capture_logs

from core.errors import ConfigError
from services.alertmanager_access import Access, open_access
from services.alertmanager_http import HttpTransport
from services.alertmanager_settings import AlertmanagerSection
from services.cli import main
from services.doctor_settings import DoctorSettings
from services.http_get import HttpError, fetch

LOOPBACK = "http://127.0.0.1:9093"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "password").write_text("clé de voûte\n")
    return tmp_path / "password"


def section(file: Path, ca_file: Path | None = None) -> AlertmanagerSection:
    return AlertmanagerSection(username="ana", password_file=file, ca_file=ca_file)


def sent(access: Access, url: str = LOOPBACK) -> str:
    """Return user and password as they are sent."""
    kind, word = access.headers(url)["Authorization"].split()
    assert kind == "Basic"
    return base64.b64decode(word).decode()


@pytest.mark.parametrize(
    "url",
    [LOOPBACK, "http://[::1]:9093", "http://localhost:9093/am", "https://alerts.example.com"],
)
def test_a_password_goes_to_loopback_and_over_https(file: Path, url: str) -> None:
    assert sent(open_access(section(file), [url]), url) == "ana:clé de voûte"


@pytest.mark.parametrize(
    "url",
    ["http://10.0.0.7:9093", "http://alerts.example.com", "http://127.0.0.1.example.com:9093"],
)
def test_a_password_never_crosses_the_network_in_the_clear(file: Path, url: str) -> None:
    with pytest.raises(ConfigError, match="expected https") as caught:
        open_access(section(file), [LOOPBACK, url])

    assert url in str(caught.value)
    assert "clé" not in str(caught.value)
    assert open_access(AlertmanagerSection(), [url]).headers(url) == {}


@pytest.mark.parametrize("command", [["silence", "list"], ["alerter"]])
def test_a_command_that_would_send_it_in_the_clear_ends_with_status_2(
    file: Path, command: list[str]
) -> None:
    example = Path(__file__).resolve().parents[1] / "data" / "example"
    environment = {
        "FORCEDFLOW_ALERTMANAGER__USERNAME": "ana",
        "FORCEDFLOW_ALERTMANAGER__PASSWORD_FILE": str(file),
        "FORCEDFLOW_ALERTER__RULES": str(example / "rules.yaml"),
        "FORCEDFLOW_UNIVERSE__DIRECTORY": str(example / "universe"),
    }
    words = [*command, "--alertmanager", "http://alerts.example.com:9093"]
    result = CliRunner().invoke(main, words, env=environment)

    assert result.exit_code == 2, result.output
    assert "http://alerts.example.com:9093: expected https" in result.output
    assert "clé" not in result.output


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "No such file"),
        (b"", "it is empty"),
        (b" \n", "it is empty"),
        (b"one\ntwo\n", "expected one line"),
        (b"secret\xff", "expected a text file: UnicodeDecodeError"),
    ],
)
def test_a_file_without_a_password_is_named_and_not_quoted(
    tmp_path: Path, content: bytes | None, told: str
) -> None:
    file = tmp_path / "password"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match=told) as caught:
        Access(section(file))

    assert str(caught.value).startswith(f"alertmanager.password_file {file}: expected")
    assert not any(word in str(caught.value) for word in ("one\n", "two", "secret"))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "there is none"),
        ("-----BEGIN PRIVATE KEY-----\n", "there is none"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "SSLError"),
    ],
)
def test_a_file_without_certificates_is_named(
    file: Path, tmp_path: Path, content: str, told: str
) -> None:
    (tmp_path / "ca.pem").write_text(content)
    with pytest.raises(ConfigError, match=rf"alertmanager\.ca_file .*ca\.pem.*{told}"):
        Access(section(file, tmp_path / "ca.pem"))


def test_what_becomes_of_the_file_is_followed_and_while_it_is_broken_the_last_counts(
    file: Path,
) -> None:
    access = Access(section(file))
    with capture_logs() as logs:
        file.write_text("second")
        assert sent(access) == "ana:second"
        file.write_text("")
        assert [sent(access), sent(access)] == ["ana:second"] * 2
        file.unlink()
        assert [sent(access), sent(access)] == ["ana:second"] * 2
        file.write_text("third")
        assert sent(access) == "ana:third"

    changed, kept = "alertmanager_access_changed", "alertmanager_access_kept"
    assert [each["event"] for each in logs] == [changed, kept, kept, changed]
    assert "it is empty" in logs[1]["fault"]
    assert "No such file" in logs[2]["fault"]
    assert not any(word in str(logs) + repr(access) for word in ("second", "third"))


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"username": "ana"}, "expected password_file too where username is given"),
        ({"password_file": "here"}, "expected username too where password_file is given"),
        ({"username": "a:b", "password_file": "here"}, "without colon"),
        ({"password": "secret"}, "expected a setting that there is"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(values: dict[str, str], told: str) -> None:
    flags = {f"alertmanager.{name}": value for name, value in values.items()}
    with pytest.raises(ConfigError, match=told) as caught:
        DoctorSettings.load(flags)

    assert "setting alertmanager" in str(caught.value)
    assert "secret" not in str(caught.value)


class _Redirect(http.server.BaseHTTPRequestHandler):
    asked: list[tuple[str, bool]]

    def do_GET(self) -> None:
        self.asked.append((self.path, "Authorization" in self.headers))
        self.send_response(302)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def redirecting() -> Iterator[tuple[str, list[tuple[str, bool]]]]:
    asked: list[tuple[str, bool]] = []
    handler = type("Redirect", (_Redirect,), {"asked": asked})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()


async def test_a_password_does_not_follow_a_redirect(file: Path) -> None:
    access = Access(section(file))
    with redirecting() as (url, asked):
        async with aiohttp.ClientSession() as session:
            answer = await HttpTransport(session, access).ask("GET", f"{url}/api/v2/silences")
        with pytest.raises(HttpError, match="302"):
            fetch(f"{url}/-/ready", headers=access.headers(url))

    assert answer.status == 302
    assert asked == [("/api/v2/silences", True), ("/-/ready", True)]
