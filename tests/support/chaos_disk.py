"""A disk for a broker that can be filled to the last byte, and emptied again."""

import errno
import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from services.embedded_kafka import EmbeddedKafka

SIZE = "64m"
_CHUNK = bytes(64 * 1024)


class Disk(Protocol):
    """What the broker's data lie on."""

    def fill(self) -> None:
        """Leave no room for another byte."""
        ...

    def free(self) -> None:
        """Make room again."""
        ...


class _Tmpfs:
    """A small file system, filled by a file beside the data."""

    def __init__(self, data: Path) -> None:
        self._filler = data / "filler"

    def fill(self) -> None:
        with self._filler.open("ab", buffering=0) as file:
            try:
                while True:
                    file.write(_CHUNK)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise

    def free(self) -> None:
        self._filler.unlink()


class _Quota:
    """Where nobody may mount: no file of the broker may grow any more."""

    def __init__(self, kafka: EmbeddedKafka) -> None:
        self._kafka = kafka

    def fill(self) -> None:
        resource.prlimit(self._kafka.pid, resource.RLIMIT_FSIZE, (0, 0))

    def free(self) -> None:
        """The next process has no such limit."""


@contextmanager
def small_disk(kafka: EmbeddedKafka) -> Iterator[Disk]:
    """Put the data of a broker that has not started on a disk of its own."""
    data = kafka.node.data
    data.mkdir(parents=True)
    if os.geteuid() != 0 or not _mounted(data):
        yield _Quota(kafka)
        return
    try:
        yield _Tmpfs(data)
    finally:
        kafka.kill()
        subprocess.run(["umount", str(data)], check=True)  # noqa: S607 (util-linux, on the PATH)


def _mounted(data: Path) -> bool:
    words = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(data)]
    return subprocess.run(words, check=False, capture_output=True).returncode == 0
