import os
import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.errors import WrongSettings
from backends.settings.agents import AGENTS
from backends.settings.default_file import commented_file, descriptions
from backends.settings.engines import GeminiSettings, OllamaSettings, OpenAISettings, built_in_engines, read_keys
from backends.settings.known_keys import check_keys, known_keys
from backends.settings.loading import Loaded, load
from backends.settings.money import Budget
from backends.settings.sources import LARGEST_B, _without_waiting, ollama_url


def written(folder: Path, text: str, **env: str) -> Loaded:
    path = folder / "claw.toml"
    path.write_text(text, encoding="utf-8")
    return load(path, env)


def test_without_a_file_all_is_built_in(tmp_path: Path) -> None:
    loaded = load(tmp_path / "absent.toml", {})
    assert loaded.sources == {}
    assert set(loaded.settings.agents) == set(AGENTS)
    assert {name for name, agent in loaded.settings.agents.items() if agent.policy == "local"} == {"scout", "infra"}
    assert loaded.settings.budgets == (Budget(limit_usd=Decimal("5.00")),)


def test_a_file_changes_what_it_names_and_says_where_it_came_from(tmp_path: Path) -> None:
    loaded = written(tmp_path, '[agents.scout]\nsensitive = true\n[router]\ndial = 0.5\n[agents."my bot"]\n')
    assert loaded.settings.router.dial == 0.5
    assert loaded.settings.agent("scout").policy == "local"
    assert loaded.settings.agent("scout").sensitive
    assert loaded.settings.agent("my bot").policy == "auto"
    assert loaded.sources["router.dial"].endswith("claw.toml")
    assert "engines.local.model" not in loaded.sources


def test_the_environment_outranks_the_file(tmp_path: Path) -> None:
    loaded = written(tmp_path, '[engines.local]\nbase_url = "http://127.0.0.1:1"\n', OLLAMA_HOST="0.0.0.0:99")
    assert loaded.settings.engines["local"].base_url == "http://127.0.0.1:99"
    assert loaded.sources["engines.local.base_url"] == "OLLAMA_HOST"


@pytest.mark.parametrize("kind", ["openai", "ollama"])
def test_ollama_host_is_the_address_of_an_ollama_alone(tmp_path: Path, kind: str) -> None:
    text = f'[engines.local]\nkind = "{kind}"\nbase_url = "http://127.0.0.1:1"\n'
    loaded = written(tmp_path, text, OLLAMA_HOST="127.0.0.1:99")
    expected = "http://127.0.0.1:99" if kind == "ollama" else "http://127.0.0.1:1"
    assert loaded.settings.engines["local"].base_url == expected
    assert (loaded.sources["engines.local.base_url"] == "OLLAMA_HOST") is (kind == "ollama")


@pytest.mark.parametrize("table", ["local", "gpu"])
def test_ollama_host_adds_no_machine_to_those_listed_as_local(tmp_path: Path, table: str) -> None:
    text = f'[engines.{table}]\nkind = "ollama"\nmodel = "qwen2.5:32b"\nzone = "local"\n'
    for host, expected in (("10.0.0.9", "http://127.0.0.1:11434"), ("127.0.0.1:99", "http://127.0.0.1:99")):
        assert written(tmp_path, text, OLLAMA_HOST=host).settings.engines[table].addresses == (expected,)
    unlisted = written(tmp_path, text.replace('zone = "local"', ""), OLLAMA_HOST="10.0.0.9").settings.engines[table]
    assert unlisted.addresses == ("http://10.0.0.9:11434",)


@pytest.mark.parametrize("given", ['"30m"', '"1h30m"', '"1.5h"', '"-1"', '"0"', '"1800"', "1800", "0", "-1", '"500ms"'])
def test_a_keep_alive_that_ollama_reads(tmp_path: Path, given: str) -> None:
    engine = written(tmp_path, f"[engines.local]\nkeep_alive = {given}\n").settings.engines["local"]
    assert isinstance(engine, OllamaSettings)
    assert str(engine.keep_alive) == given.strip('"')


