"""The same work as a plain Faust agent, event by event: the slow oracle of the batch transport.

Run: python stock_agent_oracle.py BOOTSTRAP PREFIX UNIVERSE EVENTS DIRECTORY. Reads that many events
from the inputs, writes each partition's encoded partial into the directory, and ends.
"""

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path

import faust
from faust.types import StreamT

from services.universe_files import load_universe
from streams.logs import Log
from streams.partials import encode_partial
from streams.partition import Partition
from streams.topics import INPUTS, PARTITIONS


@dataclass(frozen=True)
class OneRecord:
    value: bytes | None
    offset: int
    timestamp: int


async def main(
    bootstrap: str, prefix: str, universe_folder: str, events: str, directory: str
) -> None:
    universe = load_universe(Path(universe_folder))
    partitions = [
        Partition(universe, number, token=1, logs={topic: Log(0, 0, 0) for topic in INPUTS})
        for number in range(PARTITIONS)
    ]
    done = asyncio.Event()
    app = faust.App(
        f"{prefix}oracle",
        broker=f"kafka://{bootstrap}",
        consumer_auto_offset_reset="earliest",
        web_enabled=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        datadir=Path(directory) / "faust",
    )
    names = [f"{prefix}{topic}" for topic in INPUTS]
    topic = app.topic(*names, value_type=bytes, key_serializer="raw", value_serializer="raw")

    async def apply(stream: StreamT[bytes]) -> None:
        count = 0
        async for event in stream.events():
            message = event.message
            record = OneRecord(message.value, message.offset, round(message.timestamp * 1000))
            partitions[message.partition].take(message.topic.removeprefix(prefix), [record])
            count += 1
            if count == int(events):
                done.set()

    app.agent(topic, name="apply")(apply)
    await app.start()
    await done.wait()
    await app.stop()
    for partition in partitions:
        content = encode_partial(
            partition.book.partial(), universe=universe.version, partition=partition.number
        )
        (Path(directory) / f"{partition.number}.partial").write_bytes(content)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
