"""``/metrics`` over HTTP: one small threaded server a process, on loopback unless told."""

import errno
from types import TracebackType
from typing import Self

from prometheus_client import CollectorRegistry, start_http_server

from core.errors import ConfigError

PORTS_TRIED = 100
"""From the wanted port on: workers of one machine take one after the other."""


class Exposition:
    """Serves a registry until closed; ``port`` is where."""

    def __init__(self, registry: CollectorRegistry, *, port: int, host: str = "127.0.0.1") -> None:
        """Listen on `port`, or on the next one that is free.

        Raises
        ------
        ConfigError
            If none of a hundred ports is free, or the host is not one of this machine.
        """
        for candidate in range(port, min(port + PORTS_TRIED, 65536)):
            try:
                self._server, self._thread = start_http_server(candidate, host, registry)
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    continue
                raise ConfigError(f"/metrics: expected to listen on {host}: {error}") from error
            self.port = candidate
            return
        raise ConfigError(
            f"/metrics: expected a free port from {port} to {port + PORTS_TRIED - 1}, all are taken"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