@pytest.mark.parametrize(
    "given", ['"30 m"', '"soon"', '""', '"m"', '"1d"', '"1e9"', '"99999999999h"', "true", '"1h 30m"']
)
def test_a_keep_alive_that_ollama_would_refuse_is_refused_at_the_start(tmp_path: Path, given: str) -> None:
    with pytest.raises(WrongSettings, match="keep_alive"):
        written(tmp_path, f"[engines.local]\nkeep_alive = {given}\n")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "[engines.local]\nparalel = 2",
            "unknown setting `engines.local.paralel`: the nearest valid one is `engines.local.parallel`",
        ),
        (
            "[agents.ada]\npolcy = 'local'",
            "unknown setting `agents.ada.polcy`: the nearest valid one is `agents.ada.policy`",
        ),
        ("[[budgets]]\nlimit_usd = '1'\ntimezone = 'Mars/Base'", "`budgets[0].timezone` must be a time zone of this"),
        ("[money]\ntimezone = '../etc/passwd'", "`money.timezone` must be a time zone of this machine"),
        ("[money]\ncurrency = 'euro'", "`money.currency` must be three letters"),
        ("[money]\nrate = '0'", "`money.rate` must be above 0"),
        ("[costs.local]\nkwh_usd = '-0.1'", "`costs.local.kwh_usd` must be 0 or more"),
        ("[engines.cloud]\ndiscount = '1'", "`engines.cloud.discount` must be from 0 to below 1"),
        (
            "[prices.m]\ninput_usd='1'\noutput_usd='1'\n[[prices.m.tiers]]\nabove_input_tokens=9\ninput_usd='-1'\noutput_usd='1'",
            "`prices.m.tiers[0].input_usd` must be 0 or more",
        ),
        (
            "[prices.m]\ninput_usd='1'\noutput_usd='1'\n[[prices.m.tiers]]\nabove=9\ninput_usd='1'\noutput_usd='1'",
            "the nearest valid one is `prices.m.tiers.above_input_tokens`",
        ),
        (
            "[prices.m]\ninput_usd='1'\noutput_usd='1'\nvalid_from=2027-01-02T00:00:00Z\n"
            "[[prices.m.changes]]\nvalid_from=2027-01-01T00:00:00Z\ninput_usd='1'\noutput_usd='1'",
            "`prices.m.changes` must come in the order of their valid_from",
        ),
        ("[budget]\nlimit = 1", "the nearest valid one is `budgets.limit_usd`"),
        ("[engines.local]\nparallel = '2'", "`engines.local.parallel`: Expected `int`, got `str`"),
        ("[router]\ndial = 1.5", "`router.dial`: Expected `float` <= 1.0"),
        ("agents = 3", "`agents`: Expected `object`, got `int`"),
        ("agents.scout = 3", "`agents.scout`: Expected `object`, got `int`"),
        ("[agents.scout]\npolicy = 'sky'", "`agents.scout.policy`: Invalid enum value 'sky'"),
        ("[[budgets]]\nlimit_usd = 'lots'", "`budgets[0].limit_usd`"),
        ("[[budgets]]\nlimit_usd = '-1'", "`budgets[0].limit_usd` must be 0 or more"),
        ("[[budgets]]\nlimit_usd = 'NaN'", "`budgets[0].limit_usd` must be 0 or more"),
        ("[[budgets]]\nlimit_usd = '1e9999999'", "`budgets[0].limit_usd` must be 0 or more"),
        ("[[budgets]]\nlimit_usd = '1e-9999999'", "`budgets[0].limit_usd` must be 0 or more"),
        (
            "[[budgets]]\nlimit_usd = '1'\nscope = 'engine:gpu'",
            "`budgets[0].scope` names gpu, and the engines are local, cloud",
        ),
        ("[money]\nrate = '1e9999999'", "`money.rate` must be above 0"),
        ("[agents.ada]\ndeadline_s = inf", "`agents.ada.deadline_s`: Expected `float` <= 1000000000000.0"),
        ("[cache.ttl_s]\nchat = inf", "`cache.ttl_s.chat`: Expected `float` <= 1000000000000.0"),
        ("[telemetry]\ninterval_s = nan", "`telemetry.interval_s`: Expected `float` >= 0.2"),
        ("[ledger]\nkeep_days = 99999999999", "`ledger.keep_days`"),
        (
            "[[budgets]]\nlimit_usd = '1'\nscope = 'agnet:ada'",
            "use all, agent:NAME, group:NAME, engine:NAME, model:NAME, session or run",
        ),
        ("[engines.local]\nbase_url = 'localhost:11434'", "must be an http:// or https:// address"),
        ("[engines.local]\nbase_url = 'http://127.0.0.1:99999'", "must be an http:// or https:// address"),
        ("[engines.cloud]\nbase_url = 'http://[::1'", "must be an http:// or https:// address"),
        ("[prices.m]\ninput_usd = '-1'\noutput_usd = '1'", "`prices.m.input_usd` must be 0 or more"),
        ("[prices.m]\ninput_usd = '1'\noutput_usd = 'Infinity'", "`prices.m.output_usd` must be 0 or more"),
        ("[models.m]\nsampling = ['heat']", "`models.m.sampling` names heat"),
        ("[models.m]\nlevels = ['low', 'low']", "`models.m.levels` names a level twice"),
        ("[models.m]\nlevels = ['low']\nthinking = 'budget'", "`models.m.levels` belongs to"),
        ("[models.m]\nleast_thinking = 2\nmost_thinking = 1", "must not be above most_thinking"),
        ("[models.m]\nsuccessor = 'm'", "`models.m.successor` must be another"),
        ("[models.m]\nwindow = 0", "`models.m.window`: Expected `int` >= 1"),
        ("[models.m]\nretires = 'soon'", "`models.m.retires`"),
        ("[models.m]\nwindows = 5", "the nearest valid one is `models.m.window`"),
        ("[models.gemini-3.5]\nwindow = 5", 'the nearest valid one is `models."gemini-3.5".window`'),
        ("[engines.local]\ncontext = 1024", "`engines.local.min_output` must be less than context (1024)"),
        ("[engines.local]\ncontext = 'most'", "`engines.local.context`: Invalid enum value 'most'"),
        ("[privacy]\npatterns = ['fine', '(open']", "`privacy.patterns[1]`: not a regular expression"),
        ("[gateway]\nhost = '0.0.0.0'", "`gateway.host` must be a loopback address"),
        ("[gateway]\nhost = 'example.com'", "`gateway.host` must be a loopback address"),
        ("[telemetry]\ninterval_s = 0.1", "`telemetry.interval_s`: Expected `float` >= 0.2"),
        ("[engines", "not valid TOML"),
        ("a = " + "9" * 5_000, "not valid TOML"),
        ("a = 1e" + "9" * 30, "not valid TOML"),
        ("a = " + "[" * 20_000, "not valid TOML"),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_it(tmp_path: Path, text: str, line: str) -> None:
    with pytest.raises(WrongSettings) as error:
        written(tmp_path, text)
    assert line in str(error.value)
    assert "\n" not in str(error.value)
    assert error.value.exit_code == 2


