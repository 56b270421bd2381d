"""Members of the workers' consumer group."""

from kafka.admin import MemberToRemove

from services.kafka_admin import kafka_admin


def remove_member(bootstrap: str, group_id: str, instance_id: str) -> None:
    """Take a static member out of a group, so that its partitions are given to others at once.

    Raises
    ------
    KafkaUnreachableError
        If Kafka does not answer or refuses.
    """
    with kafka_admin(bootstrap) as admin:
        admin.remove_group_members(group_id, [MemberToRemove(group_instance_id=instance_id)])
