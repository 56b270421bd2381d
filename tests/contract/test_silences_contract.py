"""What we rely on in a real Alertmanager's silences."""

from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest

from services.alertmanager_http import HttpTransport
from services.clock import SystemClock
from services.silences import Matcher, Silence, SilenceError, Silences, exact_matchers
from tests.support.alert_samples import key
from tests.support.alertmanager_server import AlertmanagerServer

pytestmark = pytest.mark.debian("prometheus-alertmanager")

CLOCK = SystemClock()
MINUTE_NS = 60 * 10**9


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AlertmanagerServer]:
    with AlertmanagerServer(tmp_path_factory.mktemp("alertmanager"), "http://127.0.0.1:9/") as it:
        yield it


@pytest.fixture
async def silences(server: AlertmanagerServer) -> AsyncIterator[Silences]:
    async with aiohttp.ClientSession() as session:
        yield Silences(server.url, HttpTransport(session))


async def create(silences: Silences, *matchers: Matcher, starts_in_ns: int = 0) -> Silence:
    starts_ns = CLOCK.now_ns() + starts_in_ns
    made = await silences.create(
        matchers, starts_ns=starts_ns, ends_ns=starts_ns + MINUTE_NS, created_by="me", comment="it"
    )
    [found] = [one for one in await silences.list() if one.id == made]
    return found


async def test_what_is_created_is_listed_as_it_was_meant(silences: Silences) -> None:
    matchers = (
        Matcher("symbol", "A.*", is_regex=True),
        Matcher("side", "buy", is_equal=False),
    )
    found = await create(silences, *matchers)

    assert set(found.matchers) == set(matchers)
    assert found.is_active
    assert (found.created_by, found.comment) == ("me", "it")
    assert found.ends_at.tzinfo is not None
    assert found.covers(key()._asdict())
    assert not found.names_exactly(key()._asdict())


async def test_one_that_begins_later_is_not_active(silences: Silences) -> None:
    found = await create(silences, *exact_matchers(key()._asdict()), starts_in_ns=MINUTE_NS)

    assert not found.is_active
    assert found.names_exactly(key()._asdict())


async def test_one_that_was_expired_is_over_at_once_and_may_be_expired_again(
    silences: Silences,
) -> None:
    found = await create(silences, *exact_matchers(key()._asdict()))
    await silences.expire(found.id)
    await silences.expire(found.id)

    [after] = [one for one in await silences.list() if one.id == found.id]
    assert not after.is_active


async def test_one_that_never_was_is_an_error(silences: Silences) -> None:
    with pytest.raises(SilenceError, match="not found"):
        await silences.expire("00000000-0000-0000-0000-000000000000")


async def test_a_pattern_that_is_none_is_refused_with_its_reason(silences: Silences) -> None:
    with pytest.raises(SilenceError, match="invalid regular expression"):
        await create(silences, Matcher("symbol", "(((", is_regex=True))
