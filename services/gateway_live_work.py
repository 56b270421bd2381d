"""Live feeds of a plan: files that grow, and a socket."""

from dataclasses import replace

import structlog

from core.universe import Universe
from services.clock import Clock
from services.event_fields import FLOW_FIELDS, OPEN_INTEREST_FIELDS, PRICE_FIELDS
from services.event_files import rules_of, symbols_of
from services.event_rows import Rules
from services.gateway_chains import FollowedChain, is_chain
from services.gateway_events import EventRouter
from services.gateway_live import LiveRelay
from services.gateway_outlet import Outlet
from services.gateway_plan import GatewayPlan
from services.gateway_upstreams import FollowedFile, SocketClients
from services.line_server import LineServer
from services.open_hours import OpenHours
from streams.wire import FUTURE_NS

TICK_SECONDS = 0.05
"""Between two looks at what is live; a fraction of the alerter's tenth of a second."""

log = structlog.get_logger(__name__)


class LiveWork:
    """Relays files that grow and a socket."""

    def __init__(
        self,
        plan: GatewayPlan,
        universe: Universe,
        *,
        router: EventRouter,
        outlet: Outlet,
        clock: Clock,
    ) -> None:
        self._relay = LiveRelay(
            router,
            outlet,
            hours=OpenHours.of(universe.schedules),
            clock=clock,
            lateness_ns=plan.lateness_ns,
            speed=plan.speed or 1.0,
        )
        judged = rules_of(plan.options)

        def rules() -> Rules:
            return replace(judged, now_ns=clock.now_ns() + FUTURE_NS)

        columns = plan.options.columns
        symbols = symbols_of(plan.prices, plan.options.symbols)
        self._files = [
            FollowedFile(
                path, self._relay, rules, fields=PRICE_FIELDS, columns=columns, symbol=symbol
            )
            for path, symbol in zip(plan.prices, symbols, strict=True)
        ]
        self._files += [
            FollowedFile(path, self._relay, rules, fields=FLOW_FIELDS, columns=columns)
            for path in plan.flows
        ]
        chains = [path for path in plan.open_interest if is_chain(path)]
        self._files += [
            FollowedFile(path, self._relay, rules, fields=OPEN_INTEREST_FIELDS, columns=columns)
            for path in plan.open_interest
            if path not in chains
        ]
        self._chains = [FollowedChain(path, self._relay, rules, clock) for path in chains]
        self._listen = plan.listen
        if plan.listen is not None:
            self._clients = SocketClients(self._relay, rules, columns)
            self._server = LineServer(self._clients.welcome)

    def switch(self, universe: Universe) -> None:
        """Go by another universe from the next row on."""
        self._relay.switch(universe)
        for chain in self._chains:
            chain.repeat()

    async def open(self) -> None:
        """Open the socket, where there is one.

        Raises
        ------
        ConfigError
            If it cannot be opened.
        """
        if self._listen is not None:
            await self._server.listen(*self._listen)
            log.info("listening", host=self._listen[0], port=self._server.port)

    async def close(self) -> None:
        """Close files, socket and connections."""
        for file in self._files:
            file.close()
        if self._listen is not None:
            await self._server.close()

    def step(self) -> float | None:
        """Relay what has been appended and beat; return the host seconds to wait."""
        # Every file has its turn, also while another has a long backlog.
        has_more = [file.read() for file in self._files]
        for chain in self._chains:
            chain.read()
        self._relay.tick()
        return 0.0 if any(has_more) else TICK_SECONDS
