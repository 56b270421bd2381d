"""Which cluster and which topics offsets belong to, as Kafka tells."""

from collections.abc import Iterable

from services.kafka_admin import kafka_admin
from streams.logs import LogIdentity


def log_identities(bootstrap: str, topics: Iterable[str], *, prefix: str) -> dict[str, LogIdentity]:
    """Return the identity of each topic's log, by its name without the prefix.

    Raises
    ------
    KafkaUnreachableError
        If Kafka does not answer.
    """
    with kafka_admin(bootstrap) as admin:
        cluster = str(admin.describe_cluster()["cluster_id"])
        found = {topic["name"]: topic for topic in admin.describe_topics()}
    return {
        topic: LogIdentity(
            cluster, str(found[name]["topic_id"]), partitions=len(found[name]["partitions"])
        )
        for topic in topics
        if (name := f"{prefix}{topic}") in found
    }
