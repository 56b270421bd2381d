"""What all dashboards share: variables, links between them, annotations, how they are written."""

from collections.abc import Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import (
    AnnotationQuery,
    Dashboard,
    DashboardCursorSync,
    DashboardLinkType,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from deploy.grafana import events
from deploy.grafana.panels import DATASOURCE, Numbered, Panels

TAG = "forcedflow"
REFRESH = "5s"
"""As often as Prometheus scrapes."""
MARKET_ALERTS = 'max by (symbol) (forcedflow_level{symbol=~"$symbol"}) >= 2'
SERVICE_ALERTS = 'ALERTS{alertstate="firing", alertname=~"ForcedFlow.+"}'


@dataclass(frozen=True)
class Section:
    """A heading, and the panels below it from left to right, 24 columns a line."""

    heading: str
    panels: Panels


@dataclass(frozen=True)
class Choice:
    """A variable whose values are those of a label.

    ``of`` is a metric, with or without selectors, ``label`` one of its labels; ``many`` lets
    several be chosen, and all at first.
    """

    name: str
    title: str
    of: str
    label: str
    many: bool = True


VENUE = Choice("venue", "Venue", "forcedflow_reference_info", "venue")
SYMBOL = Choice("symbol", "Reference", 'forcedflow_reference_info{venue=~"$venue"}', "symbol")
FOCUS = Choice(
    "focus",
    "In focus",
    'forcedflow_reference_info{venue=~"$venue", symbol=~"$symbol"}',
    "symbol",
    many=False,
)
ROOM = Choice("room", "Room", "forcedflow_room_member_info", "room")


def framed(
    name: str, about: str, *, choices: Sequence[Choice], sections: Sequence[Section], since: str
) -> Dashboard:
    """Return a dashboard, ``since`` being where its time range begins: ``now-3h``."""
    page = dashboard.Dashboard(f"Forced flow: {name}").uid(f"forcedflow-{name.lower()}")
    page.description(about).tags([TAG]).readonly().refresh(REFRESH).time(since, "now")
    page.tooltip(DashboardCursorSync.CROSSHAIR).timezone("browser")
    page.link(_others())
    page.with_variable(_datasource())
    for choice in choices:
        page.with_variable(_variable(choice))
    names = {choice.name for choice in choices}
    for annotation in _annotations(has_symbol="symbol" in names):
        page.annotation(annotation)
    number = 0
    for section in sections:
        number += 1
        page.with_row(dashboard.Row(section.heading).id(number))
        for panel in section.panels:
            number += 1
            page.with_panel(Numbered(panel.build(), number))
    return page.build()


def _others() -> dashboard.DashboardLink:
    link = dashboard.DashboardLink("Forced flow").type(DashboardLinkType.DASHBOARDS).tags([TAG])
    return link.icon("external link").keep_time(keep_time=True).include_vars(include_vars=True)


def _datasource() -> dashboard.DatasourceVariable:
    variable = dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus")
    return variable.description("The Prometheus that scrapes the service.").multi(multi=False)


def _variable(choice: Choice) -> dashboard.QueryVariable:
    query = f"label_values({choice.of}, {choice.label})"
    variable = dashboard.QueryVariable(choice.name).label(choice.title).datasource(DATASOURCE)
    variable.query({"query": query, "refId": f"Variable-{choice.name}"})
    variable.refresh(VariableRefresh.ON_TIME_RANGE_CHANGED).sort(VariableSort.ALPHABETICAL_ASC)
    variable.multi(multi=choice.many).include_all(include_all=choice.many)
    if choice.many:
        variable.current(VariableOption(selected=True, text=["All"], value=["$__all"]))
    return variable


class _Annotation(AnnotationQuery):
    """As the library has it, with how Prometheus' annotations are worded, which it leaves out."""

    def __init__(self, name: str, *, expr: str, title: str, color: str) -> None:
        super().__init__(name=name, datasource=DATASOURCE, icon_color=color, expr=expr)
        self.title = title

    def to_json(self) -> dict[str, object]:
        return super().to_json() | {"titleFormat": self.title, "step": "60s"}


class _Given(Builder[AnnotationQuery]):
    """Builder of an annotation that is there already."""

    def __init__(self, annotation: AnnotationQuery) -> None:
        self._annotation = annotation

    def build(self) -> AnnotationQuery:
        return self._annotation


def _annotations(*, has_symbol: bool) -> list[_Given]:
    found = [
        _Annotation(
            "Service alerts",
            expr=SERVICE_ALERTS,
            title="{{alertname}}",
            color="orange",
        ),
        _Annotation("Rules of the game", expr=events.expression(), title="{{event}}", color="blue"),
    ]
    if has_symbol:
        found.insert(
            0,
            _Annotation(
                "Market alerts", expr=MARKET_ALERTS, title="{{symbol}} at warning", color="red"
            ),
        )
    return [_Given(annotation) for annotation in found]
