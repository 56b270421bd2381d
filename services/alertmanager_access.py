"""How this service proves to an Alertmanager who it is, and an Alertmanager to it.

The one place for password and certificates: pushes, reviews of silences, ``forcedflow silence``
and the doctor ask here before each request. The files are read anew each time, so that neither a
new password nor a new certificate needs a restart; while one of them cannot be used, what it held
before counts. The password is in no log, no error and no `repr`.
"""

import base64
import ssl
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Generic, TypeVar
from urllib.parse import urlsplit

import structlog

from core.errors import ConfigError
from services.alertmanager_settings import AlertmanagerSection
from services.loopback import is_loopback

log = structlog.get_logger(__name__)

UNAUTHORIZED = 401

Value = TypeVar("Value")


def open_access(section: AlertmanagerSection, urls: Iterable[str]) -> "Access":
    """Return what requests to these Alertmanagers need.

    Raises
    ------
    ConfigError
        If a file cannot be used, or a password would cross the network in the clear.
    """
    access = Access(section)
    for url in urls:
        access.headers(url)
    return access


class Access:
    """Password and certificates, as their files hold them now.

    Raises
    ------
    ConfigError
        If a file cannot be used at the start.
    """

    def __init__(self, section: AlertmanagerSection) -> None:
        self._section = section
        self._password = _followed("password_file", section.password_file, parse=_password)
        self._context = _followed("ca_file", section.ca_file, parse=_context)

    def headers(self, url: str) -> dict[str, str]:
        """Return the headers of a request to this address; none without a password.

        Raises
        ------
        ConfigError
            If the password would cross the network in the clear.
        """
        if self._password is None:
            return {}
        parts = urlsplit(url)
        if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
            raise ConfigError(
                f"{url}: expected https (http for loopback alone) where alertmanager.password_file"
                " is set: the password would cross the network in the clear"
            )
        pair = f"{self._section.username}:{self._password.current()}"
        return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}

    def context(self) -> ssl.SSLContext | None:
        """Return what judges certificates, the host's name among it; None: as the machine does."""
        return None if self._context is None else self._context.current()

    def unauthorized(self) -> str:
        """Return in words what status 401 says of our settings."""
        if self._section.password_file is None:
            return (
                "it wants a user and a password:"
                " alertmanager.username and alertmanager.password_file name them"
            )
        return (
            f"it does not take the user {self._section.username!r} (alertmanager.username) with the"
            f" password in {self._section.password_file} (alertmanager.password_file)"
        )


class _Followed(Generic[Value]):
    """A file that is read anew at each look; while it cannot be used, what it held before counts.

    Nothing can be used of it at the start: a `ConfigError`.
    """

    def __init__(self, setting: str, file: Path, *, parse: Callable[[str], Value]) -> None:
        self._where = f"alertmanager.{setting} {file}"
        self._file = file
        self._parse = parse
        self._text = self._read()
        self._value = self._parsed(self._text)
        self._fault = ""

    def current(self) -> Value:
        """Return what the file holds, or held when it could last be used."""
        fault = self._renewed()
        if fault and fault != self._fault:
            log.error("alertmanager_access_kept", fault=fault)
        self._fault = fault
        return self._value

    def _renewed(self) -> str:
        """Take up what has changed; return what is wrong with it."""
        try:
            text = self._read()
            if text != self._text:
                self._value, self._text = self._parsed(text), text
                log.info("alertmanager_access_changed", file=self._where)
        except ConfigError as error:
            return str(error)
        return ""

    def _read(self) -> str:
        try:
            return self._file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            # The words of a decoder quote what it read.
            why = getattr(error, "strerror", None) or type(error).__name__
            raise ConfigError(f"{self._where}: expected a text file: {why}") from None

    def _parsed(self, text: str) -> Value:
        try:
            return self._parse(text)
        except ConfigError as error:
            raise ConfigError(f"{self._where}: {error}") from None


def _followed(
    setting: str, file: Path | None, *, parse: Callable[[str], Value]
) -> _Followed[Value] | None:
    return None if file is None else _Followed(setting, file, parse=parse)


def _password(text: str) -> str:
    password = text.strip()
    if not password:
        raise ConfigError("expected a password, it is empty")
    if not password.isprintable():
        # A second line as a rule; which characters, would tell of the password.
        raise ConfigError("expected one line of printable characters")
    return password


def _context(text: str) -> ssl.SSLContext:
    # Of an empty text `ssl` makes the trust of the whole machine.
    if "-----BEGIN CERTIFICATE-----" not in text:
        raise ConfigError("expected certificates (PEM), there is none")
    try:
        return ssl.create_default_context(cadata=text)
    except (ssl.SSLError, ValueError, TypeError) as error:
        raise ConfigError(f"expected certificates (PEM): {type(error).__name__}") from None
