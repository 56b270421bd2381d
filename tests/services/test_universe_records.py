"""Universes as records, and records as versions, in whatever order imports are mixed."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ConfigError
from services.universe_files import load_universe
from services.universe_records import contents_of, lines_of, parse_key
from services.universe_tables import read_contents, read_folder
from services.universe_versions import BrokenVersion, Versions, WholeVersion
from tests.support.imported_universes import version_records
from tests.support.universes import EXAMPLE, fund, reference, write_universe


def versions_of(records: list[tuple[bytes, bytes | None]]) -> Versions:
    versions = Versions()
    for offset, (key, value) in enumerate(records):
        versions.apply(key, value, offset)
    return versions


def newest(versions: Versions) -> str:
    return next((each.version for each in versions.committed() if is_whole(each)), "")


def is_whole(found: WholeVersion | BrokenVersion) -> bool:
    return isinstance(found, WholeVersion)


def test_rows_are_read_back_as_they_were(tmp_path: Path) -> None:
    odd = ['Co., "quoted"', "Žluťoučký €", "a|b", "  padded ", "'single'", "#", ""]
    tables = read_folder(
        write_universe(
            tmp_path,
            references=[reference(f"R{n}", name=name) for n, name in enumerate(odd)],
            funds=[fund("F", "R0", 2, name="x" * 1000)],
        )
    )

    read_back = read_contents(contents_of(lines_of(tables)))

    assert read_back.version == tables.version
    assert read_back.findings == []
    assert [row.text("name") for row in read_back.rows["references.csv"]] == [
        name.strip() for name in odd
    ]


def test_only_what_makes_up_the_version_is_sent(tmp_path: Path) -> None:
    write_universe(tmp_path, references=["ACME"])
    (tmp_path / "notes.csv").write_text("a,b\n1,2\n")
    text = (tmp_path / "references.csv").read_text().splitlines()
    more = "\n".join(["remark," + text[0], "secret," + text[1], ""])
    (tmp_path / "references.csv").write_text(more)

    lines = lines_of(read_folder(tmp_path))

    assert list(lines) == ["references.csv", "funds.csv"]
    assert b"secret" not in b"".join(lines["references.csv"])
    assert read_contents(contents_of(lines)).version == load_universe(tmp_path).version


def test_a_row_longer_than_a_record_may_be_is_refused(tmp_path: Path) -> None:
    tables = read_folder(
        write_universe(tmp_path, references=[reference("ACME", name="x" * 65_536)])
    )

    with pytest.raises(ConfigError, match=r"references\.csv:2: expected a row of at most 65536"):
        lines_of(tables)


@pytest.mark.parametrize(
    "key", [b"", b"\xff", b"|", b"a|b", b"a|b|", b"a||1", b"|b|1", b"a|b|01", b"a|b|-1", b"a|b|1|2"]
)
def test_keys_that_are_none_of_ours(key: bytes) -> None:
    assert parse_key(key) is None


@given(data=st.data())
def test_two_imports_mixed_in_any_way_are_two_whole_versions(data: st.DataObject) -> None:
    one = list(version_records(EXAMPLE / "universe").items())
    other = [
        (key.replace(one[-1][0], b"other"), (value or b"").replace(one[-1][0], b"other"))
        for key, value in one
    ]
    places = data.draw(st.permutations([True] * len(one) + [False] * len(other)))
    left, right = iter(one), iter(other)

    mixed: list[tuple[bytes, bytes | None]] = [next(left if first else right) for first in places]
    versions = versions_of(mixed)

    last = "other" if mixed[-1][0] == b"other" else one[-1][0].decode()
    assert [is_whole(each) for each in versions.committed()] == [True, True]
    assert newest(versions) == last


@given(st.integers(min_value=0, max_value=200))
def test_of_an_import_cut_short_anywhere_nothing_is_used(cut: int) -> None:
    records = list(version_records(EXAMPLE / "universe").items())

    versions = versions_of(records[: min(cut, len(records) - 1)])

    assert list(versions.committed()) == []
    assert newest(versions_of(records)) != ""


@given(lost=st.integers(min_value=0), copies=st.integers(min_value=0, max_value=1))
def test_a_commit_with_any_row_lost_is_refused(lost: int, copies: int) -> None:
    records = list(version_records(EXAMPLE / "universe").items())
    key, _ = records[lost % (len(records) - 1)]

    # Lost before it came, or taken away later.
    without = [each for each in records if each[0] != key]
    versions = versions_of(without if copies == 0 else [*records, (key, None)])

    assert [is_whole(each) for each in versions.committed()] == [False]


def test_a_version_taken_away_whole_leaves_nothing() -> None:
    records = list(version_records(EXAMPLE / "universe").items())

    versions = versions_of([*records, *((key, None) for key, _ in records)])

    assert versions.keys() == {}
