"""What a new version of the universe changes, in words for whoever answers for it."""

from collections import Counter

from core.universe import Universe
from services.difference_words import Block
from services.universe_difference_funds import fund_blocks
from services.universe_difference_links import link_blocks
from services.universe_records import Lines


def difference(before: Universe, after: Universe) -> list[Block]:
    """Compare two versions by what their figures mean."""
    blocks = (*fund_blocks(before, after), *link_blocks(before, after))
    return [block for block in blocks if block is not None]


def changed_rows(before: Lines, after: Lines) -> Block:
    """Count the rows that differ in each file, whatever they hold."""
    told = []
    for file in dict.fromkeys((*before, *after)):
        old, new = Counter(before.get(file, [])[1:]), Counter(after.get(file, [])[1:])
        added, removed = (new - old).total(), (old - new).total()
        if added or removed:
            told.append(f"{file} +{added} −{removed}")
        elif before.get(file) != after.get(file):
            told.append(f"{file} in another order")
    return Block("rows of files", ", ".join(told) or "all the same")
