"""Engines of the operator's own in claw.toml: what loads, and the one line for what does not."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from backends.errors import WrongSettings
from backends.settings.loading import Loaded, load

SMALL = '[engines.small]\nkind = "ollama"\nmodel = "qwen2.5:3b"\n'
LITE = '[engines.lite]\nkind = "gemini"\nmodel = "gemini-3.1-flash-lite"\n'
BACKUP = '[engines.backup]\nkind = "openai"\nmodel = "some/model"\nbase_url = "https://api.example/v1"\n'


def written(folder: Path, text: str, **env: str) -> Loaded:
    path = folder / "claw.toml"
    path.write_text(text, encoding="utf-8")
    return load(path, env)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            '[engines.small]\nkind = "ollama"',
            "`engines.small.model` must be set for an engine of kind ollama; `claw config set` can set several keys",
        ),
        ('[engines.small]\nmodel = "m"', "`engines.small.kind` must be set to ollama, openai or gemini"),
        ('[engines.x]\nkind = "openai"\nmodel = "m"', "`engines.x.base_url` must be set for an engine of kind openai"),
        ('[engines.x]\nkind = "vllm"\nmodel = "m"', "`engines.x.kind` must be ollama, openai or gemini"),
        ('[engines.x]\nkind = ["ollama"]\nmodel = "m"', "`engines.x.kind` must be ollama, openai or gemini"),
        ("engines.local.kind = 3", "`engines.local.kind` must be ollama, openai or gemini"),
        ("engines.small = 3", "`engines.small`: Expected `object`, got `int`"),
        ('[[engines.small]]\nkind = "ollama"', "`engines.small`: Expected `object`, got `array`"),
        ('[[engines]]\nlocal.kind = "ollama"', "`engines`: Expected `object`, got `array`"),
        ("engines = 3", "`engines`: Expected `object`, got `int`"),
        (LITE + 'keep_alive = "1h"', "`engines.lite.keep_alive` is not a setting of gemini engines, only of ollama"),
        (
            LITE + 'replicas = ["http://h"]',
            "`engines.lite.replicas` is not a setting of gemini engines, only of ollama",
        ),
        (SMALL + "thinking_budget = 1", "`engines.small.thinking_budget` is not a setting of ollama engines, only of"),
        (SMALL + "paralel = 1", "the nearest valid one is `engines.small.parallel`"),
        (LITE + 'zone = "local"', "`engines.lite.zone`: Invalid enum value 'local'"),
        (SMALL + 'zone = "moon"', "`engines.small.zone`: Invalid enum value 'moon'"),
        (SMALL + "ability = 100", "`engines.small.ability`: Expected `float` < 100"),
        (SMALL + 'discount = "1.5"', "`engines.small.discount` must be from 0 to below 1"),
        (SMALL + 'keep_alive = "soon"', "`engines.small.keep_alive` must be seconds or a duration"),
        (SMALL + "context = 512", "`engines.small.min_output` must be less than context (512)"),
        (LITE + 'proxy = "proxy.example"', "`engines.lite.proxy` must be an http:// or https:// address"),
        (
            SMALL + 'replicas = ["http://h", "ftp://h"]',
            "`engines.small.replicas` must be an http:// or https:// address",
        ),
        (SMALL + 'replicas = ["http://h", "http://h/"]', "`engines.small.replicas` names an address twice"),
        (
            SMALL + 'base_url = "http://h:1"\nreplicas = ["http://h:1"]',
            "`engines.small.replicas` names an address twice",
        ),
        (SMALL + SMALL.replace("small", "Small"), "`engines.Small` and `engines.small` are one engine"),
        ('[engines.Local]\nkind = "ollama"\nmodel = "m"', "`engines.Local` and `engines.local` are one engine"),
        (SMALL.replace("small", "ada"), "`engines.ada`: an agent has the name ada: use another name"),
        (SMALL.replace("small", "Scout"), "`engines.Scout`: an agent has the name Scout"),
        (SMALL.replace("small", "auto"), "`engines.auto`: the name auto has a meaning already"),
        (SMALL.replace("small", "Cache"), "`engines.Cache`: the name Cache has a meaning already"),
        (SMALL.replace("small", "default"), "`engines.default`: the name default has a meaning already"),
        (SMALL.replace("small", '"a b"'), '`engines."a b"` is not a name for an engine'),
        (SMALL.replace("small", '"a\\nb"'), '`engines."a b"` has a control or invisible character in its name'),
        (SMALL.replace("small", '""'), '`engines.""` is not a name for an engine'),
        (SMALL.replace("small", "-x"), "`engines.-x` is not a name for an engine"),
        (SMALL.replace("small", "x" * 33), "is not a name for an engine"),
        (SMALL.replace("small", '"gpu.1"') + "parallel = 0", '`engines."gpu.1".parallel`: Expected `int` >= 1'),
        ('agents.ada.engines = ["small"]', "`agents.ada.engines` names small, and the engines are local, cloud"),
        (
            SMALL + '[[budgets]]\nscope = "engine:lite"\nlimit_usd = "1"',
            "`budgets[0].scope` names lite, and the engines",
        ),
        (
            '[engines.local]\nzone = "cloud"',
            '`agents.scout.policy` is "local", but none of the engines that may answer it (local, cloud) is in that',
        ),
        (
            BACKUP + '[agents.ada]\nengines = ["backup"]\npolicy = "cloud"',
            '`agents.ada.policy` is "cloud", but none of',
        ),
        (
            '[agents.ada]\nengines = ["local"]\nmodel = "gemini-3.8-flash"\nmodels = ["gemini-3.8-flash"]',
            "`agents.ada.models` allows no model of its engines",
        ),
        ('agents.ada.engines = ["a\\nb"]', "`agents.ada.engines[0]` has a control or invisible character"),
        ('agents.ada.policy = "a\\nb"', "`agents.ada.policy` has a control or invisible character"),
        ('agents."a\\nb".dial = 2', '`agents."a b"` has a control or invisible character in its name'),
        ('models.m.sampling = ["a\\nb"]', "`models.m.sampling[0]` has a control or invisible character"),
        ('privacy.internal_hosts = ["a\\nb"]', "`privacy.internal_hosts[0]`: 'a"),
        ('privacy.patterns = ["(\\nb"]', "`privacy.patterns[0]`: not a regular expression"),
        ('"a\\nb" = 1', '`"a b"` has a control or invisible character in its name'),
        ("gateway.models.gpt = 4", "`gateway.models.gpt`: Expected `str`, got `int`"),
        ('gateway.models.gpt = "small"', "`gateway.models.gpt` must mean auto, local, cloud, an agent, qwen2.5:14b or"),
        (SMALL + 'gateway.models.x = "y"', "unknown setting `engines.small.gateway.models.x`"),
        (SMALL + '[gateway.models]\nSmall = "auto"', "`gateway.models.Small`: the name Small has a meaning already"),
    ],
)
@pytest.mark.parametrize("env", [{}, {"OLLAMA_HOST": "127.0.0.1:1"}])
def test_an_engine_that_cannot_be_loaded_is_one_line(tmp_path: Path, text: str, line: str, env: dict[str, str]) -> None:
    with pytest.raises(WrongSettings) as error:
        written(tmp_path, text, **env)
    assert line in str(error.value)
    assert "\n" not in str(error.value)
    assert str(error.value).startswith(str(tmp_path / "claw.toml"))
    assert error.value.exit_code == 2


names = st.sampled_from(
    ["local", "cloud", "small", "kind", "zone", "model", "replicas", "agents", "engines", "ada", "*"]
)
values = st.recursive(
    st.one_of(st.booleans(), st.integers(), st.floats(), st.sampled_from(["ollama", "gemini", "openai", "local", ""])),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(names, inner, max_size=3)),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(["engines", "agents", "budgets", "models", "gateway", "cache"]), values))
def test_whatever_stands_where_a_table_should_be_is_one_line(tables: dict[str, Any]) -> None:
    with TemporaryDirectory() as folder:
        try:
            written(Path(folder), tomlkit.dumps(tables), OLLAMA_HOST="127.0.0.1:1")
        except WrongSettings as error:
            assert "\n" not in str(error)


def test_what_can_be_served_is_loaded(tmp_path: Path) -> None:
    """An engine whose zone nobody knows, whose key is missing, or whose model is unknown is left to an alert."""
    settings = written(
        tmp_path, SMALL + LITE + BACKUP + 'key_env = "NOT_SET"\n[agents.ada]\nengines = ["backup"]'
    ).settings
    assert list(settings.engines) == ["local", "cloud", "small", "lite", "backup"]
    assert [settings.zone(name) for name in settings.engines] == ["local", "cloud", "local", "cloud", None]
    assert settings.engines_in("local") == ("local", "small")


def test_the_engine_named_local_may_be_elsewhere_where_no_agent_needs_the_local_zone(tmp_path: Path) -> None:
    policies = '[agents.scout]\npolicy = "auto"\n[agents.infra]\npolicy = "auto"\n'
    assert written(tmp_path, f'[engines.local]\nzone = "cloud"\n{policies}').settings.engines_in("local") == ()
    at_home = SMALL + '[engines.local]\nzone = "cloud"\n'
    assert written(tmp_path, at_home).settings.engines_in("local") == ("small",)


def test_ollama_host_is_the_address_of_every_ollama_without_one(tmp_path: Path) -> None:
    second = SMALL.replace("small", "gpu-1")
    there = SMALL + 'base_url = "http://127.0.0.1:5"\n'
    loaded = written(tmp_path, second + there + LITE, OLLAMA_HOST="127.0.0.1:99")
    addresses = {name: engine.addresses for name, engine in loaded.settings.engines.items()}
    assert addresses["local"] == addresses["gpu-1"] == ("http://127.0.0.1:99",)
    assert addresses["small"] == ("http://127.0.0.1:5",)
    assert loaded.sources["engines.gpu-1.base_url"] == "OLLAMA_HOST"


def test_an_agents_own_model_is_allowed_on_engines_that_serve_it(tmp_path: Path) -> None:
    own = '[agents.ada]\nengines = ["local", "lite"]\nmodel = "gemini-3.8-flash"\nmodels = ["gemini-3.8-flash"]\n'
    assert written(tmp_path, LITE + own).settings.agent("ada").model == "gemini-3.8-flash"
