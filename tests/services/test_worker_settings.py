from pathlib import Path

import pytest

from core.errors import ConfigError
from services.alerter_settings import AlerterSettings
from services.settings_names import SECTIONS
from services.worker_settings import WorkerSettings


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def load(**flags: object) -> WorkerSettings:
    return WorkerSettings.load(
        {"universe.directory": "u"} | {name.replace("__", "."): v for name, v in flags.items()}
    )


def test_a_flag_wins_over_the_environment_over_the_file_over_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "forcedflow.toml").write_text(
        '[worker]\ngroup_id = "file"\ninstance_id = "file"\nmetrics_port = 1\n'
        '[gateway]\nsomething = "else"\n'
    )
    monkeypatch.setenv("FORCEDFLOW_WORKER__GROUP_ID", "environment")
    monkeypatch.setenv("FORCEDFLOW_WORKER__INSTANCE_ID", "environment")

    settings = load(worker__group_id="flag", kafka__bootstrap=None)

    assert settings.worker.group_id == "flag"
    assert settings.worker.instance_id == "environment"
    assert settings.worker.metrics_port == 1
    assert settings.kafka.bootstrap == "127.0.0.1:9092"
    assert settings.universe.directory == Path("u")


def test_every_fault_is_listed_with_what_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCEDFLOW_WORKER__METRICS_PORT", "99999")
    monkeypatch.setenv("FORCEDFLOW_WORKER__GROUPID", "typo")
    monkeypatch.setenv("FORCEDFLOW_UNIVERSE__FOLDER", "typo")

    with pytest.raises(ConfigError) as caught:
        WorkerSettings.load({})

    lines = str(caught.value).splitlines()
    assert any("worker.metrics_port" in line and "99999" in line for line in lines)
    assert any("worker.groupid" in line for line in lines)
    assert any("universe.folder" in line for line in lines)


def test_a_file_that_is_no_toml_is_a_configuration_error(tmp_path: Path) -> None:
    (tmp_path / "forcedflow.toml").write_text("[worker\n")

    with pytest.raises(ConfigError, match=r"^forcedflow.toml: expected settings in TOML"):
        load()


def test_a_section_that_nobody_reads_is_a_typo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "forcedflow.toml").write_text("bootstrap = 1\nkafka = 5\n[worked]\n")
    monkeypatch.setenv("FORCEDFLOW_REDDIS__URL", "redis://127.0.0.1")
    monkeypatch.setenv("FORCEDFLOW_KAFKA_BOOTSTRAP", "127.0.0.1:1")
    monkeypatch.setenv("FORCEDFLOW_CACHE", "no setting, and none that was meant")

    with pytest.raises(ConfigError) as caught:
        load()

    lines = str(caught.value).splitlines()
    assert [line.partition(": expected ")[::2] for line in lines] == [
        ("forcedflow.toml", f"a section of {', '.join(SECTIONS)}, it was 'bootstrap'"),
        ("forcedflow.toml", "a section [kafka], it was a single value"),
        ("forcedflow.toml", f"a section of {', '.join(SECTIONS)}, it was 'worked'"),
        ("variable FORCEDFLOW_KAFKA_BOOTSTRAP", "two underscores, FORCEDFLOW_KAFKA__BOOTSTRAP"),
        ("variable FORCEDFLOW_REDDIS__URL", f"a section of {', '.join(SECTIONS)} in its name"),
    ]


def test_a_setting_that_is_required_is_named() -> None:
    with pytest.raises(ConfigError, match=r"^setting alerter\.rules: expected a flag"):
        AlerterSettings.load({})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(
            ("kafka__bootstrap", at)
            for at in ("", "x", ":9092", "h:port", "h:70000", "h:1,", "h:0")
        ),
        *(("redis__url", at) for at in ("x", "http://h:1", "redis://", "redis://:6379", "unix://")),
        ("kafka__topics_prefix", "a b"),
    ],
)
def test_an_address_that_is_none_is_refused_at_the_start(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"^setting {name.replace('__', '.')}: expected .* was"):
        load(**{name: value})


def test_the_usual_addresses_are_taken() -> None:
    for brokers in ("k:9092", "a.example.com:1, b:65535", "[::1]:9092"):
        assert load(kafka__bootstrap=brokers).kafka.bootstrap == brokers
    for url in ("redis://h", "rediss://user@h:6380/1", "unix:///run/redis.sock", "redis://[::1]:1"):
        assert load(redis__url=url).redis.url == url


def test_a_password_in_an_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(ConfigError, match="password_file") as caught:
        load(redis__url="redis://user:geheim@host:6379/0")

    assert "geheim" not in str(caught.value)


def test_a_password_comes_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("geheim\n")

    settings = load(redis__password_file=tmp_path / "secret")

    assert settings.redis.password() == "geheim"
    assert "geheim" not in repr(settings)


def test_a_missing_password_file_is_a_configuration_error(tmp_path: Path) -> None:
    settings = load(redis__password_file=tmp_path / "nothing")

    with pytest.raises(ConfigError, match=r"redis\.password_file"):
        settings.redis.password()


def test_a_session_timeout_that_kafka_refuses_is_refused_here() -> None:
    with pytest.raises(ConfigError, match="session_timeout_seconds"):
        load(worker__session_timeout_seconds=4.0)
