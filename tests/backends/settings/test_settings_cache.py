from pathlib import Path

import pytest

from backends.errors import WrongSettings
from backends.settings.default_file import commented_file
from backends.settings.loading import load


def _loaded(tmp_path: Path, text: str):  # type: ignore[no-untyped-def]
    path = tmp_path / "claw.toml"
    path.write_text(text)
    return load(path, {}).settings


def test_how_long_and_for_whom_answers_are_kept(tmp_path: Path) -> None:
    settings = _loaded(
        tmp_path,
        """
        [cache]
        embedder = "ollama:nomic-embed-text"
        recheck = 0.05
        pace_tps = 40
        [cache.ttl_s]
        translation = 3600
        health-check = 0
        [agents.ada]
        cache = "encrypted"
        cache_ttl_s = 60
        cache_scope = "group:research"
        """,
    )
    assert settings.cache.ttl_s == {"translation": 3600, "health-check": 0}
    ada = settings.agent("ada")
    assert (ada.cache, ada.cache_ttl_s, ada.cache_scope) == ("encrypted", 60, "group:research")
    assert settings.agent("nobody").cache == "on"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('cache.embedder = "word2vec"', "cache.embedder"),
        ('cache.embedder = "ollama:"', "cache.embedder"),
        ('cache.embedder = "onnx:x"', "cache.embedder"),
        ("cache.ttl_s.gossip = 5", "cache.ttl_s.gossip"),
        ("cache.ttl_s.chat = -5", "ttl_s"),
        ('agents.ada.cache_scope = "group:"', "agents.ada.cache_scope"),
        ('agents.ada.cache_scope = "everybody"', "agents.ada.cache_scope"),
        ('agents.ada.cache = "maybe"', "agents.ada.cache"),
        ("cache.recheck = 1.5", "cache.recheck"),
    ],
)
def test_values_that_cannot_be_worked_with_are_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(WrongSettings) as caught:
        _loaded(tmp_path, text)
    assert said in str(caught.value)


def test_the_written_file_takes_in_any_of_its_lines(tmp_path: Path) -> None:
    lines = [line.removeprefix("# ") for line in commented_file().splitlines()]
    taken = "\n".join(
        line for line in lines if line in ("[cache]", "ttl_s = {}", 'embedder = "auto"', "pace_tps = 0.0")
    )
    assert _loaded(tmp_path, taken).cache.ttl_s == {}
