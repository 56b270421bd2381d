"""Bad rows of files and feeds as dead letters, with the keys of the workers' letters."""

from base64 import b64encode

import msgspec

from services.rejects import Reject


class FileLetter(msgspec.Struct, frozen=True):
    """A bad row in the topic ``dead-letters``, as JSON.

    ``id`` is file:line, ``raw`` the first 64 KiB in base64, ``length`` and ``sha256`` are of all.
    """

    id: str
    reason: str
    file: str
    line: int
    raw: str
    length: int
    sha256: str


def letter(reject: Reject) -> tuple[bytes, bytes]:
    """Return key and value of a bad row's letter."""
    name = f"{reject.file}:{reject.line}"
    content = FileLetter(
        id=name,
        reason=reject.reason,
        file=reject.file,
        line=reject.line,
        raw=b64encode(reject.raw).decode(),
        length=reject.length,
        sha256=reject.sha256,
    )
    return name.encode(), msgspec.json.encode(content)
