"""Debian's Alertmanager with ``--web.config.file``: a password, and a certificate of its own."""

import base64
import ssl
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.alertmanager_server import ALONE, AlertmanagerServer

USER = "forcedflow"
PASSWORD = "right horse"  # noqa: S105  of a server that lives as long as a test
# bcrypt of it at the lowest cost: what is tested is not how long that takes.
HASH = "$2b$04$jF34bq9M9GkRA.hPnv4g3eMi30BCrR4..wX7GRmZ4pNIb/8dFQ6iy"
WEB_CONFIG = """\
tls_server_config:
  cert_file: {certificate}
  key_file: {key}
basic_auth_users:
  {user}: {hash}
"""


@dataclass(frozen=True)
class Guarded:
    """One that is up: its certificate is for 127.0.0.1 alone, and vouches for itself."""

    server: AlertmanagerServer
    certificate: Path

    @property
    def url(self) -> str:
        return self.server.url


@contextmanager
def guarded_alertmanager(directory: Path) -> Iterator[Guarded]:
    """Start one that tells nobody; it ends with the block."""
    directory.mkdir(parents=True, exist_ok=True)
    certificate, key = make_certificate(directory)
    web = directory / "web.yml"
    web.write_text(WEB_CONFIG.format(certificate=certificate, key=key, user=USER, hash=HASH))
    context = ssl.create_default_context(cafile=certificate)
    opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context))
    word = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    opener.addheaders = [("Authorization", f"Basic {word}")]
    with AlertmanagerServer(
        directory,
        "http://127.0.0.1:9/",
        options=[*ALONE, f"--web.config.file={web}"],
        scheme="https",
        opener=opener,
    ) as server:
        yield Guarded(server, certificate)


def make_certificate(directory: Path) -> tuple[Path, Path]:
    """Return certificate and key, new ones, for 127.0.0.1 and a day."""
    certificate, key = directory / "certificate.pem", directory / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "1", "-subj", "/CN=alertmanager"),
            *("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate),
        ],
        check=True,
        capture_output=True,
    )
    return certificate, key
