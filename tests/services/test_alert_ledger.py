import msgspec
import pytest

from core.alerts import Change, Phase, Reason
from core.sessions import NANOS_PER_SECOND
from services.alert_dispatch import batch_of
from services.alert_ledger import (
    CLOSED_KEPT,
    OUTBOX_KEPT,
    Ledger,
    LedgerError,
    acknowledged,
    advanced,
    decode,
    encode,
    noted_sent,
    pruned,
)
from services.resolve_gate import Identity, identity
from tests.support.alert_samples import (
    HOST_NS,
    cleared,
    fired,
    happen,
    key,
    pending,
    state,
    transition,
)

MINUTE_NS = 60 * NANOS_PER_SECOND
NOBODY: frozenset[Identity] = frozenset()


def test_a_ledger_comes_back_from_its_bytes_as_it_was() -> None:
    ledger = happen(Ledger(), fired(), fired("BOLT"))
    ledger = happen(ledger, cleared(), transition(Change.UNKNOWN, key("BOLT")))
    ledger = msgspec.structs.replace(ledger, pending=((key("CORE"), pending()),))

    assert decode(encode(ledger)) == ledger


@pytest.mark.parametrize(
    ("stored", "found"),
    [
        (b'{"version": 2, "anything": []}', "version 2"),
        (b'{"sequence": 1}', "missing required field `version`"),
        (b"\x80\x04pickled", "do not decode"),
        (b'{"version": 1, "sequence": "one"}', "Expected `int`"),
    ],
)
def test_a_ledger_of_another_format_is_refused(stored: bytes, found: str) -> None:
    with pytest.raises(LedgerError, match="format version 1") as refusal:
        decode(stored)

    assert found in str(refusal.value)


def test_a_firing_starts_at_host_time_and_keeps_that_start() -> None:
    ledger = happen(Ledger(), fired(), now_ns=HOST_NS)
    ledger = happen(ledger, transition(Change.UNKNOWN), now_ns=HOST_NS + MINUTE_NS)
    ledger = happen(ledger, transition(Change.KNOWN), now_ns=HOST_NS + 2 * MINUTE_NS)

    [episode] = ledger.episodes
    assert episode.starts_ns == HOST_NS
    assert episode.ends_ns is None
    assert (episode.fired_sequence, episode.sequence) == (1, 3)


def test_a_resolve_ends_at_host_time_with_its_reason_and_last_texts() -> None:
    ledger = happen(Ledger(), fired(), now_ns=HOST_NS)
    ledger = happen(ledger, cleared(), now_ns=HOST_NS + MINUTE_NS)

    [episode] = ledger.episodes
    assert episode.ends_ns == HOST_NS + MINUTE_NS
    assert episode.resolved_ns == cleared().at_ns
    assert episode.reason is Reason.CLEARED
    assert episode.annotations == {"summary": "firing", "description": "cleared"}
    assert ledger.states() == {}


def test_an_end_is_never_before_the_start_though_the_host_clock_went_back() -> None:
    ledger = happen(Ledger(), fired(), now_ns=HOST_NS)
    ledger = happen(ledger, cleared(), now_ns=HOST_NS - MINUTE_NS)

    [episode] = ledger.episodes
    assert episode.starts_ns == episode.ends_ns == HOST_NS - MINUTE_NS
    [resolve] = batch_of(
        ledger.episodes, released=ledger.sequence, now_ns=HOST_NS - MINUTE_NS, texts={}
    ).resolves
    assert resolve.ended.starts_at == resolve.ended.ends_at


def test_firing_again_is_a_new_episode_and_the_old_one_is_closed() -> None:
    ledger = happen(Ledger(), fired(), now_ns=HOST_NS)
    ledger = happen(ledger, cleared(), now_ns=HOST_NS + MINUTE_NS)
    ledger = happen(ledger, fired(), now_ns=HOST_NS + 2 * MINUTE_NS)

    assert [episode.starts_ns for episode in ledger.episodes] == [HOST_NS + 2 * MINUTE_NS]
    assert [episode.ends_ns for episode in ledger.closed] == [HOST_NS + MINUTE_NS]


def test_firing_and_resolving_in_one_evaluation_is_one_episode() -> None:
    ledger = happen(Ledger(), fired(), cleared())

    [episode] = ledger.episodes
    assert (episode.fired_sequence, episode.sequence) == (1, 2)
    assert episode.ends_ns == HOST_NS


