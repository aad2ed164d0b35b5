"""Where settings come from and how each kind of mistake is told."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from datetime import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot.config.loader import PATHS, LoadedConfig, load, missing_secrets, validate_section
from bot.config.schema import Mode, Settings
from bot.config.section import Section
from bot.domain.errors import ConfigError

Write = Callable[..., Path]


@pytest.fixture
def written(tmp_path: Path) -> Write:
    """Write config files by name and return the directory that holds `config/`."""

    def write(**files: str) -> Path:
        (tmp_path / "config").mkdir(exist_ok=True)
        for name, text in files.items():
            (tmp_path / "config" / f"{name}.yaml").write_text(text, encoding="utf-8")
        return tmp_path

    return write


def refusal(root: Path, environ: Mapping[str, str] | None = None, overrides: Mapping[str, Any] | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        load(root, overrides, environ or {})
    return str(caught.value)


def accepted(
    root: Path, environ: Mapping[str, str] | None = None, overrides: Mapping[str, Any] | None = None
) -> LoadedConfig:
    return load(root, overrides, environ or {})


def test_without_any_file_the_defaults_hold(tmp_path: Path) -> None:
    config = accepted(tmp_path)
    assert config.settings.mode is Mode.SIM
    assert config.settings.risk == Settings().risk
    assert config.sources_tree == {}


def test_files_are_merged_each_into_its_section(written: Write) -> None:
    config = accepted(
        written(
            bot="risk: {max_positions: 3}",
            strategies="zero_dte_gamma: {min_grade: A}",
            data_sources="unusual_whales: {per_minute: 7}",
        )
    )
    assert config.settings.risk.max_positions == 3
    assert config.settings.strategies.zero_dte_gamma.min_grade == "A"
    assert config.sources_tree == {"unusual_whales": {"per_minute": 7}}


@pytest.mark.parametrize("name,section", [("strategies", "strategies"), ("data_sources", "sources")])
def test_a_file_may_repeat_the_name_of_its_section(written: Write, name: str, section: str) -> None:
    inner = {"strategies": "zero_dte_gamma: {min_grade: A}", "sources": "unusual_whales: {per_minute: 7}"}[section]
    plain = accepted(written(**{name: inner}))
    wrapped = accepted(written(**{name: f"{section}:\n  {inner}"}))
    assert plain.version == wrapped.version


def test_a_section_whose_lines_are_all_comments_is_an_empty_one(written: Write) -> None:
    assert accepted(written(bot="ibkr:\n#  port: 1\n")).settings.ibkr == Settings().ibkr


def test_an_unquoted_time_of_day_is_not_read_as_a_base_60_number(written: Write) -> None:
    config = accepted(written(bot="risk: {no_zero_dte_after: 14:45}"))
    assert config.settings.risk.no_zero_dte_after == time(14, 45)


def test_fractions_are_exact_decimals(written: Write) -> None:
    assert accepted(written(bot="risk: {max_premium_fraction: 0.07}")).settings.risk.max_premium_fraction == Decimal(
        "0.07"
    )


# ---- mistakes in files: file, line, key, value, what is allowed, what to do


def test_an_unknown_key_is_named_with_a_guess_and_what_is_known(written: Write) -> None:
    words = refusal(written(bot="mode: sim\nrisk:\n  max_positons: 5\n"))
    assert words.startswith(
        "config/bot.yaml line 3: risk.max_positons = 5 is an unknown key. Did you mean max_positions?"
    )
    assert "max_same_direction" in words
    assert words.endswith("Correct or remove that line.")


@pytest.mark.parametrize(
    "text,told",
    [
        ("mode: sims", "line 1: mode = 'sims' must be one of sim, paper, live. The default is 'sim'."),
        ("risk: {max_positions: 0}", "risk.max_positions = 0 must be a whole number, at least 1. The default is 5."),
        ("risk: {max_positions: 2.5}", "risk.max_positions = 2.5 must be a whole number, at least 1."),
        ("risk: {max_positions: yes}", "risk.max_positions = True must be a whole number, at least 1."),
        ("risk: {max_spread_fraction: 10}", "max_spread_fraction = 10 must be a number, at least 0 and at most 1."),
        ("risk: {no_zero_dte_after: 1530}", 'no_zero_dte_after = 1530 must be a New York time of day as "HH:MM".'),
        ("ibkr: {port: 99999}", "ibkr.port = 99999 must be a whole number, at least 0 and at most 65535."),
        ("ibkr: {account: 123}", "ibkr.account = 123 must be text (in quotes where it looks like a number)."),
        ("engine: {tick_seconds: .nan}", "engine.tick_seconds = nan must be a number, above 0 and at most 31622400."),
        ("web: {enabled: maybe}", "web.enabled = 'maybe' must be true or false."),
        ("log: {level: loud}", "log.level = 'loud' must be one of debug, detail, info, warning, error."),
        ("bot_id: QTY", "bot_id = 'QTY' must be text (in quotes where it looks like a number), matching"),
        ("ibkr: 5", "ibkr = 5 must be `key: value` lines with the keys host, port,"),
        ("foo: 1", "line 1: foo is an unknown key."),
    ],
)
def test_a_wrong_value_is_told_with_what_is_allowed(written: Write, text: str, told: str) -> None:
    words = refusal(written(bot=text))
    assert words.startswith("config/bot.yaml line 1: ")
    assert told in words


def test_every_problem_has_its_own_sentence(written: Write) -> None:
    words = refusal(written(bot="risk:\n  max_positions: 0\n  max_per_symbol: 0\nlog: {level: x}\n"))
    assert [line.split(":")[0] for line in words.splitlines()] == [f"config/bot.yaml line {n}" for n in (2, 3, 4)]


def test_a_key_inside_a_list_is_named_with_its_place(written: Write) -> None:
    words = refusal(written(strategies="zero_dte_gamma:\n  exit:\n    rungs:\n      - {gain: 0, sell_fraction: 0.2}\n"))
    assert "config/strategies.yaml line 4: zero_dte_gamma.exit.rungs[0].gain = 0 must be a number, above 0." in words


def test_a_rule_between_settings_is_told_in_its_own_words(written: Write) -> None:
    rungs = "[{gain: 1, sell_fraction: 0.2}, {gain: 0.5, sell_fraction: 0.2}]"
    words = refusal(written(strategies=f"zero_dte_gamma:\n  exit:\n    rungs: {rungs}\n"))
    assert words.startswith(
        "config/strategies.yaml line 2: zero_dte_gamma.exit is refused: rungs must have rising gains."
    )


def test_live_without_the_account_is_refused(written: Write) -> None:
    assert refusal(written(bot="mode: live")) == (
        "configuration: mode live needs ibkr.account spelled out. Change it in config/."
    )


def test_a_key_that_is_set_twice_is_refused_with_both_lines(written: Write) -> None:
    words = refusal(written(bot="web:\n  port: 1\n  host: x\n  port: 2\n"))
    assert words == "config/bot.yaml line 4: web.port is set twice, first on line 2. Keep one of them."


@pytest.mark.parametrize(
    "text,told",
    [
        ("mode: [sim", "config/bot.yaml: not valid YAML: line 1 column 11: "),
        ("mode: sim\n\tx: 1", "config/bot.yaml: not valid YAML: line 2 column 1: "),
        ("- 1", "config/bot.yaml: holds a list."),
        ("? [a, b]\n: 1", "config/bot.yaml line 1: a key must be one word"),
        ("a: &x [*x]", "config/bot.yaml line 1: an anchor contains itself."),
        ("mode: sim\non: 1", "config/bot.yaml line 2: the key `on` is no text to YAML (bool). Put it in quotes."),
        ("1: 2", "config/bot.yaml line 1: the key `1` is no text to YAML (int). Put it in quotes."),
        ("web:\n  ~: 2", "config/bot.yaml line 2: the key `~` is no text to YAML (null). Put it in quotes."),
        ('mode: sim\nbot_id: "\\ud800"', "config/bot.yaml line 2: bot_id holds half of a character"),
        ('"\\ud800": 1', "config/bot.yaml line 1: a key holds half of a character"),
        ("mode: sim\nweb: {port: !!int x}", "config/bot.yaml: not valid YAML: line 2 column 13: a value cannot"),
        ("mode: !!timestamp x", "config/bot.yaml: not valid YAML: line 1 column 7: a value cannot be read: "),
        ("web:\n  port: " + "9" * 5_000, "config/bot.yaml: not valid YAML: line 2 column 9: a value cannot be read: "),
        ("mode: sim\nbot_id: a\0b", "config/bot.yaml line 2: the character '\\x00' has no place in YAML."),
        ("web:\n  <<: {a: 1}", "config/bot.yaml line 2: web.a = 1 is an unknown key."),
        ("web:\n  <<: [{prt: 1}, {a: 1}]", "config/bot.yaml line 2: web."),
        ("a: " + "[" * 500 + "]" * 500, "config/bot.yaml: lists or settings stand in one another too deep"),
        ("mode: !!python/object:os.system {}", "config/bot.yaml: not valid YAML: line 1 column 7: "),
    ],
)
def test_what_is_no_yaml_mapping_names_file_and_line(written: Write, text: str, told: str) -> None:
    assert refusal(written(bot=text)).startswith(told)


def test_a_file_that_is_not_utf_8_is_refused(written: Write) -> None:
    root = written(bot="")
    (root / "config" / "bot.yaml").write_bytes(b"mode: \xff\xfe")
    assert refusal(root).startswith("config/bot.yaml line 1: cannot be read")


def test_a_pipe_in_place_of_a_file_is_not_waited_for(written: Write) -> None:
    root = written(bot="")
    (root / "config" / "bot.yaml").unlink()
    os.mkfifo(root / "config" / "bot.yaml")
    assert refusal(root).startswith("config/bot.yaml: is no plain file.")


@pytest.mark.parametrize(
    "name,value,told",
    [
        ("IBKR__ACCOUNT", "\udcff", "it holds bytes that are no text"),
        ("RISK__MAX_POSITIONS", "\udcff", "it holds bytes that are no text"),
        ("CALENDAR__EARLY", "{2026-11-27: '13:00', 2026-11-27: '12:00'}", "2026-11-27 is set twice"),
    ],
)
def test_what_the_environment_says_is_as_sound_as_a_file(written: Write, name: str, value: str, told: str) -> None:
    variable = f"QUANTICITY__{name}"
    with pytest.raises(ConfigError, match=f"{variable}: .* cannot be taken: .*{told}"):
        load(written(bot=""), environ={variable: value})


@pytest.mark.parametrize("section", ["strategies", "sources"])
def test_a_section_in_the_wrong_file_is_sent_to_its_own(written: Write, section: str) -> None:
    home = {"strategies": "strategies.yaml", "sources": "data_sources.yaml"}[section]
    assert refusal(written(bot=f"{section}: {{}}")) == (
        f"config/bot.yaml line 1: {section} belongs in config/{home}. Move it there."
    )


# ---- secrets


@pytest.mark.parametrize("key", ["login_token", "api_key", "smtp_password", "client_secret", "Authorization", "apikey"])
def test_a_secret_in_yaml_is_refused_without_showing_it(written: Write, key: str) -> None:
    words = refusal(written(data_sources=f"unusual_whales:\n  {key}: hunter2\n"))
    assert words.startswith(f"config/data_sources.yaml line 2: unusual_whales.{key} looks like a secret")
    assert "hunter2" not in words


def test_a_password_in_an_address_is_refused_in_yaml_and_hidden_from_the_text(written: Write) -> None:
    url = "postgresql+asyncpg://bot:hunter2@db/q"
    words = refusal(written(bot=f"database: {{url: '{url}'}}"))
    assert "database.url holds a password" in words
    assert "hunter2" not in words
    config = accepted(written(bot=""), {"QUANTICITY__DATABASE__URL": url})
    assert config.settings.database.url == url
    assert "hunter2" not in config.text


def test_secrets_come_from_the_environment_over_dotenv_and_stay_out_of_every_text(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("UNUSUAL_WHALES_TOKEN=from$file\nWEB_LOGIN_TOKEN=page-secret\n", encoding="utf-8")
    config = accepted(tmp_path, {"UNUSUAL_WHALES_TOKEN": "from-environment"})
    assert config.secrets.unusual_whales_token == "from-environment"
    assert config.secrets.web_login_token == "page-secret"
    assert accepted(tmp_path).secrets.unusual_whales_token == "from$file"
    assert set(config.secrets) == {"from-environment", "page-secret"}
    assert "page-secret" not in config.text + repr(config)


def test_sim_needs_no_secret_and_paper_names_each_that_is_missing(tmp_path: Path) -> None:
    assert missing_secrets(accepted(tmp_path)) == []
    paper = accepted(tmp_path, {"WEB_LOGIN_TOKEN": " "}, {"mode": "paper"})
    missing = r"UNUSUAL_WHALES_TOKEN is not set[^\n]*\npeople.users names no owner[^\n]*\nWEB_LOGIN_TOKEN is not set"
    with pytest.raises(ConfigError, match=missing):
        paper.require_secrets()


def test_a_simulated_vendor_on_this_machine_needs_no_token(written: Write) -> None:
    root = written(data_sources="unusual_whales: {base_url: 'http://127.0.0.1:9000'}")
    assert missing_secrets(accepted(root, {"WEB_LOGIN_TOKEN": "x" * 16, **OWNER}, {"mode": "paper"})) == []


def test_a_short_login_token_is_refused_outside_sim(tmp_path: Path) -> None:
    given = {"WEB_LOGIN_TOKEN": "x" * 15, "UNUSUAL_WHALES_TOKEN": "t", **OWNER}
    assert missing_secrets(accepted(tmp_path, given)) == []
    (words,) = missing_secrets(accepted(tmp_path, given, {"mode": "paper"}))
    assert words.startswith("WEB_LOGIN_TOKEN has fewer than 16 characters")


@pytest.mark.parametrize("address", ["http://vendor.example", "http://127.evil.example", "http://10.0.0.1:80"])
def test_a_vendors_token_leaves_the_machine_by_https_alone(written: Write, address: str) -> None:
    root = written(data_sources=f"unusual_whales: {{base_url: '{address}'}}")
    given = {"WEB_LOGIN_TOKEN": "x" * 16, "UNUSUAL_WHALES_TOKEN": "t", **OWNER}
    (words,) = missing_secrets(accepted(root, given, {"mode": "paper"}))
    assert words.startswith("sources.unusual_whales.base_url")


# ---- people

OWNER = {"QUANTICITY__PEOPLE__USERS": "[{name: ann, role: owner}]"}
TWO = {"QUANTICITY__PEOPLE__USERS": "[{name: ann, role: owner, telegram_id: 7}, {name: bo-b, role: viewer}]"}
LONG, OTHER = "x" * 16, "y" * 16


def test_outside_sim_the_settings_name_an_owner(tmp_path: Path) -> None:
    given = {"WEB_LOGIN_TOKEN": LONG, "UNUSUAL_WHALES_TOKEN": "t"}
    assert missing_secrets(accepted(tmp_path, given)) == []
    nobody, no_owner = (missing_secrets(accepted(tmp_path, {**given, **more}, {"mode": "paper"}))
                        for more in ({}, {"QUANTICITY__PEOPLE__USERS": "[{name: ann, role: operator}]"}))  # fmt: skip
    assert nobody == no_owner
    assert nobody[0].startswith("people.users names no owner, and mode paper has to know whose bot this is")
    assert "people: {users: [{telegram_id: 12345678, name: ann, role: owner}]}" in nobody[0]
    assert missing_secrets(accepted(tmp_path, {**given, **OWNER}, {"mode": "paper"})) == []


def test_a_person_logs_in_by_a_token_of_their_own(tmp_path: Path) -> None:
    given = {"WEB_LOGIN_TOKEN_ANN": LONG, "WEB_LOGIN_TOKEN_BO_B": OTHER, "UNUSUAL_WHALES_TOKEN": "t", **TWO}
    config = accepted(tmp_path, given, {"mode": "paper"})
    assert missing_secrets(config) == []
    assert {LONG, OTHER} <= set(config.hidden())
    assert LONG not in config.text + repr(config)


@pytest.mark.parametrize(
    "given,said",
    [
        ({"WEB_LOGIN_TOKEN_EVE": LONG}, "WEB_LOGIN_TOKEN_EVE is set, and people.users names nobody of that name"),
        ({"WEB_LOGIN_TOKEN_ANN": "x" * 15}, "WEB_LOGIN_TOKEN_ANN has fewer than 16 characters"),
        ({"WEB_LOGIN_TOKEN_ANN": LONG, "WEB_LOGIN_TOKEN_BO_B": LONG}, "nobody could tell who logged in"),
        ({"WEB_LOGIN_TOKEN_ANN": OTHER, "WEB_LOGIN_TOKEN": OTHER}, "nobody could tell who logged in"),
    ],
)
def test_a_login_token_that_tells_nobody_is_refused(tmp_path: Path, given: dict[str, str], said: str) -> None:
    whole = {"WEB_LOGIN_TOKEN": "z" * 16, "UNUSUAL_WHALES_TOKEN": "t", **TWO, **given}
    (words,) = missing_secrets(accepted(tmp_path, whole, {"mode": "paper"}))
    assert said in words


@pytest.mark.parametrize(
    "users,said",
    [
        ("[{name: ann, role: owner}, {name: ANN, role: viewer}]", "two users are called alike"),
        ("[{name: a, role: owner, telegram_id: 7}, {name: b, role: viewer, telegram_id: 7}]", "telegram_id 7 is two"),
        ("[{name: operator, role: owner}]", "choose another name"),
        ("[{name: ann, role: overseer}]", "overseer is no role of a person"),
        ("[{name: ann, role: owner, telegram_id: -100123}]", "telegram_id"),
        ("[{name: '12', role: owner}]", "name"),
        ("[{name: ann}]", "role"),
    ],
)
def test_a_list_of_people_that_makes_no_sense_is_refused(tmp_path: Path, users: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        accepted(tmp_path, {"QUANTICITY__PEOPLE__USERS": users})


# ---- environment and command line


def test_the_environment_overrides_files_and_the_command_line_overrides_it(written: Write) -> None:
    root = written(bot="sim: {seed: 1, speed: 2}")
    config = accepted(root, {"QUANTICITY__SIM__SEED": "5", "QUANTICITY__SIM__SPEED": "6"}, {"sim.seed": 9})
    assert (config.settings.sim.seed, config.settings.sim.speed) == (9, 6)


@pytest.mark.parametrize("variable", ["QUANTICITY__IBKR__PORT", "quanticity__ibkr__port", "Quanticity__Ibkr__Port"])
def test_environment_variables_are_found_in_any_case(tmp_path: Path, variable: str) -> None:
    assert accepted(tmp_path, {variable: "4002"}).settings.ibkr.port == 4002


def test_an_override_may_stand_in_dotenv(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("QUANTICITY__WEB__PORT=9\n", encoding="utf-8")
    assert accepted(tmp_path).settings.web.port == 9
    assert accepted(tmp_path, {"QUANTICITY__WEB__PORT": "10"}).settings.web.port == 10


def test_environment_values_are_read_as_the_setting_wants_them(tmp_path: Path) -> None:
    gamma = "QUANTICITY__STRATEGIES__ZERO_DTE_GAMMA__"
    config = accepted(
        tmp_path,
        {
            "QUANTICITY__IBKR__ACCOUNT": "1234567",
            "QUANTICITY__WEB__ENABLED": "false",
            "QUANTICITY__RISK__NO_ZERO_DTE_AFTER": "14:00",
            f"{gamma}SYMBOLS": '["SPY"]',
            f"{gamma}BOOK_SYMBOL__NDX": "QQQ",
        },
    )
    settings = config.settings
    assert (settings.ibkr.account, settings.web.enabled) == ("1234567", False)
    assert settings.risk.no_zero_dte_after == time(14, 0)
    assert settings.strategies.zero_dte_gamma.symbols == ("SPY",)
    assert settings.strategies.zero_dte_gamma.book_symbol["NDX"] == "QQQ"


def test_the_environment_reaches_into_the_data_sources_and_into_lists(written: Write) -> None:
    root = written(data_sources="unusual_whales:\n  base_url: https://a\n  datasets: [{name: x, poll_seconds: 60}]\n")
    below = "QUANTICITY__SOURCES__UNUSUAL_WHALES__"
    config = accepted(root, {f"{below}BASE_URL": "http://127.0.0.1:1", f"{below}DATASETS__0__POLL_SECONDS": "5"})
    assert config.sources_tree["unusual_whales"] == {
        "base_url": "http://127.0.0.1:1",
        "datasets": [{"name": "x", "poll_seconds": 5}],
    }


@pytest.mark.parametrize(
    "variable,value,told",
    [
        ("QUANTICITY__IBKR__PORT", "99999", "ibkr.port = 99999 must be a whole number"),
        ("QUANTICITY__IBKR__PROT", "1", "ibkr.prot = 1 is an unknown key. Did you mean port?"),
        ("QUANTICITY__IBRK", "1", "ibrk is an unknown key. Did you mean ibkr?"),
        ("QUANTICITY__RISK__MAX_POSITIONS", "[3", "'[3' cannot be taken: line 1"),
        ("QUANTICITY__RISK____X", "1", "has an empty part. Write QUANTICITY__SECTION__KEY."),
    ],
)
def test_a_wrong_variable_is_named(tmp_path: Path, variable: str, value: str, told: str) -> None:
    words = refusal(tmp_path, {variable: value})
    assert words.startswith(f"environment variable {variable}: ")
    assert told in words
    assert words.endswith("Correct or unset it.")


def test_a_wrong_option_is_named(tmp_path: Path) -> None:
    assert refusal(tmp_path, overrides={"sim.speed": -1}).startswith(
        "command line: sim.speed = -1 must be a number, above 0"
    )


# ---- version, text, paths


def test_the_version_follows_the_content_and_nothing_else(
    written: Write, tmp_path_factory: pytest.TempPathFactory
) -> None:
    here = accepted(written(bot="risk: {max_positions: 5} # a comment"))
    elsewhere = accepted(tmp_path_factory.mktemp("other"), {"UNUSUAL_WHALES_TOKEN": "x"})
    changed = accepted(written(bot="risk: {max_positions: 4}"))
    assert here.version == elsewhere.version != changed.version
    assert json.loads(here.text)["settings"]["risk"]["max_positions"] == 5


def test_where_a_bot_keeps_its_things_and_is_met_is_no_part_of_the_version(tmp_path: Path) -> None:
    moved = {f"QUANTICITY__{section}__{name}".upper(): "/elsewhere/of/mine" for section, name in PATHS}
    moved["QUANTICITY__DATABASE__URL"] = "sqlite+aiosqlite:////elsewhere/q.db"
    moved |= {"QUANTICITY__WEB__PORT": "8099", "QUANTICITY__SIM__TWS_PORT": "7001", "QUANTICITY__SIM__UW_PORT": "7002"}
    here, there = accepted(tmp_path), accepted(tmp_path, moved)
    assert here.version == there.version
    assert here.text != there.text, "the text says where"


def test_relative_paths_count_from_the_directory_that_holds_config(tmp_path: Path) -> None:
    settings = accepted(tmp_path).settings
    assert settings.database.url == f"sqlite+aiosqlite:///{tmp_path}/data/quanticity.db"
    assert settings.database.backup_dir == ""
    kept = "sqlite+aiosqlite:////var/lib/q.db"
    assert accepted(tmp_path, {"QUANTICITY__DATABASE__URL": kept}).settings.database.url == kept


# ---- sections with a schema of their own room


class Vendor(Section):
    per_minute: int = 100


class Sources(Section):
    vendor: Vendor = Vendor()


def test_a_section_is_validated_by_its_room_with_the_same_messages(written: Write) -> None:
    config = accepted(written(data_sources="vendor:\n  per_minut: 7\n"))
    with pytest.raises(ConfigError) as caught:
        validate_section(config.sources_tree, "sources", Sources)
    assert str(caught.value).startswith(
        "config/data_sources.yaml line 2: vendor.per_minut = 7 is an unknown key. Did you mean per_minute?"
    )


def test_a_sound_section_becomes_its_model(written: Write) -> None:
    config = accepted(written(data_sources="vendor: {per_minute: 7}"))
    assert validate_section(config.sources_tree, "sources", Sources).vendor.per_minute == 7


def test_an_overlay_is_laid_over_the_files_and_under_the_environment(tmp_path: Path) -> None:
    overlays = tmp_path / "config" / "overlays"
    overlays.mkdir(parents=True)
    (tmp_path / "config" / "bot.yaml").write_text("risk: {max_positions: 3, max_per_symbol: 1}\n", encoding="utf-8")
    (overlays / "calm.yaml").write_text("risk:\n  max_positions: 2\nsim: {seed: 9}\n", encoding="utf-8")
    risk = load(tmp_path, environ={"QUANTICITY_OVERLAY": "calm"}).settings.risk
    assert (risk.max_positions, risk.max_per_symbol) == (2, 1)
    both = {"QUANTICITY_OVERLAY": "calm", "QUANTICITY__RISK__MAX_POSITIONS": "4"}
    assert load(tmp_path, environ=both).settings.risk.max_positions == 4
    with pytest.raises(ConfigError, match=r"there is no config/overlays/wild.yaml. There are: calm"):
        load(tmp_path, environ={"QUANTICITY_OVERLAY": "wild"})
    (overlays / "calm.yaml").write_text("risk:\n  max_positions: 0\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"config/overlays/calm.yaml line 2: risk.max_positions = 0"):
        load(tmp_path, environ={"QUANTICITY_OVERLAY": "calm"})
