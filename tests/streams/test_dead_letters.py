import asyncio
import hashlib
from base64 import b64decode, b64encode
from collections.abc import Awaitable

import msgspec
import pytest

from streams.dead_letters import MAX_WAITING_BYTES, DeadLetters
from streams.metric_catalogue import WORKER
from streams.metric_registry import Metrics
from streams.rejects import DeadLetter, Reject
from streams.topics import MAX_EVENT_BYTES, MAX_MESSAGE_BYTES


class Broker:
    """Takes letters while `is_up`; acknowledges each at once."""

    def __init__(self) -> None:
        self.is_up = True
        self.has_letters = asyncio.Event()
        self.letters: list[DeadLetter] = []
        self.keys: list[bytes] = []

    async def send(self, key: bytes, value: bytes) -> Awaitable[object]:
        if not self.is_up:
            raise ConnectionError("down")
        acknowledged: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        acknowledged.set_result(None)
        self.keys.append(key)
        self.letters.append(msgspec.json.decode(value, type=DeadLetter))
        self.has_letters.set()
        return acknowledged


def reject(offset: int = 0, row: int = 0, raw: bytes = b"{") -> Reject:
    return Reject("malformed", "expected a JSON object", offset, row, 1_782_223_200_000, raw)


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(WORKER)


@pytest.fixture
def letters(broker: Broker, metrics: Metrics) -> DeadLetters:
    return DeadLetters(broker.send, metrics)


async def test_a_letter_says_what_where_and_why(letters: DeadLetters, broker: Broker) -> None:
    letters.put("prices", 7, [reject(offset=42, row=3, raw=b"\xff{")])

    await letters.flush()

    assert broker.keys == [b"prices/7/42/3"]
    assert broker.letters == [
        DeadLetter(
            id="prices/7/42/3",
            reason="malformed",
            message="expected a JSON object",
            topic="prices",
            partition=7,
            offset=42,
            row=3,
            timestamp_ms=1_782_223_200_000,
            raw=b64encode(b"\xff{").decode(),
            length=2,
            sha256=hashlib.sha256(b"\xff{").hexdigest(),
        )
    ]


async def test_of_a_long_record_the_first_64_kib_are_kept_and_all_is_hashed(
    letters: DeadLetters, broker: Broker
) -> None:
    raw = bytes(range(256)) * 400

    letters.put("prices", 7, [reject(raw=raw)])
    await letters.flush()

    (letter,) = broker.letters
    assert b64decode(letter.raw) == raw[:MAX_EVENT_BYTES]
    assert (letter.length, letter.sha256) == (len(raw), hashlib.sha256(raw).hexdigest())
    assert len(msgspec.json.encode(letter)) < MAX_MESSAGE_BYTES - 1024


async def test_letters_are_counted_by_reason(letters: DeadLetters, metrics: Metrics) -> None:
    letters.put("prices", 7, [reject(1), reject(2)])

    value = metrics.registry.get_sample_value(
        "forcedflow_dead_letters_total", {"reason": "malformed"}
    )

    assert value == 2


async def test_while_kafka_is_away_letters_wait_and_then_go_in_order(
    letters: DeadLetters, broker: Broker
) -> None:
    broker.is_up = False
    letters.put("prices", 7, [reject(offset) for offset in range(5)])
    with pytest.raises(ConnectionError):
        await letters.flush()
    assert letters.first_waiting("prices", 7) == 0

    broker.is_up = True
    await letters.flush()

    assert [letter.offset for letter in broker.letters] == list(range(5))
    assert letters.first_waiting("prices", 7) is None


async def test_the_first_waiting_offset_is_each_partitions_own(letters: DeadLetters) -> None:
    letters.put("prices", 7, [reject(5), reject(6)])
    letters.put("etf-flows", 7, [reject(2)])

    assert letters.first_waiting("prices", 7) == 5
    assert letters.first_waiting("etf-flows", 7) == 2
    assert letters.first_waiting("prices", 8) is None


async def test_without_room_the_reader_has_to_wait(letters: DeadLetters, broker: Broker) -> None:
    broker.is_up = False
    raw = b"x" * MAX_EVENT_BYTES
    count = MAX_WAITING_BYTES // MAX_EVENT_BYTES + 1
    letters.put("prices", 7, [reject(offset, raw=raw) for offset in range(count)])
    waiting = asyncio.ensure_future(letters.room())
    await asyncio.sleep(0)
    assert not waiting.done()

    broker.is_up = True
    await letters.flush()

    await asyncio.wait_for(waiting, 1)


async def test_the_background_task_writes_what_is_put(letters: DeadLetters, broker: Broker) -> None:
    task = asyncio.create_task(letters.run())

    letters.put("prices", 7, [reject()])
    await asyncio.wait_for(broker.has_letters.wait(), 5)

    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
