"""Panels as the dashboards want them: each says what it shows, in which unit, and from what."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    dashboard,
    prometheus,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common as options
from grafana_foundation_sdk.models.dashboard import (
    DashboardFieldConfigSourceOverrides,
    DataSourceRef,
    DataTransformerConfig,
    DynamicConfigValue,
    FieldColorModeId,
    MatcherConfig,
    Panel,
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMappingResult,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

DATASOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")

USD, SHARE, SECONDS, CLOCK, NUMBER, PRICE = (
    "currencyUSD",
    "percentunit",
    "s",
    "dthms",
    "short",
    "none",
)
"""Grafana's names of units; ratios are stored as fractions and shown as percentages."""

CALM = ((None, "green"),)
SIGNED = ((None, "red"), (0.0, "green"))
"""Selling is red, buying green; the sign stands in the figure as well."""
WRONG_ABOVE_ZERO = ((None, "green"), (1.0, "red"))

Panels = list[Builder[Panel]]
Steps = Sequence[tuple[float | None, str]]
Kind = TypeVar(
    "Kind", bargauge.Panel, stat.Panel, statetimeline.Panel, table.Panel, timeseries.Panel
)


@dataclass(frozen=True)
class Query:
    """One expression, and what its series are called; ``{{label}}`` is a label's value."""

    expr: str
    name: str = ""


@dataclass(frozen=True)
class Look:
    """How a figure is shown.

    Attributes
    ----------
    unit : str          Grafana's name of it
    steps : Steps       lower bound of each colour, the first without
    words : dict        figure -> its word and colour, instead of the figure
    decimals : int      shown; None leaves it to Grafana
    range : tuple       of the axis or bar; None follows the data
    """

    unit: str
    steps: Steps = CALM
    words: dict[str, tuple[str, str]] = field(default_factory=dict)
    decimals: int | None = None
    range: tuple[float | None, float | None] = (None, None)


MONEY = Look(USD, SIGNED)
COUNT = Look(NUMBER, decimals=0, range=(0.0, None))
PER_SECOND = Look("cps", range=(0.0, None))
LATENCY = Look(SECONDS, range=(0.0, None))


@dataclass(frozen=True)
class Said:
    """What a reader is told of a panel: its title, and what its figures mean."""

    title: str
    about: str


@dataclass(frozen=True)
class Column:
    """One column of a table: its head, where its figures come from, how they look."""

    head: str
    expr: str
    look: Look


def big_number(said: Said, query: Query, look: Look, *, span: int = 4) -> stat.Panel:
    """Return one figure, or one a series, as large as fits; its past as a line behind it."""
    reduced = common.ReduceDataOptions().calcs(["lastNotNull"]).values(values=False)
    panel = stat.Panel().reduce_options(reduced).graph_mode(options.BigValueGraphMode.AREA)
    panel.color_mode(options.BigValueColorMode.VALUE).text_mode(options.BigValueTextMode.AUTO)
    panel.with_target(_ranged(query))
    return _dressed(panel, said, look, size=(span, 4)).color_scheme(_by_steps())


def lines(
    said: Said, queries: Sequence[Query], look: Look, *, span: int = 12, fill: int = 0
) -> timeseries.Panel:
    """Return curves over time, with their last and largest figures in the legend."""
    legend = common.VizLegendOptions().show_legend(show_legend=True)
    legend.display_mode(options.LegendDisplayMode.TABLE).placement(options.LegendPlacement.BOTTOM)
    legend.calcs(["lastNotNull", "min", "max"])
    tooltip = common.VizTooltipOptions().mode(options.TooltipDisplayMode.MULTI)
    panel = timeseries.Panel().legend(legend).tooltip(tooltip.sort(options.SortOrder.DESCENDING))
    panel.line_width(1).fill_opacity(fill).show_points(options.VisibilityMode.NEVER)
    # A gap of the data stays a gap: nothing is drawn where nothing was known.
    panel.span_nulls(span_nulls=False)
    if len(look.steps) > 1:
        style = common.GraphThresholdsStyleConfig().mode(options.GraphTresholdsStyleMode.LINE)
        panel.thresholds_style(style)
    for query in queries:
        panel.with_target(_ranged(query))
    return _dressed(panel, said, look, size=(span, 9))


def bars(said: Said, query: Query, look: Look, *, span: int = 12) -> bargauge.Panel:
    """Return one bar a series, of what it is now."""
    reduced = common.ReduceDataOptions().calcs(["lastNotNull"]).values(values=False)
    panel = bargauge.Panel().reduce_options(reduced)
    panel.orientation(options.VizOrientation.HORIZONTAL)
    panel.display_mode(options.BarGaugeDisplayMode.BASIC).with_target(_ranged(query))
    return _dressed(panel, said, look, size=(span, 9)).color_scheme(_by_steps())


