"""Silences: which alerts one is about, and what is asked of an Alertmanager."""

import json

import msgspec
import pytest

from core.errors import ConfigError
from services.alertmanager_http import Answer
from services.silences import LONGEST_NS, Matcher, SilenceError, Silences, exact_matchers
from tests.support.alert_samples import HOST_NS, key
from tests.support.recording_transport import RecordingTransport
from tests.support.silence_samples import silence, silences_answer

LABELS = key()._asdict()
NAMED = exact_matchers(LABELS)
IDENTITY = (
    Matcher("alertname", "ForcedFlowWatch"),
    Matcher("side", "sell"),
    Matcher("symbol", "ACME"),
)


@pytest.mark.parametrize(
    ("matchers", "covers", "is_exact"),
    [
        (NAMED, True, True),
        (IDENTITY, True, True),
        (IDENTITY[1:], True, False),
        (IDENTITY[:2], True, False),
        ((*IDENTITY[:2], Matcher("symbol", "ACME", is_regex=True)), True, False),
        ((*IDENTITY, Matcher("severity", "critical", is_equal=False)), True, False),
        ((*IDENTITY[:2], Matcher("symbol", "BOLT")), False, False),
        ((Matcher("symbol", "AC", is_regex=True),), False, False),
        ((Matcher("symbol", "BOLT|AC.E", is_regex=True),), True, False),
        ((Matcher("symbol", "A.*", is_regex=True, is_equal=False),), False, False),
        ((Matcher("symbol", "BOLT", is_equal=False),), True, False),
        ((Matcher("team", ""), *NAMED), True, True),
        ((Matcher("team", "desk"),), False, False),
        ((Matcher("symbol", r"(?i)acme", is_regex=True),), True, False),
        ((Matcher("symbol", "(A+)+(A+)+(A+)+(A+)+b", is_regex=True),), False, False),
    ],
)
def test_what_a_silence_is_about(
    matchers: tuple[Matcher, ...], *, covers: bool, is_exact: bool
) -> None:
    found = silence(*matchers)

    assert found.covers(LABELS) is covers
    assert found.names_exactly(LABELS) is is_exact


def test_a_pattern_that_would_take_for_ever_takes_no_time() -> None:
    evil = Matcher("symbol", "(A*)*(A*)*(A*)*b", is_regex=True)

    assert not evil.matches({"symbol": "A" * 5000})


@pytest.mark.parametrize("is_equal", [True, False])
def test_a_pattern_that_is_not_understood_may_match(*, is_equal: bool) -> None:
    assert Matcher("symbol", "(((", is_regex=True, is_equal=is_equal).matches(LABELS)


async def test_listing_asks_version_two_and_understands_the_answer() -> None:
    transport = RecordingTransport()
    wanted = silence(Matcher("symbol", "A.*", is_regex=True), state="pending")
    transport.reply = lambda *_: silences_answer(wanted)

    [found] = await Silences("http://one/prefix/", transport).list()
    assert found == wanted
    assert not found.is_active
    assert transport.asked == [("GET", "http://one/prefix/api/v2/silences", b"")]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(None, "ConnectionRefusedError"),
        Answer(None, "no answer", is_timeout=True),
        Answer(500, "oops"),
        Answer(302, ""),
        Answer(200, "<html>"),
        Answer(200, '[{"id": 7}]'),
    ],
)
async def test_what_cannot_be_told_is_an_error_and_never_no_silence(answer: Answer) -> None:
    transport = RecordingTransport()
    transport.reply = lambda *_: answer

    with pytest.raises(SilenceError, match="http://one: expected"):
        await Silences("http://one", transport).list()


async def test_what_is_created_ends_by_itself() -> None:
    transport = RecordingTransport()
    transport.reply = lambda *_: Answer(200, '{"silenceID": "7"}')
    silences = Silences("http://one", transport)
    hour_ns = 3600 * 10**9

    made = await silences.create(
        IDENTITY, starts_ns=HOST_NS, ends_ns=HOST_NS + hour_ns, created_by="me", comment="seen"
    )
    assert made == "7"
    [(method, url, body)] = transport.asked
    assert (method, url) == ("POST", "http://one/api/v2/silences")
    assert json.loads(body) == {
        "matchers": [
            {"name": one.name, "value": one.value, "isRegex": False, "isEqual": True}
            for one in IDENTITY
        ],
        "startsAt": "2026-09-21T14:13:20.000Z",
        "endsAt": "2026-09-21T15:13:20.000Z",
        "createdBy": "me",
        "comment": "seen",
    }
    for ends_ns in (HOST_NS, HOST_NS + LONGEST_NS + 1):
        with pytest.raises(ConfigError, match="within 7 days"):
            await silences.create(
                IDENTITY, starts_ns=HOST_NS, ends_ns=ends_ns, created_by="me", comment=""
            )
    assert len(transport.asked) == 1


async def test_expiring_names_the_silence_and_nothing_else() -> None:
    transport = RecordingTransport()
    silences = Silences("http://one", transport)
    await silences.expire("01b2/../x")

    assert transport.asked == [("DELETE", "http://one/api/v2/silence/01b2%2F..%2Fx", b"")]
    transport.reply = lambda *_: Answer(500, "silence not found")
    with pytest.raises(SilenceError, match="expected silence 7 to be expired"):
        await silences.expire("7")


def test_matchers_survive_their_wire_form() -> None:
    wire = msgspec.json.encode(NAMED)
    assert msgspec.json.decode(wire, type=tuple[Matcher, ...]) == NAMED
