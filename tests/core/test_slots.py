"""Slots against a slow oracle: a dictionary in which the greatest tuple wins."""

from typing import NamedTuple

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.sessions import NO_TIME
from core.slots import Candidates, Slots

SIZE = 5


class Event(NamedTuple):
    slot: int
    event_ns: int
    sequence: int
    rank: int
    value: float

    @property
    def key(self) -> tuple[int, int, int, float]:
        return self.event_ns, self.sequence, self.rank, self.value


# Few distinct figures, so that ties of every depth and exact duplicates are common.
EVENTS = st.builds(
    Event,
    slot=st.integers(0, SIZE - 1),
    event_ns=st.integers(-2, 3) | st.just(10**18),
    sequence=st.integers(0, 2),
    rank=st.sampled_from([0, 7, 2**55]),
    value=st.sampled_from([-5e6, 0.0, 99.5, 100.0]),
)
BATCHES = st.lists(st.lists(EVENTS, max_size=30), max_size=6)
FEEDS = st.lists(EVENTS, max_size=30).map(lambda events: sorted(events, key=lambda e: e.event_ns))


def candidates(events: list[Event]) -> Candidates:
    columns = list(zip(*events, strict=True)) or [()] * 5
    return Candidates(
        slot=np.array(columns[0], np.int64),
        event_ns=np.array(columns[1], np.int64),
        sequence=np.array(columns[2], np.int64),
        rank=np.array(columns[3], np.int64),
        value=np.array(columns[4], np.float64),
    )


def events_of(batch: Candidates) -> list[Event]:
    columns = (batch.slot, batch.event_ns, batch.sequence, batch.rank, batch.value)
    return [Event(*row) for row in zip(*(c.tolist() for c in columns), strict=True)]


def winners(events: list[Event]) -> dict[int, Event]:
    best: dict[int, Event] = {}
    for event in events:
        if event.slot not in best or event.key > best[event.slot].key:
            best[event.slot] = event
    return best


def held(slots: Slots) -> dict[int, Event]:
    everything = Candidates(
        np.arange(SIZE), slots.event_ns, slots.sequence, slots.rank, slots.value
    )
    return {e.slot: e for e in events_of(everything) if e.event_ns != NO_TIME}


@given(events=st.lists(EVENTS, max_size=30) | FEEDS)
def test_the_latest_of_a_batch_are_the_greatest_of_each_slot(events: list[Event]) -> None:
    latest = events_of(Slots(SIZE).latest(candidates(events)))

    assert len(latest) == len({event.slot for event in latest})
    assert {event.slot: event for event in latest} == winners(events)


@given(batches=BATCHES)
def test_slots_hold_the_greatest_of_all_batches_and_say_which_of_them_won(
    batches: list[list[Event]],
) -> None:
    slots = Slots(SIZE)
    seen: list[Event] = []
    for batch in batches:
        before = winners(seen)
        best = slots.latest(candidates(batch))

        wins = slots.offer(best)

        seen += batch
        after = winners(seen)
        assert held(slots) == after
        offered = events_of(best)
        assert wins.tolist() == [after[e.slot] != before.get(e.slot) for e in offered]


def test_an_empty_slot_is_unknown() -> None:
    slots = Slots(2)
    slots.offer(candidates([Event(0, 5, 1, 2, 3.0)]))

    assert slots.event_ns.tolist() == [5, NO_TIME]
    assert np.isnan(slots.value).tolist() == [False, True]


def test_a_batch_is_one_slots_winner_however_often_the_same_instant_comes() -> None:
    same = [Event(3, 10**18, 0, 0, value) for value in (1.0, 4.0, 2.0)]

    latest = Slots(SIZE).latest(candidates([*same, Event(3, 10**18 - 1, 9, 9, 9.0)]))

    assert events_of(latest) == [same[1]]


def test_slots_grow_and_are_emptied_without_a_trace() -> None:
    slots = Slots(2)
    slots.offer(candidates([Event(0, 5, 1, 2, 3.0), Event(1, 6, 1, 2, 4.0)]))

    slots.grow(5)
    slots.empty(np.array([0]))
    slots.offer(slots.latest(candidates([Event(4, 7, 0, 0, 8.0), Event(0, 1, 0, 0, 2.0)])))

    assert slots.event_ns.tolist() == [1, 6, NO_TIME, NO_TIME, 7]
    np.testing.assert_array_equal(slots.value, [2.0, 4.0, np.nan, np.nan, 8.0])
