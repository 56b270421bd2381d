"""The least that a consumer can do: an aiokafka loop that counts records, as its own process."""

import asyncio
import json
from time import perf_counter, process_time

import click
from aiokafka import AIOKafkaConsumer, TopicPartition

_UNTIMED_SHARE = 0.1
"""Of the records, read before the clock starts: connections and first fetches are behind then."""


async def _count(bootstrap: str, topic: str, starts: list[int], count: int) -> dict[str, float]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        places = [TopicPartition(topic, partition) for partition in range(len(starts))]
        consumer.assign(places)
        for place, offset in zip(places, starts, strict=True):
            consumer.seek(place, offset)
        seen, first, started, used = 0, 0, 0.0, 0.0
        while seen < count:
            found = await consumer.getmany(timeout_ms=1_000)
            seen += sum(map(len, found.values()))
            if not first and seen >= count * _UNTIMED_SHARE:
                first, started, used = seen, perf_counter(), process_time()
        return {
            "per_second": (seen - first) / (perf_counter() - started),
            "processor_seconds": (process_time() - used) / (seen - first),
        }
    finally:
        await consumer.stop()


@click.command()
@click.option("--bootstrap", required=True)
@click.option("--topic", required=True)
@click.option("--starts", required=True, help="Offset of each partition, with commas.")
@click.option("--count", required=True, type=int)
def main(bootstrap: str, topic: str, starts: str, count: int) -> None:
    """Count records from some offsets on; print the pace as JSON."""
    offsets = [int(offset) for offset in starts.split(",")]
    click.echo(json.dumps(asyncio.run(_count(bootstrap, topic, offsets, count))))


if __name__ == "__main__":
    main()
