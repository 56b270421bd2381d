"""A TCP proxy on loopback that takes its time."""

import asyncio
import threading
from typing import Self

_CHUNK_BYTES = 64 * 1024
_START_SECONDS = 10.0


class SlowProxy:
    """Passes connections on to a port; what comes back from there comes `delay_seconds` late.

    ``port`` is where it listens once it is entered.
    """

    def __init__(self, target_port: int) -> None:
        self.port = 0
        self.delay_seconds = 0.0
        self._target_port = target_port
        self._loop = asyncio.new_event_loop()
        self._ended = asyncio.Event()
        self._connections: set[asyncio.Task[None]] = set()
        self._is_ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._is_ready.wait(_START_SECONDS)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = int(server.sockets[0].getsockname()[1])
        self._is_ready.set()
        await self._ended.wait()
        server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        writers = [writer]
        try:
            answers, requests = await asyncio.open_connection("127.0.0.1", self._target_port)
            writers.append(requests)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._pass(reader, requests, is_late=False))
                tasks.create_task(self._pass(answers, writer, is_late=True))
        except* OSError:
            # Either end is gone, and so is the other.
            pass
        finally:
            for each in writers:
                each.close()
            await asyncio.gather(*(each.wait_closed() for each in writers), return_exceptions=True)
            self._connections.discard(task)

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_late: bool
    ) -> None:
        """Pass bytes on in order, each chunk as late as any, however many are on the way."""
        chunks: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_send(chunks, writer))
            while chunk := await reader.read(_CHUNK_BYTES):
                late = self.delay_seconds if is_late else 0.0
                chunks.put_nowait((self._loop.time() + late, chunk))
            raise ConnectionResetError


async def _send(chunks: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
    while True:
        due, chunk = await chunks.get()
        await asyncio.sleep(max(due - asyncio.get_running_loop().time(), 0.0))
        writer.write(chunk)
        await writer.drain()
