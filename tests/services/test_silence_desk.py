"""Which Alertmanager is asked for a silence, where some refuse."""

import json

import pytest

from services.alertmanager_http import Answer, Method
from services.silence_desk import Desk, create, expire, look
from services.silence_request import Window
from services.silences import Matcher
from tests.support.recording_transport import RecordingTransport
from tests.support.silence_samples import silence, silences_answer

HELD = silence(Matcher("symbol", "ACME"), silence_id="held")
TWINS = {"status": "ready", "name": "a", "peers": [{"name": "a"}, {"name": "b"}]}
ALONE = {"status": "disabled", "peers": []}
CLUSTERS = {"http://a": TWINS, "http://b": TWINS, "http://alone": ALONE}


class World:
    """Three Alertmanagers of which a test breaks some."""

    def __init__(self) -> None:
        self.transport = RecordingTransport()
        self.transport.reply = self._reply
        self.refusing: set[str] = set()
        self.dead: set[str] = set()

    async def look(self) -> Desk:
        return await look(tuple(CLUSTERS), self.transport)

    def changed(self, method: Method) -> list[str]:
        """Return whom a change was asked of."""
        return [url.partition("/api")[0] for how, url, _ in self.transport.asked if how == method]

    def _reply(self, method: Method, url: str, _body: bytes) -> Answer:
        base, _, what = url.partition("/api/v2/")
        if base in self.dead:
            return Answer(None, "refused the connection")
        if method == "GET":
            texts = {
                "status": json.dumps({"cluster": CLUSTERS[base]}),
                "alerts": "[]",
                "silences": silences_answer(HELD).body,
            }
            return Answer(200, texts[what])
        if base in self.refusing:
            return Answer(500, "disk full")
        return Answer(200, json.dumps({"silenceID": base}))


@pytest.fixture
def world() -> World:
    return World()


async def made(world: World) -> tuple[tuple[str, ...], tuple[str, ...]]:
    outcome = await create(
        await world.look(),
        [Matcher("symbol", "ACME")],
        world.transport,
        window=Window(0, 60_000_000_000),
        author="ana",
        comment="why",
    )
    return outcome.ids, outcome.failures


async def test_one_of_each_cluster_is_told(world: World) -> None:
    assert await made(world) == (("http://a", "http://alone"), ())
    assert world.changed("POST") == ["http://a", "http://alone"]


async def test_where_one_refuses_its_twin_is_told(world: World) -> None:
    world.refusing.add("http://a")

    assert await made(world) == (("http://b", "http://alone"), ())


async def test_where_all_of_a_cluster_refuse_it_is_said(world: World) -> None:
    world.refusing |= {"http://a", "http://b"}
    ids, failures = await made(world)

    assert ids == ("http://alone",)
    assert [text.partition(": ")[0] for text in failures] == ["http://a", "http://b"]
    assert all("disk full" in text for text in failures)


async def test_one_that_is_gone_is_named_and_its_twin_is_told(world: World) -> None:
    world.dead.add("http://a")
    desk = await world.look()

    assert [sight.url for cluster in desk.clusters for sight in cluster] == [
        "http://b",
        "http://alone",
    ]
    assert [text.partition(": ")[0] for text in desk.unreached] == ["http://a"]
    assert (await made(world))[0] == ("http://b", "http://alone")


async def test_a_silence_is_listed_once_with_all_that_have_it(world: World) -> None:
    [held] = (await world.look()).silences()

    assert held.silence == HELD
    assert held.urls == list(CLUSTERS)


async def test_a_silence_is_expired_where_it_is(world: World) -> None:
    desk = await world.look()

    assert (await expire(desk, "held", world.transport)).ids == ("held", "held")
    assert world.changed("DELETE") == ["http://a", "http://alone"]
    assert (await expire(desk, "other", world.transport)).ids == ()


async def test_an_answer_that_is_none_is_told_apart(world: World) -> None:
    world.transport.reply = lambda *_: Answer(200, "<html>")
    desk = await world.look()

    assert desk.clusters == ()
    assert len(desk.unreached) == len(CLUSTERS)
