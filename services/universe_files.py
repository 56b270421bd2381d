"""The universe from a folder of CSV files: every fault at once, or tables all parts can share."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.universe import Universe
from services.calendars import Sessions, session_table
from services.universe_cells import Finding, UniverseError
from services.universe_funds import read_funds
from services.universe_layouts import LAYOUTS
from services.universe_links import check_rates, read_listings, read_price_factors, read_rooms
from services.universe_references import read_references
from services.universe_tables import Tables, read_folder

COVERED_RESET = "daily"
"""The only reset whose demand is computed; funds of the others are loaded and counted."""


@dataclass(frozen=True)
class UniverseSummary:
    """What a universe holds, in numbers.

    ``venues`` counts references by MIC; ``uncovered_funds`` counts, by reset, the funds whose
    demand is not computed; ``unknown_assets`` counts funds without any row that states assets.
    """

    version: str
    references: int
    reference_figures: int
    funds: int
    fund_figures: int
    uncovered_funds: Mapping[str, int]
    unknown_assets: int
    venues: Mapping[str, int]
    rooms: int
    price_listings: int
    price_factors: int


def load_universe(directory: Path, *, sessions: Sessions = session_table) -> Universe:
    """Return the universe of a folder.

    Parameters
    ----------
    directory : Path        holds references.csv, funds.csv and the optional files
    sessions : Sessions     makes the session table of a schedule

    Raises
    ------
    UniverseError    with every fault of every file
    """
    return build_universe(read_folder(directory), sessions=sessions)


def build_universe(tables: Tables, *, sessions: Sessions = session_table) -> Universe:
    """Return the universe that tables make; as `load_universe` but for where they come from.

    The tables' notes grow by what is loaded but not used yet. Exchange rates are only checked.
    """
    references = read_references(tables, sessions)
    funds = read_funds(tables, references)
    rooms = read_rooms(tables, references)
    price_listings, option_listings = read_listings(tables, references)
    factors = read_price_factors(tables, references, funds)
    check_rates(tables)
    if tables.findings:
        raise UniverseError(tuple(sorted(tables.findings, key=_place)))
    vehicles = funds.column("vehicle")
    reference_of = [references.index[symbol] for symbol in funds.column("reference")]
    return Universe(
        version=tables.version,
        symbol=tuple(references.rows),
        name=references.column("name"),
        venue=references.column("venue"),
        currency=references.column("currency"),
        schedule=references.schedule,
        schedules=references.schedules,
        reference_figures=references.figures,
        price_factors=factors,
        fund=tuple(funds.newest),
        fund_name=funds.column("name"),
        fund_issuer=funds.column("issuer"),
        fund_venue=funds.column("venue"),
        fund_vehicle=vehicles,
        fund_reference=np.array(reference_of, np.int32),
        fund_reset=funds.column("reset"),
        fund_is_physical=np.array([vehicle == "physical" for vehicle in vehicles], np.bool_),
        fund_figures=funds.figures,
        rooms=rooms,
        price_listings=price_listings,
        option_listings=option_listings,
    )


def universe_summary(universe: Universe) -> UniverseSummary:
    """Count what a universe holds."""
    figures = universe.fund_figures
    stated = np.unique(figures.fund[~np.isnan(figures.assets_usd)])
    uncovered = [reset for reset in universe.fund_reset if reset != COVERED_RESET]
    return UniverseSummary(
        version=universe.version,
        references=len(universe.symbol),
        reference_figures=len(universe.reference_figures.reference),
        funds=len(universe.fund),
        fund_figures=len(figures.fund),
        uncovered_funds=dict(sorted(Counter(uncovered).items())),
        unknown_assets=len(universe.fund) - len(stated),
        venues=dict(sorted(Counter(universe.venue).items())),
        rooms=len(universe.rooms),
        price_listings=len(universe.price_listings),
        price_factors=len(universe.price_factors.reference),
    )


def _place(finding: Finding) -> tuple[int, int]:
    return list(LAYOUTS).index(finding.file), finding.line
