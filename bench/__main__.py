"""``python -m bench [PART]...``: measure, print a table, write JSON."""

from collections.abc import Callable
from pathlib import Path

import click

from bench import (
    alert_latency,
    core_book,
    exposition,
    forecast,
    latency,
    options,
    snapshots,
    throughput,
)
from bench.figures import Figure, table, write_json
from bench.machine import OtherWork
from bench.servers import Servers, servers

_WITH_SERVERS: dict[str, Callable[[Servers], list[Figure]]] = {
    throughput.PART: throughput.measure,
    snapshots.PART: snapshots.measure,
    latency.PART: latency.measure,
    alert_latency.PART: alert_latency.measure,
}
_IN_PROCESS: dict[str, Callable[[], list[Figure]]] = {
    core_book.PART: core_book.measure,
    forecast.PART: forecast.measure,
    options.PART: options.measure,
    exposition.PART: exposition.measure,
}
_PARTS = (*_IN_PROCESS, *_WITH_SERVERS)


@click.command()
@click.argument("parts", nargs=-1, type=click.Choice(_PARTS))
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="JSON file.")
def main(parts: tuple[str, ...], output: Path | None) -> None:
    """Measure PARTS, all without any, and print each figure beside its aim.

    The parts that need servers start their own Kafka and Redis, one pair for a run.
    """
    other_work = OtherWork()
    wanted = parts or _PARTS
    figures = [
        figure for part, measure in _IN_PROCESS.items() if part in wanted for figure in measure()
    ]
    with_servers = [measure for part, measure in _WITH_SERVERS.items() if part in wanted]
    if with_servers:
        with servers() as own:
            for measure in with_servers:
                figures += measure(own)
    share = other_work.share()
    click.echo(table(figures))
    click.echo(f"Meanwhile other work took {share:.0%} of the machine.")
    if output:
        write_json(output, figures, others_share=share)


if __name__ == "__main__":
    main()