def states(said: Said, query: Query, look: Look, *, span: int = 12) -> statetimeline.Panel:
    """Return one lane a series, coloured by what it was over time."""
    panel = statetimeline.Panel().show_value(options.VisibilityMode.NEVER)
    panel.merge_values(merge_values=True).row_height(0.8)
    panel.with_target(_ranged(query))
    return _dressed(panel, said, look, size=(span, 9)).color_scheme(_by_steps())


def grid(said: Said, key: str, columns: Sequence[Column], *, span: int = 24) -> table.Panel:
    """Return a table of what is now: one row a value of the label `key`, largest sum first."""
    panel = table.Panel().cell_height(options.TableCellHeight.SM)
    names = {}
    for number, column in enumerate(columns):
        reference = chr(ord("A") + number)
        names[f"Value #{reference}"] = column.head
        target = prometheus.Dataquery().expr(column.expr).instant().ref_id(reference)
        panel.with_target(target.format(PromQueryFormat.TABLE).datasource(DATASOURCE))
    join: dict[str, object] = {"byField": key, "mode": "outer"}
    panel.with_transformation(DataTransformerConfig(id_val="joinByField", options=join))
    hidden = {f"Time {number}": True for number in range(1, len(columns) + 1)} | {"Time": True}
    kept = {"excludeByName": hidden, "indexByName": {}, "renameByName": names}
    panel.with_transformation(DataTransformerConfig(id_val="organize", options=kept))
    _dressed(panel, said, Look(NUMBER), size=(span, 10))
    return panel.overrides([_Override(column) for column in columns])


class _Override(Builder[DashboardFieldConfigSourceOverrides]):
    """Builder of how the figures of one column look."""

    def __init__(self, column: Column) -> None:
        self._column = column

    def build(self) -> DashboardFieldConfigSourceOverrides:
        look = self._column.look
        steps = [{"color": color, "value": at} for at, color in look.steps]
        properties = [DynamicConfigValue("unit", look.unit)]
        if look.decimals is not None:
            properties.append(DynamicConfigValue("decimals", look.decimals))
        if look.words:
            properties.append(DynamicConfigValue("mappings", [_mapping(look)]))
        if len(steps) > 1 or look.words:
            properties.append(
                DynamicConfigValue("thresholds", {"mode": "absolute", "steps": steps})
            )
            properties.append(DynamicConfigValue("custom.cellOptions", {"type": "color-text"}))
        matcher = MatcherConfig("byName", self._column.head)
        return DashboardFieldConfigSourceOverrides(matcher, properties)


class Numbered(Builder[Panel]):
    """Builder of a panel that is done but for its number, datasource and letters of queries."""

    def __init__(self, panel: Panel, number: int) -> None:
        self._panel = panel
        self._number = number

    def build(self) -> Panel:
        """Return the panel."""
        panel = self._panel
        panel.id_val = self._number
        panel.datasource = DATASOURCE
        for position, target in enumerate(panel.targets or []):
            target.ref_id = chr(ord("A") + position)  # type: ignore[attr-defined]
        return panel


def _ranged(query: Query) -> prometheus.Dataquery:
    target = prometheus.Dataquery().expr(query.expr).range().datasource(DATASOURCE)
    return target.legend_format(query.name or "__auto")


def _dressed(panel: Kind, said: Said, look: Look, *, size: tuple[int, int]) -> Kind:
    panel.title(said.title).description(said.about).unit(look.unit).no_value("–")
    panel.span(size[0]).height(size[1]).thresholds(_steps(look.steps))
    low, high = look.range
    if low is not None:
        panel.min(low)
    if high is not None:
        panel.max(high)
    if look.decimals is not None:
        panel.decimals(look.decimals)
    if look.words:
        panel.mappings([_mapping(look)])
    return panel


def _mapping(look: Look) -> ValueMap:
    words = look.words.items()
    return ValueMap(
        {
            figure: ValueMappingResult(text=word, color=color, index=index)
            for index, (figure, (word, color)) in enumerate(words)
        }
    )


def _steps(steps: Steps) -> dashboard.ThresholdsConfig:
    bounds = [Threshold(value=at, color=color) for at, color in steps]
    return dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(bounds)


def _by_steps() -> dashboard.FieldColor:
    return dashboard.FieldColor().mode(FieldColorModeId.THRESHOLDS)
