"""What tests of the services share: deployments of their own on the shared servers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.decoders import write_small_universe
from tests.support.running_worker import Deploy, Deployment


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
