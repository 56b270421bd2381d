"""What the doctor makes of the universe: the folder that is meant, or the newest one in Kafka."""

from collections.abc import Iterator
from dataclasses import dataclass

from core.errors import ConfigError
from services.doctor_gather import Facts
from services.findings import Finding, note, ok, problem
from services.settings_base import KafkaSection, UniverseSection
from services.universe_files import load_universe
from services.universe_now import standing_now


@dataclass(kw_only=True)
class UniverseFacts(Facts):
    """What was learnt of the universe.

    Attributes
    ----------
    named_by : str            where it was looked for, in words
    version : str             "" where there is none
    faults : tuple            what is wrong with the folder, a line each
    broken : tuple            newer versions in Kafka that cannot be used, and why
    """

    named_by: str
    version: str = ""
    faults: tuple[str, ...] = ()
    broken: tuple[tuple[str, str], ...] = ()


def universe_facts(universe: UniverseSection) -> UniverseFacts:
    """Return the facts to fill in."""
    if universe.directory is None:
        return UniverseFacts(named_by="the newest in Kafka")
    return UniverseFacts(named_by=f"the folder {universe.directory}")


def look_at_universe(facts: UniverseFacts, universe: UniverseSection, kafka: KafkaSection) -> None:
    """Read the folder, or the topic where no folder is named."""
    if universe.directory is not None:
        facts.asking = f"reading {universe.directory}"
        try:
            facts.version = load_universe(universe.directory).version
        except ConfigError as error:
            facts.faults = tuple(str(error).splitlines())
        return
    facts.asking = "reading the universe in Kafka"
    found = standing_now(kafka)
    if found is not None:
        facts.version = found.newest.version if found.newest else ""
        facts.broken = tuple((each.version, each.reason) for each in found.broken)


def judge_universe(facts: UniverseFacts, *, has_kafka: bool) -> Iterator[Finding]:
    """Say whether there is one to be had; without Kafka that is said elsewhere."""
    if facts.faults:
        more = f" (and {len(facts.faults) - 1} more)" if len(facts.faults) > 1 else ""
        yield problem(
            "universe",
            f"{facts.named_by} cannot be used: {facts.faults[0]}{more}",
            means="no process starts on it",
            mend="forcedflow universe check lists every fault",
        )
    elif facts.fault:
        if has_kafka:
            yield note("universe", facts.fault, means="its version is not known")
    elif facts.version:
        yield ok("universe", f"{facts.named_by} is {facts.version}")
    else:
        yield note(
            "universe",
            "none in Kafka",
            means="only processes that were given a folder of their own can start",
            mend="forcedflow universe import DIR brings one to all",
        )
    for version, reason in facts.broken:
        yield problem(
            "universe",
            f"version {version} in Kafka cannot be used: {reason}",
            means=f"{facts.version or 'none'} stays in force",
            mend="import the folder again",
        )
