import gzip
import math
from time import thread_time

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from services.gauge_tables import SHOWN_SECONDS, GaugeTable
from services.metrics_page import MetricsPage
from streams.metric import Metric
from tests.support.manual_clock import ManualClock
from tests.support.metric_samples import SlowGauges, samples

MONEY = Metric("forcedflow_money_usd", "gauge", "Money\nwith a \\ in its help.", ("symbol",))
SHARE = Metric("forcedflow_share_ratio", "gauge", "A share.", ("symbol",))
ROOM = Metric("forcedflow_room_usd", "gauge", "Money of a room.", ("side", "room"))

texts = st.text(st.characters(codec="utf-8"), max_size=6)
awkward = st.sampled_from(['"', "\\", "\\n", "\n", '\\"', "{}", ",", " ", "é", "𝄞", "\r", "\t", ""])
names = st.lists(st.builds("".join, st.lists(texts | awkward, max_size=4)), unique=True, max_size=6)
figures = st.floats(allow_nan=True, allow_infinity=True, width=64) | st.sampled_from(
    [0.0, -0.0, 5e-324, 1.7976931348623157e308, 1e22, 123456789.123, 0.1, -1e-7]
)


def table_page(table: GaugeTable) -> bytes:
    return MetricsPage(CollectorRegistry(), [table]).plain()


@given(data=st.data(), symbols=names)
def test_a_table_is_what_the_official_client_writes(
    data: st.DataObject, symbols: list[str]
) -> None:
    many = st.lists(figures, min_size=len(symbols), max_size=len(symbols))
    columns = [np.array(data.draw(many), np.float64) for _ in range(2)]
    is_known = np.array(
        data.draw(st.lists(st.booleans(), min_size=len(symbols), max_size=len(symbols))), np.bool_
    )
    table = GaugeTable((MONEY, SHARE), ManualClock(0))
    table.show((symbols,), columns, is_known=is_known)

    page = table_page(table)

    slow = SlowGauges((MONEY, SHARE), (symbols,), columns, is_known).page()
    assert samples(page) == samples(slow)
    # The figures apart, which have more than one spelling, it is the same text.
    assert names_of(page) == names_of(slow)


def names_of(page: bytes) -> list[bytes]:
    lines = page.split(b"\n")
    return [line if line.startswith(b"#") else line.rpartition(b" ")[0] for line in lines]


def test_what_is_unknown_has_no_sample() -> None:
    table = GaugeTable((MONEY,), ManualClock(0))
    figures = np.array([1.5, math.nan, math.inf, -math.inf, 2.5])

    table.show((list("ABCDE"),), [figures], is_known=np.array([True] * 4 + [False]))

    assert table_page(table).splitlines()[2:] == [b'forcedflow_money_usd{symbol="A"} 1.5']


def test_labels_stand_in_the_order_of_their_names() -> None:
    table = GaugeTable((ROOM,), ManualClock(0))

    table.show((["buy", "sell"], ["ai", 'a "room"']), [np.array([1.0, -2e-9])])

    assert table_page(table).splitlines()[2:] == [
        b'forcedflow_room_usd{room="ai",side="buy"} 1',
        b'forcedflow_room_usd{room="a \\"room\\"",side="sell"} -2e-9',
    ]


def test_another_universe_has_other_rows() -> None:
    table = GaugeTable((MONEY,), ManualClock(0))
    page = MetricsPage(CollectorRegistry(), [table])
    seen = []
    for symbols in (("A", "B"), ("B",), ("B", "C", "D")):
        table.show((symbols,), [0.5 + np.arange(len(symbols), dtype=np.float64)])
        seen.append(
            {dict(labels)["symbol"]: value for (_, labels), value in samples(page.plain()).items()}
        )

    assert seen == [{"A": 0.5, "B": 1.5}, {"B": 0.5}, {"B": 0.5, "C": 1.5, "D": 2.5}]


def test_an_old_figure_is_not_shown_on_any_page() -> None:
    clock = ManualClock(0)
    table = GaugeTable((MONEY,), clock)
    page = MetricsPage(CollectorRegistry(), [table])
    table.show((["A"],), [np.ones(1)])
    clock.advance(SHOWN_SECONDS)
    assert len(samples(page.plain())) == 1
    compressed = page.gzipped()

    clock.advance(0.001)

    assert samples(page.plain()) == {}
    assert page.gzipped() != compressed
    assert page.plain().startswith(
        b"# HELP forcedflow_money_usd Money\\nwith a \\\\ in its help.\n"
    )


def test_what_is_hidden_is_gone_at_once() -> None:
    table = GaugeTable((MONEY,), ManualClock(0))
    page = MetricsPage(CollectorRegistry(), [table])
    table.show((["A"],), [np.ones(1)])
    assert len(samples(page.plain())) == 1

    table.hide()

    assert samples(page.plain()) == {}


def test_a_large_page_costs_a_fraction_of_the_official_clients() -> None:
    table = GaugeTable((MONEY, SHARE), ManualClock(0))
    page = MetricsPage(CollectorRegistry(), [table])
    symbols = [f"S{number}" for number in range(3_000)]
    random = np.random.default_rng(0)
    ours, theirs = [], []
    for _ in range(5):
        columns = list(random.normal(0.0, 1e7, (2, len(symbols))))
        table.show((symbols,), columns)
        started = thread_time()
        page.gzipped()
        ours.append(thread_time() - started)
        slow = SlowGauges((MONEY, SHARE), (symbols,), columns, np.ones(len(symbols), np.bool_))
        started = thread_time()
        gzip.compress(slow.page())
        theirs.append(thread_time() - started)

    assert 3 * min(ours) < min(theirs)
