"""What is done with batches that do not begin where they should."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from aiokafka.errors import IllegalStateError
from faust.types import TP

from streams.batch_transport import BatchConsumer
from streams.rejects import Record
from tests.support.records import FakeRecord

HERE = TP("prices", 3)
END = 9
"""Where the partition ends: a tail of it may hold markers, which are never handed out."""


class Sink:
    """Expects offset 5 of one partition and notes what it is handed."""

    def __init__(self) -> None:
        self.next = 5
        self.taken: list[list[int]] = []
        self.gaps: list[int] = []

    def next_offset(self, tp: TP) -> int | None:
        return self.next if tp == HERE else None

    async def ready(self) -> None:
        """There is always room."""

    def take(self, tp: TP, records: Sequence[Record]) -> None:
        assert tp == HERE
        self.taken.append([record.offset for record in records])
        self.next = records[-1].offset + 1

    def skipped(self, tp: TP, count: int) -> None:
        assert tp == HERE
        self.gaps.append(count)

    def tails(self) -> list[TP]:
        return [HERE] if self.next < END else []

    def reached(self, tp: TP, position: int) -> None:
        assert tp == HERE
        self.next = position


class Consumer(BatchConsumer):
    """The consumer without its threads and its connection."""

    def __init__(self) -> None:
        self.sink: Any = Sink()
        self.seeks: list[Mapping[TP, int]] = []
        self.is_ours = True
        self.at = 5
        self.loop = asyncio.get_running_loop()
        self._sought = {}
        self._let_go = set()
        self._ask_at = 0.0
        self.fetches: list[tuple[bool, list[int]]] = []

    flow_active = True
    should_stop = False

    async def _wait_next_records(self, *_: object) -> tuple[Any, None]:
        """Return the next fetch, which comes while reading goes on or not; end with the last."""
        if not self.fetches:
            self.should_stop = True
            return {}, None
        self.flow_active, offsets = self.fetches.pop(0)
        return ({HERE: [FakeRecord(b"{}", offset) for offset in offsets]} if offsets else {}), None

    async def drain(self, *fetches: tuple[bool, list[int]]) -> None:
        self.fetches, self.should_stop = list(fetches), False
        await self._drain_messages(self)

    def assignment(self) -> set[TP]:
        return {HERE}

    async def position(self, tp: TP) -> int | None:
        assert tp == HERE
        return self.at

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        if not self.is_ours:
            raise IllegalStateError("not assigned")
        self.seeks.append(partitions)
        self.at = partitions[HERE]

    async def ask(self) -> None:
        self._ask_at = 0.0
        await self._ask_positions()

    async def hand_over(self, *offsets: int, tp: TP = HERE) -> None:
        await self._hand_over(tp, [FakeRecord(b"{}", offset) for offset in offsets])


@pytest.fixture
async def consumer() -> Consumer:
    return Consumer()


async def test_the_expected_offset_is_taken(consumer: Consumer) -> None:
    await consumer.hand_over(5, 6, 7)
    await consumer.hand_over(8)

    assert consumer.sink.taken == [[5, 6, 7], [8]]
    assert consumer.seeks == []


async def test_what_was_handled_before_is_left_out(consumer: Consumer) -> None:
    await consumer.hand_over(3, 4, 5)
    await consumer.hand_over(4, 5)

    assert consumer.sink.taken == [[5]]


async def test_what_is_fetched_before_a_rebalance_resumes_is_fetched_again(
    consumer: Consumer,
) -> None:
    # The rebalance has sought to 5; this is the last record there is.
    await consumer.drain((False, [5]), (False, []), (True, []))

    assert consumer.sink.taken == []
    assert consumer.seeks == [{HERE: 5}]
    await consumer.drain((True, [5]), (True, []))
    assert consumer.sink.taken == [[5]]
    assert consumer.seeks == [{HERE: 5}]


async def test_a_later_record_that_comes_first_after_a_rebalance_hides_none(
    consumer: Consumer,
) -> None:
    await consumer.drain((False, [5]), (True, [6]), (True, [5, 6]))

    assert consumer.sink.taken == [[5, 6]]
    assert consumer.sink.gaps == []


async def test_what_cannot_be_sought_after_a_rebalance_is_sought_with_the_next_fetch(
    consumer: Consumer,
) -> None:
    consumer.is_ours = False
    await consumer.drain((False, [5]), (True, []))
    consumer.is_ours = True
    await consumer.drain((True, []))

    assert consumer.seeks == [{HERE: 5}]


async def test_a_partition_that_is_not_served_is_left_alone(consumer: Consumer) -> None:
    await consumer.hand_over(5, tp=TP("prices", 4))

    assert (consumer.sink.taken, consumer.seeks) == ([], [])


async def test_a_batch_from_further_on_is_read_again_from_where_it_should_begin(
    consumer: Consumer,
) -> None:
    await consumer.hand_over(9, 10)
    await consumer.hand_over(5, 6)

    assert consumer.seeks == [{HERE: 5}]
    assert consumer.sink.taken == [[5, 6]]
    assert consumer.sink.gaps == []


async def test_offsets_that_do_not_come_even_then_are_gone_and_counted(
    consumer: Consumer,
) -> None:
    await consumer.hand_over(9, 10)
    await consumer.hand_over(9, 10)
    await consumer.hand_over(20)
    await consumer.hand_over(20)

    assert consumer.seeks == [{HERE: 5}, {HERE: 11}]
    assert consumer.sink.taken == [[9, 10], [20]]
    assert consumer.sink.gaps == [4, 9]


async def test_a_seek_that_fails_is_tried_with_the_next_batch(consumer: Consumer) -> None:
    consumer.is_ours = False
    await consumer.hand_over(9)
    consumer.is_ours = True
    await consumer.hand_over(9)

    assert consumer.seeks == [{HERE: 5}]
    assert consumer.sink.taken == []


async def test_a_tail_of_markers_counts_as_read_once_it_was_sought(consumer: Consumer) -> None:
    consumer.at = END
    await consumer.ask()
    assert consumer.sink.next == 5
    # Nothing comes of it, and the position is beyond again.
    consumer.at = END
    await consumer.ask()

    assert consumer.seeks == [{HERE: 5}]
    assert consumer.sink.next == END


async def test_records_let_go_while_a_rebalance_went_on_are_read_again(
    consumer: Consumer,
) -> None:
    # A poll from before the rebalance has returned what was fetched after its seek.
    consumer.at = END
    await consumer.ask()
    assert consumer.at == 5
    await consumer.hand_over(5, 6, 7, 8)
    consumer.at = END
    await consumer.ask()

    assert consumer.sink.taken == [[5, 6, 7, 8]]
    assert consumer.sink.gaps == []
