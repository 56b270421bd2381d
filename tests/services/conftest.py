"""What tests of the services share: deployments on the shared servers, an alerter, a pager."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.support.alerter_scene import Scene
from tests.support.alerter_world import market_in
from tests.support.decoders import write_small_universe
from tests.support.running_worker import Deploy, Deployment
from tests.support.webhook_recorder import WebhookRecorder


@pytest.fixture
def deploy(tmp_path: Path, topic_suffix: str) -> Iterator[Deploy]:
    """Makes the deployment of a test: ``deploy(bootstrap, redis_url)``."""
    made = []

    def make(bootstrap: str, redis_url: str) -> Deployment:
        deployment = Deployment(
            bootstrap=bootstrap,
            redis_url=redis_url,
            universe=write_small_universe(tmp_path / "universe"),
            directory=tmp_path,
            prefix=f"{topic_suffix}-",
        )
        made.append(deployment)
        return deployment

    yield make
    for deployment in made:
        deployment.__exit__(None, None, None)


@pytest.fixture
async def scene(redis_url: str) -> AsyncIterator[Scene]:
    """A market of two references, and an alerter that a test starts."""
    with market_in(redis_url) as market:
        running = Scene(redis_url, market)
        yield running
        await running.close()


@pytest.fixture
def pager() -> Iterator[WebhookRecorder]:
    """Whom an Alertmanager tells."""
    with WebhookRecorder() as recorder:
        yield recorder
