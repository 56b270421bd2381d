"""Lines out of pieces: the buffer, growing files, sockets."""

import asyncio
import os
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ConfigError
from services.file_tail import FileTail
from services.line_buffer import KEPT_BYTES, LineBuffer
from services.line_server import MAX_CLIENTS, LineServer
from services.text_lines import split_lines

texts = st.text(st.sampled_from("ab\r\n"), max_size=40).map(str.encode)
pieces = st.lists(texts, max_size=10)


def lines_of(data: bytes) -> list[bytes]:
    lines = split_lines(data)
    return [lines.line(index) for index in range(len(lines))]


@given(pieces)
def test_pieces_give_the_lines_of_the_whole(drawn: list[bytes]) -> None:
    buffer = LineBuffer()

    taken = [line for piece in drawn for line in lines_of(buffer.feed(piece))]
    taken += lines_of(buffer.rest())

    assert taken == lines_of(b"".join(drawn))


def test_a_return_waits_for_its_line_feed() -> None:
    buffer = LineBuffer()

    assert buffer.feed(b"a\r") == b""
    assert buffer.feed(b"\nb") == b"a\r\n"
    assert buffer.rest() == b"b"


def test_a_line_without_end_is_cut_and_the_next_is_whole_again() -> None:
    buffer = LineBuffer()

    first = buffer.feed(b"x" * (KEPT_BYTES + 1))
    second = buffer.feed(b"x" * 1000)
    third = buffer.feed(b"x\ngood\n")

    assert first == b"x" * KEPT_BYTES + b"\n"
    assert (second, third) == (b"", b"good\n")


def test_a_growing_file_is_read_from_its_start_and_on(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_bytes(b"one\ntw")
    with closing(FileTail(path)) as tail:
        first = tail.read()
        nothing = tail.read()
        with path.open("ab") as stream:
            stream.write(b"o\nthree\n")
        second = tail.read()

    assert (first.lines, first.is_new) == (b"one\n", True)
    assert (nothing.lines, nothing.is_new, nothing.more) == (b"", False, False)
    assert (second.lines, second.is_new) == (b"two\nthree\n", False)


def test_a_file_moved_away_is_read_to_its_end_before_its_successor(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_bytes(b"one\n")
    with closing(FileTail(path)) as tail:
        tail.read()
        with path.open("ab") as stream:
            stream.write(b"two\nthree")
        path.rename(tmp_path / "prices.csv.1")
        path.write_bytes(b"four\n")
        taken = [tail.read() for _ in range(4)]

    assert [each.lines for each in taken] == [b"two\n", b"three", b"four\n", b""]
    assert [each.is_new for each in taken] == [False, False, True, False]


def test_a_file_cut_to_nothing_is_read_from_its_new_start(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_bytes(b"one\nhalf")
    with closing(FileTail(path)) as tail:
        tail.read()
        os.truncate(path, 0)
        cut = tail.read()
        with path.open("ab") as stream:
            stream.write(b"two\n")
        again = tail.read()

    assert (cut.lines, cut.more) == (b"", True)
    assert (again.lines, again.is_new) == (b"two\n", True)


def test_a_file_that_is_removed_is_gone_until_it_is_there_again(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_bytes(b"one\n")
    with closing(FileTail(path)) as tail:
        tail.read()
        path.unlink()
        while tail.read().more:
            pass
        was_gone = tail.is_gone
        path.write_bytes(b"two\n")
        again = tail.read()
        is_gone = tail.is_gone

    assert was_gone
    assert not is_gone
    assert (again.lines, again.is_new) == (b"two\n", True)


class Recorder:
    """Keeps the lines of a connection."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.data = b""
        self.is_gone = asyncio.Event()

    def lines(self, data: bytes) -> None:
        self.data += data

    def gone(self) -> None:
        self.is_gone.set()


async def test_several_clients_are_heard_at_once() -> None:
    clients: list[Recorder] = []
    arrived: asyncio.Queue[Recorder] = asyncio.Queue()

    def welcome(name: str) -> Recorder:
        clients.append(Recorder(name))
        arrived.put_nowait(clients[-1])
        return clients[-1]

    server = LineServer(welcome)
    await server.listen("127.0.0.1", 0)
    _, one = await asyncio.open_connection("127.0.0.1", server.port)
    _, two = await asyncio.open_connection("127.0.0.1", server.port)
    one.write(b"a1\na")
    two.write(b"b1\n")
    await two.drain()
    one.write(b"2\na3")
    await one.drain()
    one.close()
    two.close()
    await one.wait_closed()
    await two.wait_closed()
    for client in [await arrived.get(), await arrived.get()]:
        await client.is_gone.wait()
    await server.close()

    assert {client.data for client in clients} == {b"a1\na2\na3", b"b1\n"}
    assert len({client.name for client in clients}) == 2
    assert all(client.name.startswith("tcp://127.0.0.1:") for client in clients)


async def test_more_clients_than_there_is_room_for_are_refused() -> None:
    clients: list[Recorder] = []

    def welcome(name: str) -> Recorder:
        clients.append(Recorder(name))
        return clients[-1]

    server = LineServer(welcome)
    await server.listen("127.0.0.1", 0)
    opened = [
        await asyncio.open_connection("127.0.0.1", server.port) for _ in range(MAX_CLIENTS + 1)
    ]
    ended = [asyncio.create_task(reader.read()) for reader, _ in opened]
    await asyncio.wait(ended, return_when=asyncio.FIRST_COMPLETED)
    assert len(clients) == MAX_CLIENTS
    await server.close()
    await asyncio.gather(*ended)
    for _, writer in opened:
        writer.close()
        await writer.wait_closed()

    assert all(client.is_gone.is_set() for client in clients)


async def test_a_port_that_is_taken_is_a_fault_of_the_option() -> None:
    server = LineServer(Recorder)
    await server.listen("127.0.0.1", 0)
    try:
        with pytest.raises(ConfigError, match="--listen: expected to listen on"):
            await LineServer(Recorder).listen("127.0.0.1", server.port)
    finally:
        await server.close()
