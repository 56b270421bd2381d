"""The universe as it is now, for commands that look once and do without where there is none."""

from core.errors import ConfigError
from core.universe import Universe
from services.settings_base import KafkaSection, UniverseSection
from services.universe_feed import universe_of
from services.universe_files import load_universe
from services.universe_import import Standing, standing


def standing_now(kafka: KafkaSection) -> Standing | None:
    """Return what the topic of universes holds, None where there is no topic.

    Raises
    ------
    KafkaUnreachableError
        If Kafka does not answer.
    """
    try:
        return standing(kafka)
    except ConfigError:
        return None


def universe_now(universe: UniverseSection, kafka: KafkaSection) -> Universe | None:
    """Return the tables of the folder, else of the newest version in Kafka, if there is any.

    Raises
    ------
    UniverseError
        If they cannot be used.
    KafkaUnreachableError
        If there is no folder and Kafka does not answer.
    """
    if universe.directory is not None:
        return load_universe(universe.directory)
    found = standing_now(kafka)
    return universe_of(found.newest) if found is not None and found.newest is not None else None
