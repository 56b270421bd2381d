"""Two Alertmanagers that gossip, as an operator would run them."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from services.child_process import free_port
from tests.support.alertmanager_server import CONFIG, AlertmanagerServer
from tests.support.waiting import eventually

PEER_SECONDS = 5
"""How long the second in order waits for the first; a machine that stalls longer pages twice."""

Twins = tuple[AlertmanagerServer, AlertmanagerServer]


@contextmanager
def gossiping_twins(directory: Path, webhook_url: str, *, config: str = CONFIG) -> Iterator[Twins]:
    """Start two that know each other, in no order that is known; end what is left of them."""
    gossip = (free_port(), free_port())
    first, second = (
        AlertmanagerServer(
            directory / str(own),
            webhook_url,
            config=config,
            options=[
                f"--cluster.listen-address=127.0.0.1:{own}",
                f"--cluster.peer=127.0.0.1:{other}",
                f"--cluster.peer-timeout={PEER_SECONDS}s",
                "--cluster.gossip-interval=20ms",
                "--cluster.pushpull-interval=1s",
            ],
        )
        for own, other in (gossip, reversed(gossip))
    )
    with ExitStack() as stack:
        for server in (first, second):
            server.begin()
            stack.callback(server.kill)
        for server in (first, second):
            server.wait_until_ready()
        eventually(lambda: first.members() == second.members() == 2, seconds=20.0)
        yield first, second
