"""The shape of a rules file: which keys there are and what each may hold, as text."""

import re
from typing import Annotated, Literal, NoReturn

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from core.columns import NUMERIC_COLUMNS
from core.errors import ConfigError
from core.thresholds import SCOPES, SEVERITIES, Level, Rule, Where
from services.durations import parse_duration_ns

MEASURES = tuple(name for name in NUMERIC_COLUMNS if name != "level")
"""What a rule can measure: every numeric column but ``level``, which the rules make."""

_RULE_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


def _refuse(expected: str) -> NoReturn:
    raise PydanticCustomError("refused", "{expected}", {"expected": expected})


def _duration(text: object) -> int:
    try:
        return parse_duration_ns(str(text))
    except ConfigError:
        _refuse("a duration such as 30s, 5m or 1h30m")


def _wait(text: object) -> int:
    waited = _duration(text)
    if waited == 0:
        _refuse("a duration longer than 0s")
    return waited


def _names(cell: object) -> object:
    if not isinstance(cell, list) or not cell or not all(isinstance(name, str) for name in cell):
        _refuse("a list of one or more names")
    return cell


def _entries(cell: object) -> object:
    if not isinstance(cell, list) or not cell:
        _refuse("a list of one or more rules")
    return cell


def _measure(cell: object) -> object:
    if cell not in MEASURES:
        _refuse(f"one of {', '.join(MEASURES)}")
    return cell


def _scope(cell: object) -> object:
    if cell == "complex":
        _refuse(f"one of {', '.join(SCOPES)}; complexes cannot be judged yet")
    if cell not in SCOPES:
        _refuse(f"one of {', '.join(SCOPES)}")
    return cell


def _rule_name(cell: object) -> object:
    if not isinstance(cell, str) or _RULE_NAME.fullmatch(cell) is None:
        _refuse("lower-case words with hyphens between them, such as forced-flow")
    return cell


_Duration = Annotated[int, BeforeValidator(_duration)]
_Names = Annotated[frozenset[str], BeforeValidator(_names)]


class _Keys(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LevelKeys(_Keys):
    """``watch: {raise: 0.02, clear: 0.015, for: 30s}``."""

    raise_at: float = Field(alias="raise", gt=0, allow_inf_nan=False)
    clear_at: float = Field(alias="clear", ge=0, allow_inf_nan=False)
    for_ns: _Duration = Field(default=0, alias="for")


class LevelsKeys(_Keys):
    """The levels of a rule."""

    watch: LevelKeys | None = None
    warning: LevelKeys | None = None
    critical: LevelKeys | None = None


class ActiveKeys(_Keys):
    """``active: {after_open: 30m, before_close: 4h}``."""

    after_open: _Duration = 0
    before_close: _Duration | None = None


class WhereKeys(_Keys):
    """``where: {venue: [XNYS, XNAS]}``."""

    venue: _Names | None = None
    symbol: _Names | None = None
    room: _Names | None = None
    currency: _Names | None = None


class EscalateKeys(_Keys):
    """``escalate: {after: 10m}``."""

    after: Annotated[int, BeforeValidator(_wait)]


class RuleKeys(_Keys):
    """One entry of ``rules``."""

    name: Annotated[str, BeforeValidator(_rule_name)]
    measure: Annotated[str, BeforeValidator(_measure)]
    scope: Annotated[str, BeforeValidator(_scope)]
    where: WhereKeys = WhereKeys()
    active: ActiveKeys = ActiveKeys()
    levels: LevelsKeys
    minimum_hold: _Duration = 0
    escalate: EscalateKeys | None = None

    def rule(self) -> Rule:
        """Return the rule that these keys say."""
        stated = ((name, getattr(self.levels, name)) for name in SEVERITIES)
        return Rule(
            name=self.name,
            measure=self.measure,
            scope=self.scope,
            levels=tuple(
                Level(name, keys.raise_at, keys.clear_at, keys.for_ns)
                for name, keys in stated
                if keys is not None
            ),
            where=Where(**dict(self.where)),
            after_open_ns=self.active.after_open,
            before_close_ns=self.active.before_close,
            minimum_hold_ns=self.minimum_hold,
            escalate_after_ns=None if self.escalate is None else self.escalate.after,
        )


class FileKeys(_Keys):
    """A whole rules file; each entry of ``rules`` is for `RuleKeys`."""

    version: Literal["1"]
    rules: Annotated[list[object], BeforeValidator(_entries)]


_KEYS_UNDER: dict[str, type[BaseModel]] = {
    "rules": RuleKeys,
    "where": WhereKeys,
    "active": ActiveKeys,
    "levels": LevelsKeys,
    "escalate": EscalateKeys,
    **dict.fromkeys(SEVERITIES, LevelKeys),
}


def keys_under(location: tuple[int | str, ...]) -> str:
    """Return the keys that a place in the file may have, for messages."""
    names = [step for step in location if isinstance(step, str)]
    layout = _KEYS_UNDER[names[-1]] if names else FileKeys
    fields = layout.model_fields.items()
    return ", ".join(field.alias or name for name, field in fields)
