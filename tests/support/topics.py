"""Topics of a test's own."""

from kafka import KafkaAdminClient
from kafka.admin import NewTopic


def create_topic(bootstrap: str, topic: str, *, partitions: int = 1, **configs: str) -> None:
    """Create a topic; `configs` are its settings with ``_`` for ``.``."""
    dotted = {key.replace("_", "."): text for key, text in configs.items()}
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        admin.create_topics([NewTopic(topic, partitions, 1, topic_configs=dotted)])
        # The controller has made it; the broker learns of it a little later.
        admin.wait_for_topics([topic], timeout_ms=30_000)
    finally:
        admin.close()
