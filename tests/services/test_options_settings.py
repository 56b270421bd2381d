"""What is assumed of dealers in options: flag, environment, file, default, and what is refused."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from core.dealer_assumptions import DealerAssumptions
from core.dealer_signs import ALL_SIGN_MODELS, CUSTOMERS_LONG, INDEX_CONVENTION
from core.errors import ConfigError
from services import cli_run
from services.cli import main
from services.options_settings import (
    SETTING_OF,
    SIGN_MODEL_NAMES,
    OptionsSection,
    OptionsSettings,
)
from services.run import Play, _Processes
from services.worker_settings import WorkerSettings


class _Ended:
    """A service that ends as it is entered."""

    def __enter__(self) -> None:
        raise KeyboardInterrupt

    def __exit__(self, *_: object) -> None:
        return None


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_nothing_is_assumed_by_default_but_the_index_convention() -> None:
    assert OptionsSettings.load({}).options.assumptions() == DealerAssumptions()
    assert DealerAssumptions() == DealerAssumptions(0.0, INDEX_CONVENTION, 0.0, 0.0)


def test_every_sign_model_of_the_core_may_be_chosen() -> None:
    assert tuple(model.name for model in ALL_SIGN_MODELS) == SIGN_MODEL_NAMES
    for model in ALL_SIGN_MODELS:
        chosen = OptionsSettings.load({"options.sign_model": model.name}).options
        assert chosen.assumptions().sign_model is model


def test_a_flag_wins_over_the_environment_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "forcedflow.toml").write_text(
        "[options]\ndealer_close_share = 0.1\nrate = 0.01\ndividend_yield = 0.02\n"
    )
    monkeypatch.setenv("FORCEDFLOW_OPTIONS__DEALER_CLOSE_SHARE", "0.2")
    monkeypatch.setenv("FORCEDFLOW_OPTIONS__RATE", "0.03")
    monkeypatch.setenv("FORCEDFLOW_OPTIONS__SIGN_MODEL", "customers_long")

    for settings in (OptionsSettings, WorkerSettings):
        found = settings.load({"options.dealer_close_share": 0.5}).options

        assert found.assumptions() == DealerAssumptions(0.5, CUSTOMERS_LONG, 0.03, 0.02)


def test_its_words_are_the_flags_of_a_worker() -> None:
    section = OptionsSection(dealer_close_share=0.25, sign_model="inverted", rate=0.04)
    worker = main.get_command(None, "worker")  # type: ignore[arg-type]
    assert worker is not None

    with worker.make_context("worker", list(section.words())) as context:
        found = OptionsSettings.load(
            {SETTING_OF[name]: context.params[name] for name in SETTING_OF}
        )

    assert found.options == section


def test_run_tells_its_worker_what_the_settings_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "forcedflow.toml").write_text("[options]\nsign_model = 'customers_long'\n")
    told: list[Play] = []

    def run(play: Play, **_: object) -> _Ended:
        told.append(play)
        return _Ended()

    monkeypatch.setattr(cli_run, "running", run)
    CliRunner().invoke(main, ["run", "--directory", str(tmp_path / "run")])

    worker = _Processes(told[0], "127.0.0.1:9", "redis://127.0.0.1:9").worker()
    at = worker.command.index("--sign-model")
    assert worker.command[at + 1] == "customers_long"


@pytest.mark.parametrize("command", ["worker", "replay", "options"])
def test_a_mistyped_sign_model_is_answered_with_the_choices(command: str) -> None:
    result = CliRunner().invoke(main, [command, "--sign-model", "index"])

    assert result.exit_code == 2
    assert "'index'" in result.output
    for name in SIGN_MODEL_NAMES:
        assert name in result.output


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        (
            "sign_model",
            "index",
            "'index_convention', 'customers_long', 'inverted' or 'user_signed'",
        ),
        ("dealer_close_share", "1.5", "less than or equal to 1"),
        ("dealer_close_share", "-0.1", "greater than or equal to 0"),
        ("dealer_close_share", "nan", "dealer_close_share"),
        ("rate", "4", "less than or equal to 1"),
        ("dividend_yield", "much", "number"),
    ],
)
def test_a_setting_out_of_range_is_a_configuration_error(
    name: str, value: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"FORCEDFLOW_OPTIONS__{name.upper()}", value)

    for settings in (OptionsSettings, WorkerSettings):
        with pytest.raises(ConfigError, match=rf"options\.{name}") as caught:
            settings.load({})

        assert says in str(caught.value)
        assert repr(value) in str(caught.value)