def test_a_file_that_is_no_text_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "claw.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(WrongSettings, match="UTF-8"):
        load(path, {})
    path.unlink()
    path.write_text("")
    with pytest.raises(WrongSettings, match="cannot be read"):
        load(path / "claw.toml", {})


def test_what_is_no_file_is_one_line_and_nobody_waits_for_it(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.toml"
    os.mkfifo(pipe)
    for path in (pipe, Path("/dev/zero"), tmp_path):
        with pytest.raises(WrongSettings, match="not a regular file"):
            load(path, {})


def test_a_pipe_that_takes_the_files_place_does_not_hold_us_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with open(tmp_path / "pipe", "rb", opener=_without_waiting) as file:
        assert file.read() == b""


def test_a_file_too_large_to_be_ours_is_refused(tmp_path: Path) -> None:
    assert written(tmp_path, "#" * LARGEST_B).sources == {}
    with pytest.raises(WrongSettings, match="1 MiB"):
        written(tmp_path, "#" * (LARGEST_B + 1))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "[::1]", "127.9.9.9"])
def test_every_loopback_host_and_pattern_that_compiles_is_taken(tmp_path: Path, host: str) -> None:
    settings = written(tmp_path, f"[gateway]\nhost = '{host}'\n[privacy]\npatterns = ['(?i)acme-\\d+']\n").settings
    assert settings.gateway.host == host
    assert settings.privacy.patterns == (r"(?i)acme-\d+",)


@given(st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=12))
def test_any_unknown_table_is_refused_with_a_key_that_exists(name: str) -> None:
    if any(key[0] == name for key in known_keys()):
        return
    with pytest.raises(ValueError, match="unknown setting") as error:
        check_keys({name: {"x": 1}})
    nearest = str(error.value).rsplit("`", 2)[1]
    assert tuple(nearest.split(".")) in known_keys()


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:11434"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        (":11435", "http://127.0.0.1:11435"),
        ("localhost:1", "http://localhost:1"),
        ("http://gpu", "http://gpu:80"),
        ("https://gpu/ollama/", "https://gpu:443/ollama"),
        ("[::1]:77", "http://[::1]:77"),
    ],
)
def test_ollama_host_is_read_as_ollama_reads_it(host: str, url: str) -> None:
    assert ollama_url(host) == url


