import asyncio
import json
from collections.abc import Sequence

from services.alert_audit import AuditError, AuditTrail, audit_key, audit_value
from services.alert_ledger import Ledger, TransitionRecord, acknowledged
from tests.support.alert_samples import HOST_NS, cleared, fired, happen, key
from tests.support.manual_clock import ManualClock


class ScriptedLog:
    """An audit log that acknowledges, refuses or hangs as the test says."""

    def __init__(self) -> None:
        self.appended: list[int] = []
        self.is_up = True
        self.gate = asyncio.Event()
        self.gate.set()

    async def append(self, records: Sequence[TransitionRecord]) -> None:
        await self.gate.wait()
        if not self.is_up:
            message = "no broker"
            raise AuditError(message)
        self.appended += [record.sequence for record in records]


class Scene:
    def __init__(self) -> None:
        self.clock = ManualClock(HOST_NS)
        self.log = ScriptedLog()
        self.outcomes: list[tuple[str, int]] = []
        self.releases = 0
        self.trail = AuditTrail(
            self.log,
            clock=self.clock,
            on_released=self._count,
            on_outcome=lambda outcome, count: self.outcomes.append((outcome, count)),
        )

    def _count(self) -> None:
        self.releases += 1

    async def follow(self, ledger: Ledger, *, seconds: float = 0.0) -> None:
        self.clock.advance(seconds)
        self.trail.follow(ledger)
        if self.log.gate.is_set():
            await self.trail.settle()
        else:
            await asyncio.sleep(0)


async def test_a_transition_is_released_once_it_is_acknowledged() -> None:
    scene = Scene()
    await scene.follow(happen(Ledger(), fired(), fired("BOLT")))

    assert scene.log.appended == [1, 2]
    assert scene.trail.acknowledged == scene.trail.released == 2
    assert scene.releases == 1
    assert scene.outcomes == [("acknowledged", 2)]


async def test_nothing_is_appended_twice_while_kafka_answers() -> None:
    scene = Scene()
    ledger = happen(Ledger(), fired())
    for _ in range(5):
        await scene.follow(ledger, seconds=0.1)
    ledger = happen(acknowledged(ledger, 1), cleared())
    await scene.follow(ledger, seconds=0.1)

    assert scene.log.appended == [1, 2]


async def test_without_kafka_a_transition_is_released_after_a_second() -> None:
    scene = Scene()
    scene.log.is_up = False
    ledger = happen(Ledger(), fired())
    await scene.follow(ledger)
    await scene.follow(ledger, seconds=0.9)
    assert scene.trail.released == 0

    await scene.follow(ledger, seconds=0.2)
    assert scene.trail.released == 1
    assert scene.trail.acknowledged == 0
    assert ("unaudited", 1) in scene.outcomes


async def test_a_broker_that_hangs_does_not_hold_a_transition_either() -> None:
    scene = Scene()
    scene.log.gate.clear()
    ledger = happen(Ledger(), fired())
    await scene.follow(ledger)
    await scene.follow(ledger, seconds=1.1)

    assert scene.trail.released == 1
    scene.log.gate.set()
    await scene.trail.settle()
    assert scene.trail.acknowledged == 1


async def test_what_was_sent_unaudited_is_appended_when_kafka_is_back() -> None:
    scene = Scene()
    scene.log.is_up = False
    ledger = happen(Ledger(), fired())
    for _ in range(30):
        await scene.follow(ledger, seconds=0.1)
    tries = sum(outcome == "failed" for outcome, _ in scene.outcomes)
    scene.log.is_up = True
    await scene.follow(happen(ledger, cleared()), seconds=1.1)

    assert 2 <= tries <= 4
    assert scene.log.appended == [1, 2]


async def test_after_a_restart_only_the_outbox_is_appended_again() -> None:
    scene = Scene()
    ledger = happen(happen(Ledger(), fired(), fired("BOLT")), cleared())
    scene.trail.begin(acknowledged(ledger, 2))
    await scene.trail.settle()

    assert scene.log.appended == [3]
    assert scene.trail.released == 3


async def test_after_a_restart_with_an_empty_outbox_everything_is_released() -> None:
    scene = Scene()
    scene.trail.begin(acknowledged(happen(Ledger(), fired()), 1))

    assert scene.trail.released == 1


def test_a_record_names_its_alert_and_tells_times_a_person_can_read() -> None:
    [record] = happen(Ledger(), fired()).outbox

    value = json.loads(audit_value(record))
    assert audit_key(record.key) == b"ForcedFlowWatch|watch|forced-flow|sell|symbol|ACME"
    assert value["key"] == key()._asdict()
    assert value["change"] == "firing"
    assert value["starts_ns"] == HOST_NS
    assert value["starts_at"] == "2026-09-21T14:13:20.000Z"
