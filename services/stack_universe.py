"""The universe of a stack: a folder imported once, and whatever is imported after it."""

from collections.abc import Callable
from datetime import UTC, datetime

from core.sessions import NANOS_PER_SECOND
from services.clock import Clock
from services.settings_base import KafkaSection
from services.stack_layout import Layout
from services.universe_files import build_universe
from services.universe_import import import_version, standing
from services.universe_records import lines_of
from services.universe_tables import read_folder


def import_once(layout: Layout, clock: Clock, *, tell: Callable[[str], None]) -> None:
    """Import the stack's folder where no universe is in force; leave one that is, and say so.

    Raises
    ------
    ConfigError
        If the folder cannot be used.
    KafkaUnreachableError
        If Kafka does not take it.
    """
    kafka = KafkaSection(bootstrap=layout.bootstrap)
    tables = read_folder(layout.universe)
    version = build_universe(tables).version
    held = standing(kafka)
    if held.newest is None:
        at = datetime.fromtimestamp(clock.now_ns() // NANOS_PER_SECOND, UTC).isoformat()
        origin = str(layout.universe)
        lines = lines_of(tables)
        import_version(kafka, version, lines=lines, origin=origin, at=at, shown=held)
    elif held.newest.version != version:
        tell(
            f"the universe {held.newest.version} stays in force, {layout.universe} is another; "
            f"forcedflow universe import {layout.universe} changes to it"
        )
