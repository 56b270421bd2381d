"""A TCP socket that takes lines from several clients at once."""

import asyncio
from collections.abc import Callable
from typing import Protocol

import structlog

from core.errors import ConfigError
from services.line_buffer import LineBuffer
from streams.cancelling import end_tasks

MAX_CLIENTS = 64
"""Connections at a time; each may hold a quarter of a MiB of a line without end."""
_CHUNK_BYTES = 256 * 1024

log = structlog.get_logger(__name__)


class Client(Protocol):
    """What takes the lines of one connection."""

    def lines(self, data: bytes) -> None:
        """Take whole lines, which follow those of the last call."""
        ...

    def gone(self) -> None:
        """Take note that there are no more."""
        ...


class LineServer:
    """Listens until closed.

    Parameters
    ----------
    welcome : callable    name of a connection -> what takes its lines
    """

    def __init__(self, welcome: Callable[[str], Client]) -> None:
        self._welcome = welcome
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self.port = 0

    async def listen(self, host: str, port: int) -> None:
        """Open the socket; port 0 takes any, ``port`` says which.

        Raises
        ------
        ConfigError
            If it cannot be opened.
        """
        try:
            self._server = await asyncio.start_server(self._connected, host, port)
        except OSError as error:
            raise ConfigError(f"--listen: expected to listen on {host}:{port}: {error}") from error
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Close the socket and all connections; lines that are whole have been taken."""
        if self._server is not None:
            self._server.close()
        await end_tasks(self._connections)
        if self._server is not None:
            await self._server.wait_closed()

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("peername")
        name = f"tcp://{peer[0]}:{peer[1]}"
        if len(self._connections) > MAX_CLIENTS:
            log.warning("client_refused", client=name, limit=MAX_CLIENTS)
            writer.close()
            return
        log.info("client_connected", client=name)
        client = self._welcome(name)
        try:
            await _read_lines(reader, client)
        except OSError as error:
            log.warning("client_failed", client=name, error=str(error))
        finally:
            client.gone()
            writer.close()
            log.info("client_gone", client=name)


async def _read_lines(reader: asyncio.StreamReader, client: Client) -> None:
    buffer = LineBuffer()
    while data := await reader.read(_CHUNK_BYTES):
        if lines := buffer.feed(data):
            client.lines(lines)
    if last := buffer.rest():
        client.lines(last)
