import pytest

from core.subjects import subjects, symbol_rows
from core.thresholds import Where
from tests.support.judged import level, rule_of
from tests.support.rule_world import universe_of

WATCH = level("watch", 1.0, 0.5)
WORLD = universe_of(
    {"ACME": "XNAS", "BOLT": "XNYS", "CASK": "XNAS"},
    rooms={"chips": ["CASK", "ACME", "CASK"], "empty": [], "bolts": ["BOLT"]},
)
NASDAQ = Where(venue=frozenset({"XNAS"}))


def members(scope: str, where: Where) -> dict[str, list[str]]:
    whom = subjects(rule_of(WATCH, scope=scope, where=where), WORLD)
    assert [whom.row[name] for name in whom.name] == list(range(len(whom.name)))
    found: dict[str, list[str]] = {name: [] for name in whom.name}
    for member, owner in zip(whom.member, whom.owner, strict=True):
        found[whom.name[owner]].append(WORLD.symbol[member])
    starts = [whom.owner.tolist().index(row) for row in range(len(whom.name))]
    assert whom.first.tolist() == starts
    return found


@pytest.mark.parametrize(
    ("scope", "where", "expected"),
    [
        ("symbol", Where(), {"ACME": ["ACME"], "BOLT": ["BOLT"], "CASK": ["CASK"]}),
        ("symbol", NASDAQ, {"ACME": ["ACME"], "CASK": ["CASK"]}),
        ("venue", Where(), {"XNAS": ["ACME", "CASK"], "XNYS": ["BOLT"]}),
        ("venue", NASDAQ, {"XNAS": ["ACME", "CASK"]}),
        ("room", Where(), {"chips": ["ACME", "CASK"], "bolts": ["BOLT"]}),
        ("room", NASDAQ, {"chips": ["ACME", "CASK"]}),
        ("room", Where(room=frozenset({"bolts"})), {"bolts": ["BOLT"]}),
        ("market", Where(), {"market": ["ACME", "BOLT", "CASK"]}),
        ("market", Where(room=frozenset({"chips"})), {"market": ["ACME", "CASK"]}),
        ("market", Where(symbol=frozenset({"NONE"})), {}),
    ],
)
def test_scope_and_conditions_choose_the_subjects(
    scope: str, where: Where, expected: dict[str, list[str]]
) -> None:
    assert members(scope, where) == expected


def test_rooms_that_share_members_stay_whole_when_one_is_chosen() -> None:
    world = universe_of(
        {"ACME": "XNAS", "BOLT": "XNAS"}, rooms={"a": ["ACME"], "b": ["ACME", "BOLT"]}
    )

    whom = subjects(rule_of(WATCH, scope="room", where=Where(room=frozenset({"a"}))), world)

    assert whom.name == ("a",)


def test_symbols_find_their_rows() -> None:
    assert symbol_rows(WORLD) == {"ACME": 0, "BOLT": 1, "CASK": 2}
