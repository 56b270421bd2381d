"""The worker: reads the partitions that Kafka assigns it and publishes what they owe."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from core.errors import ConfigError
from core.universe import Universe
from services.clock import Clock
from services.group_members import remove_member
from services.kafka_admin import KafkaUnreachableError
from services.log_identity import log_identities
from services.settings_base import RedisSection
from services.topics_admin import check_topics
from services.universe_feed import UniverseSource
from services.worker_settings import WorkerSettings
from services.worker_watch import WorkerWatch
from streams.app import LetterSender, ResultSender, connect, worker_app
from streams.cancelling import end_tasks
from streams.dead_letters import DeadLetters
from streams.fencing import PartitionStore
from streams.intake import Intake
from streams.logs import LogIdentities, LogIdentity
from streams.metric_catalogue import WORKER
from streams.metric_registry import Metrics
from streams.option_refresh import OptionRefresh
from streams.ownership import Ownership
from streams.positioning_publisher import PositioningPublisher
from streams.publisher import Publisher
from streams.result_writer import ResultWriter
from streams.saver import Saver
from streams.topics import DEAD_LETTERS, INPUTS, TOPICS

EXIT_OK = 0
EXIT_RESTART = 70
"""Exit code that asks the supervisor for a new start: fenced, or the Kafka client has failed."""

_REDIS_SECONDS = 1.0
_STOP_SECONDS = 8.0
_LETTERS_SECONDS = 4.0
_LEAVE_SECONDS = 3.0
_TOPICS_RETRY_SECONDS = 2.0

_TOPICS = [spec for spec in TOPICS if spec.name in {*INPUTS, DEAD_LETTERS}]

log = structlog.get_logger(__name__)


class Worker:
    """One worker process, put together; `run` is its life.

    ``metrics`` is what it exports.
    """

    def __init__(
        self,
        settings: WorkerSettings,
        universe: Universe,
        *,
        source: UniverseSource,
        ended: asyncio.Event,
        clock: Clock,
        directory: Path,
    ) -> None:
        self.metrics = Metrics(WORKER)
        self._settings = settings
        self._clock = clock
        self._source = source
        self._ended = ended
        self._exit_code = EXIT_OK
        self._redis = redis_client(settings.redis)
        store = PartitionStore(self._redis)
        logs = LogIdentities(self._identify)
        self._app = worker_app(
            bootstrap=settings.kafka.bootstrap,
            group_id=settings.worker.group_id,
            instance_id=settings.worker.instance_id,
            session_timeout_seconds=settings.worker.session_timeout_seconds,
            topics_prefix=settings.kafka.topics_prefix,
            directory=directory,
        )
        self._letters = DeadLetters(
            LetterSender(self._app, settings.kafka.topics_prefix), self.metrics
        )
        self._intake = Intake(
            self._letters,
            self.metrics,
            topics_prefix=settings.kafka.topics_prefix,
            now_ns=clock.now_ns,
            monotonic=clock.monotonic,
            on_touch=self._touch,
        )
        self._saver = Saver(
            store,
            self._intake.partitions,
            logs,
            letters=self._letters,
            metrics=self.metrics,
            monotonic=clock.monotonic,
            on_refused=self._refused,
        )
        self._ownership = Ownership(
            universe,
            store,
            self._intake,
            saver=self._saver,
            metrics=self.metrics,
            logs=logs,
            now_ns=clock.now_ns,
            on_failure=self._fail,
            dealers=settings.options.assumptions(),
        )
        self._publisher = Publisher(
            store,
            self._intake.partitions,
            self.metrics,
            monotonic=clock.monotonic,
            on_refused=self._refused,
        )
        self._options = OptionRefresh(self._intake.partitions, on_touch=self._touch)
        self._positioning = PositioningPublisher(store, self._intake.partitions, self.metrics)
        self._results = ResultWriter(
            ResultSender(self._app, settings.kafka.topics_prefix),
            self._intake.partitions,
            self.metrics,
            monotonic=clock.monotonic,
        )
        self._watch = WorkerWatch(
            self._app,
            self._intake,
            letters=self._letters,
            metrics=self.metrics,
            clock=clock,
            on_failure=self._fail,
        )
        connect(self._app, sink=self._intake, owner=self._ownership)

    def _touch(self) -> None:
        self._publisher.touch()

    async def _identify(self) -> dict[str, LogIdentity]:
        kafka = self._settings.kafka
        return await asyncio.to_thread(
            log_identities, kafka.bootstrap, INPUTS, prefix=kafka.topics_prefix
        )

    def _fail(self, reason: str) -> None:
        log.error("worker_failed", reason=reason)
        self._exit_code = EXIT_RESTART
        self._ended.set()

    def _refused(self, number: int) -> None:
        self._ownership.refused(number)

    async def run(self) -> int:
        """Work until stopped or failed; return the exit code.

        Raises
        ------
        ConfigError
            If the topics are not there or have other partitions.
        """
        try:
            if not await self._topics_are_there():
                return self._exit_code
            async with asyncio.TaskGroup() as tasks:
                background = [
                    tasks.create_task(self._guarded(work))
                    for work in (
                        self._publisher.run(),
                        self._saver.run(),
                        self._results.run(),
                        self._options.run(),
                        self._positioning.run(),
                        self._letters.run(),
                        self._watch.run(),
                        self._follow(),
                        self._serve(),
                    )
                ]
                await self._ended.wait()
                await self._end()
                await end_tasks(background)
        finally:
            await self._source.close()
            await self._redis.aclose()
        return self._exit_code

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:
            log.exception("task_failed")
            self._fail(repr(error))

    async def _topics_are_there(self) -> bool:
        """Wait for Kafka and check the topics; False if stopped meanwhile."""
        kafka = self._settings.kafka
        while not self._ended.is_set():
            try:
                findings = await asyncio.to_thread(
                    check_topics, kafka.bootstrap, prefix=kafka.topics_prefix, specs=_TOPICS
                )
            except KafkaUnreachableError as error:
                log.warning("kafka_unreachable", error=str(error))
                await self._pause(_TOPICS_RETRY_SECONDS)
                continue
            if findings.broken:
                raise ConfigError("\n".join(findings.broken))
            for finding in findings.unlike:
                log.warning("topic_unlike", finding=finding)
            return True
        return False

    async def _serve(self) -> None:
        """Run the Faust app until it stops or crashes."""
        await self._app.start()
        log.info("reading")
        await self._app.wait_until_stopped()
        if not self._ended.is_set():
            self._fail(f"the Kafka client has stopped: {self._app.crash_reason!r}")

    async def _follow(self) -> None:
        """Switch to every newer version of the universe, one partition after the other."""
        while True:
            universe = await self._source.next()
            log.info("universe_switched", version=universe.version)
            for _ in self._ownership.switch(universe):
                self._touch()
                await asyncio.sleep(0)

    async def _end(self) -> None:
        """Write what is left and leave the group; give up on what does not answer."""
        log.info("stopping")
        try:
            async with asyncio.timeout(_LETTERS_SECONDS):
                await self._letters.flush()
                await self._ownership.revoked()
        except Exception as error:  # noqa: BLE001 (what is not written is read again)
            log.warning("dead_letters_not_written", error=repr(error))
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await self._app.stop()
        except TimeoutError:
            log.warning("left_without_goodbye")
        section = self._settings.worker
        if self._exit_code == EXIT_OK and section.instance_id:
            await self._leave()

    async def _leave(self) -> None:
        """Take a static member that was told to end out of the group; one that failed stays.

        Kafka would keep its partitions for it until the session times out.
        """
        section = self._settings.worker
        try:
            async with asyncio.timeout(_LEAVE_SECONDS):
                await asyncio.to_thread(
                    remove_member,
                    self._settings.kafka.bootstrap,
                    section.group_id,
                    section.instance_id,
                )
        except (KafkaUnreachableError, TimeoutError) as error:
            log.warning("left_without_goodbye", error=repr(error))

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._ended.wait()
        except TimeoutError:
            pass


def redis_client(section: RedisSection) -> Redis:
    """Return a client that fails fast: who uses it tries again by its own rules."""
    return Redis.from_url(
        section.url,
        password=section.password(),
        socket_timeout=_REDIS_SECONDS,
        socket_connect_timeout=_REDIS_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
