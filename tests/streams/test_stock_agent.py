"""The batch transport against Faust's own way: the same topics, the same partials."""

import random
import sys
from pathlib import Path

import pyarrow as pa

from services.child_process import ChildProcess
from streams.frames import encode_frame
from streams.partials import decode_partial
from streams.topics import FLOWS, PARTITIONS, PRICES, partition_of
from tests.support.decoders import write_small_universe
from tests.support.partials import assert_same_partial
from tests.support.records import TIME_NS, flow, heartbeat, price
from tests.support.running_worker import Deployment
from tests.support.waiting import eventually

ORACLE = Path(__file__).parent / "stock_agent_oracle.py"
SECOND_NS = 10**9


def send_some_of_everything(deployment: Deployment, chance: random.Random) -> int:
    """Send a shuffled morning of both references; return how many records it has."""
    count = 0
    for symbol, fund in (("ACME", "ACMU"), ("BOLT", "BOLU")):
        times = [TIME_NS + second * SECOND_NS for second in range(120)]
        prices = [
            price(symbol, 100 + chance.gauss(0, 5), event_time=time, source=chance.choice("ab"))
            for time in times
        ]
        prices += [heartbeat(source, times[-1]) for source in "ab"]
        prices += [b"{", price(symbol, -1.0), price("ELSE"), *prices[:10]]
        rows = {"symbol": [symbol] * 50, "event_time": times[:50], "price": [99.0] * 50}
        prices.append(encode_frame(pa.record_batch(rows)))
        flows = [flow(fund, chance.gauss(0, 1e6), event_time=time) for time in times[:30]]
        chance.shuffle(prices)
        chance.shuffle(flows)
        deployment.send(PRICES, *prices, partition=partition_of(symbol))
        deployment.send(FLOWS, *flows, partition=partition_of(symbol))
        count += len(prices) + len(flows)
    return count


def test_batches_end_where_single_events_end(
    kafka: str, redis_url: str, topic_suffix: str, tmp_path: Path
) -> None:
    universe = write_small_universe(tmp_path / "universe")
    prefix = f"{topic_suffix}-"
    with Deployment(
        bootstrap=kafka, redis_url=redis_url, universe=universe, directory=tmp_path, prefix=prefix
    ) as deployment:
        count = send_some_of_everything(deployment, random.Random(5))
        words = (kafka, prefix, str(universe), str(count), str(tmp_path))
        oracle = ChildProcess("oracle", [sys.executable, ORACLE, *words], directory=tmp_path)
        with oracle, deployment.serving():
            eventually(lambda: oracle.returncode is not None, seconds=60)
            assert oracle.returncode == 0, oracle.log_file.read_text()
            # The worker has read all there is; its partials are written a moment later.
            numbers = range(PARTITIONS)
            eventually(lambda: all(deployment.partial(each) is not None for each in numbers))
            partials = [deployment.partial(number) for number in numbers]

    for number, partial in enumerate(partials):
        content = (tmp_path / f"{number}.partial").read_bytes()
        expected = decode_partial(content, universe=deployment.universe.version, partition=number)
        assert partial is not None
        assert_same_partial(partial, expected)
    prices = [partial.price for partial in partials if partial is not None]
    assert sum(len(price) for price in prices) == 2