def test_states_go_on_from_pending_and_firing_alike() -> None:
    states = {key(): state(), key("BOLT"): pending()}
    ledger = happen(Ledger(), fired())
    moved = {**states, key(): state(value=-0.04)}
    ledger = advanced(
        ledger,
        moved,
        [],
        now_ns=HOST_NS,
        tell=lambda _key, _state, last: last,
        tell_end=lambda _transition, last: last,
    )

    assert ledger.states() == moved
    assert ledger.states()[key("BOLT")].phase is Phase.PENDING


def test_what_changes_nothing_leaves_an_equal_ledger() -> None:
    ledger = happen(Ledger(), fired())

    assert happen(ledger) == ledger


def test_every_transition_waits_in_the_outbox_until_it_is_acknowledged() -> None:
    ledger = happen(Ledger(), fired(), fired("BOLT"))
    ledger = happen(ledger, cleared())

    changes = [(record.sequence, record.key.symbol, record.change) for record in ledger.outbox]
    assert changes == [(1, "ACME", "firing"), (2, "BOLT", "firing"), (3, "ACME", "resolved")]
    assert [record.sequence for record in acknowledged(ledger, 2).outbox] == [3]
    assert acknowledged(ledger, 0) is ledger


def test_the_outbox_is_bounded() -> None:
    ledger = happen(Ledger(), fired())
    for _ in range(3):
        ledger = happen(ledger, *([transition(Change.UNKNOWN)] * (OUTBOX_KEPT // 2)))

    assert len(ledger.outbox) == OUTBOX_KEPT
    assert ledger.outbox[-1].sequence == ledger.sequence


def test_a_resolve_is_kept_for_a_quarter_of_an_hour_after_everyone_had_it() -> None:
    ledger = happen(happen(Ledger(), fired()), cleared())
    assert noted_sent(ledger, 1, withheld=NOBODY, now_ns=HOST_NS) is ledger

    told_ns = HOST_NS + 30 * MINUTE_NS
    ledger = noted_sent(ledger, 2, withheld=NOBODY, now_ns=told_ns)
    assert noted_sent(ledger, 2, withheld=NOBODY, now_ns=told_ns + 1) is ledger

    before = pruned(ledger, now_ns=told_ns + 15 * MINUTE_NS - 1, has_peers=True)
    after = pruned(ledger, now_ns=told_ns + 15 * MINUTE_NS, has_peers=True)
    assert before is ledger
    assert after.episodes == ()
    assert [episode.key for episode in after.closed] == [key()]


@pytest.mark.parametrize(("has_peers", "kept_minutes"), [(True, 24 * 60), (False, 15)])
def test_a_resolve_nobody_took_is_kept_longer(has_peers: bool, kept_minutes: int) -> None:  # noqa: FBT001
    ledger = happen(happen(Ledger(), fired()), cleared())
    until_ns = HOST_NS + kept_minutes * MINUTE_NS

    assert pruned(ledger, now_ns=until_ns - 1, has_peers=has_peers).episodes
    assert not pruned(ledger, now_ns=until_ns, has_peers=has_peers).episodes


def test_a_resolve_that_a_silence_withholds_is_neither_sent_nor_forgotten() -> None:
    ledger = happen(happen(Ledger(), fired()), cleared())
    withheld = frozenset({identity(key()._asdict())})
    late_ns = HOST_NS + 5 * 24 * 60 * MINUTE_NS

    assert noted_sent(ledger, 2, withheld=withheld, now_ns=late_ns) is ledger
    assert pruned(ledger, now_ns=late_ns, has_peers=True, withheld=withheld) is ledger

    ledger = noted_sent(ledger, 2, withheld=NOBODY, now_ns=late_ns)
    assert pruned(ledger, now_ns=late_ns, has_peers=True).episodes == ledger.episodes
    assert not pruned(ledger, now_ns=late_ns + 15 * MINUTE_NS, has_peers=True).episodes


def test_what_fires_is_never_pruned() -> None:
    ledger = happen(Ledger(), fired())

    assert pruned(ledger, now_ns=HOST_NS + 10**18, has_peers=True) is ledger


def test_closed_episodes_are_bounded_in_number_and_age() -> None:
    ledger = Ledger()
    for number in range(CLOSED_KEPT + 5):
        ledger = happen(ledger, fired(), now_ns=HOST_NS + number)
        ledger = happen(ledger, cleared(), now_ns=HOST_NS + number)
    ledger = happen(ledger, fired(), now_ns=HOST_NS)
    assert len(ledger.closed) == CLOSED_KEPT

    assert pruned(ledger, now_ns=HOST_NS + 8 * 24 * 60 * MINUTE_NS, has_peers=True).closed == ()
