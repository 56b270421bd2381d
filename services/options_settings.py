"""Settings of what is assumed of dealers in options, and the flags that set them."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, get_args

import click
from pydantic import Field

from core.dealer_assumptions import DealerAssumptions
from core.dealer_signs import ALL_SIGN_MODELS
from services.settings_base import Section, Settings

SignModelName = Literal["index_convention", "customers_long", "inverted", "user_signed"]
SIGN_MODEL_NAMES: tuple[str, ...] = get_args(SignModelName)
_BY_NAME = {model.name: model for model in ALL_SIGN_MODELS}

_Rate = Annotated[float, Field(ge=-1.0, le=1.0)]


class OptionsSection(Section):
    """What is assumed of dealers in options, of every reference."""

    dealer_close_share: float = Field(
        default=0.0,
        ge=0.0,
        le=1.0,
        description="share of the dealers' hedge that is forced flow of the close",
    )
    sign_model: SignModelName = Field(
        default="index_convention",
        description="which side of the open interest dealers hold",
    )
    rate: _Rate = Field(
        default=0.0, description="a year, 0.04 is 4 %, where an expiry has no forward"
    )
    dividend_yield: _Rate = Field(default=0.0, description="a year, where an expiry has no forward")

    def assumptions(self) -> DealerAssumptions:
        """Return them as the core has them."""
        return DealerAssumptions(
            close_share=self.dealer_close_share,
            sign_model=_BY_NAME[self.sign_model],
            rate=self.rate,
            dividend_yield=self.dividend_yield,
        )

    def words(self) -> tuple[str, ...]:
        """Return the flags that set a process of ours to the same."""
        pairs = ((flag_of(name), str(value)) for name, value in self.model_dump().items())
        return tuple(word for pair in pairs for word in pair)


class OptionsSettings(Settings):
    """The settings of a command that assumes something of dealers, and has no others."""

    options: OptionsSection = Field(default_factory=OptionsSection)


SETTING_OF = {name: f"options.{name}" for name in OptionsSection.model_fields}
"""The setting behind each flag's parameter."""

_TYPES: Mapping[str, Any] = {
    "dealer_close_share": click.FloatRange(0.0, 1.0),
    "sign_model": click.Choice(SIGN_MODEL_NAMES),
    "rate": click.FloatRange(-1.0, 1.0),
    "dividend_yield": click.FloatRange(-1.0, 1.0),
}


def flag_of(name: str) -> str:
    """Return the flag of a setting of the section."""
    return "--" + name.replace("_", "-")


def option_flags(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator that gives a command the flags of some settings, None = not given."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for name in reversed(names):
            field = OptionsSection.model_fields[name]
            text = f"{field.description}  [setting options.{name}: {field.default}]"
            help_text = text[:1].upper() + text[1:]
            flag = click.option(flag_of(name), name, type=_TYPES[name], help=help_text)
            function = flag(function)
        return function

    return decorate