@pytest.mark.parametrize("host", ["127.0.0.1:port", "127.0.0.1:99999", "http://[::1"])
def test_an_ollama_host_that_is_no_address_is_one_line(host: str) -> None:
    with pytest.raises(WrongSettings, match="OLLAMA_HOST"):
        ollama_url(host)


def test_the_key_is_read_as_googles_tools_read_it() -> None:
    def cloud_key(**environ: str) -> str | None:
        return read_keys(built_in_engines(), environ)["cloud"]

    assert cloud_key() is None
    assert cloud_key(GEMINI_API_KEY="") is None
    assert cloud_key(GEMINI_API_KEY="a") == "a"
    assert cloud_key(GEMINI_API_KEY="a", GOOGLE_API_KEY="b") == "b"


def test_each_engine_has_the_key_that_it_names() -> None:
    engines = built_in_engines() | {
        "backup": OpenAISettings(base_url="https://x.test/v1", model="m", zone="cloud", key_env="BACKUP_KEY"),
        "lite": GeminiSettings(key_env="LITE_KEY"),
    }
    keys = read_keys(engines, {"BACKUP_KEY": "b", "GEMINI_API_KEY": "g"})
    assert keys == {"local": None, "cloud": "g", "backup": "b", "lite": None}
    assert [engine.missing_key(name, keys[name]) for name, engine in engines.items()] == [
        "", "", "", "no key for lite: set LITE_KEY"
    ]  # fmt: skip


def test_the_commented_file_changes_nothing_and_holds_every_setting(tmp_path: Path) -> None:
    text = commented_file()
    assert written(tmp_path, text).settings == load(tmp_path / "absent.toml", {}).settings
    for key in known_keys():
        assert f"# {key[-1]} " in text


def test_every_line_of_the_commented_file_may_be_taken_in(tmp_path: Path) -> None:
    body = commented_file().split("\n\n", 1)[1]
    taken = "\n".join(line.removeprefix("# ") for line in body.splitlines())
    built_in = load(tmp_path / "absent.toml", {}).settings
    settings = written(tmp_path, taken).settings
    assert settings.engines == built_in.engines
    assert settings.budgets == built_in.budgets
    assert settings.agents == built_in.agents
    assert settings.prices["gemini-3.5-flash-lite"].input_usd == Decimal("0.30")


def test_every_setting_says_what_it_means() -> None:
    assert [key for key, _, meaning in descriptions() if not meaning] == []
    described = {re.sub(r"^engines\.\w+\.", "engines.NAME.", key) for key, _, _ in descriptions()}
    assert len(described) == len(known_keys())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('engines = ["local"]\npolicy = "cloud"', "none of the engines that may answer it (local) is in"),
        (
            'models = ["gemini-3.5-flash-lite"]\npolicy = "local"',
            "none of the engines that may answer it (cloud)",
        ),
        ('models = ["gpt-9"]', "name one of qwen2.5:14b, gemini-3.5-flash-lite"),
        ('models = ["gemini-3.5-flash-lite"]\nengines = ["local"]', "allows no model of its engines"),
        ('max_cost_usd = "-1"', "`agents.ada.max_cost_usd` must be 0 or more"),
        ('max_cost_usd = "NaN"', "must be 0 or more"),
        ('max_cost_usd = "1e-999999"', "must be 0 or more"),
        ("max_output = 0", "agents.ada.max_output"),
        ("dial = 1.5", "agents.ada.dial"),
        ('engines = ["moon"]', "agents.ada.engines"),
    ],
)
def test_an_agent_that_nothing_may_answer_is_said_at_once(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "claw.toml"
    path.write_text(f"[agents.ada]\n{text}\n")
    with pytest.raises(WrongSettings) as error:
        load(path, {})
    assert says in str(error.value)
    path.write_text(
        '[agents.ada]\nengines = ["cloud"]\nmodels = ["gemini-3.5-flash-lite"]\nmax_cost_usd = "0.01"\ndial = 0.5\n'
    )
    assert load(path, {}).settings.agent("ada").dial == 0.5


def test_facts_of_a_model_are_taken_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "claw.toml"
    path.write_text(
        '[models."gemini-9-flash"]\nretires = 2027-05-07\nsuccessor = "gemini-10"\nlevels = ["low", "high"]\n'
    )
    facts = load(path, {}).settings.models["gemini-9-flash"]
    assert (facts.retires, facts.successor, facts.levels) == (date(2027, 5, 7), "gemini-10", ("low", "high"))
