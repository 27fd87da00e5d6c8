"""What is known of models: the price table's current ones, names that are one model's, and the operator's word."""

from datetime import UTC, date, datetime

import pytest

from backends.catalogue import Catalogue, Model, model_of
from backends.catalogue.gemini_models import ALIASES
from backends.catalogue.listed import listed, models
from backends.catalogue.model_identity import same, usable
from backends.ledger.prices import Prices
from backends.settings.model_facts import ModelFacts

OTHER_KINDS = ("image", "tts", "live", "embedding", "robotics", "omni", "banana", "audio", "1.0", "1.5", "gemini-pro")
TEXT = sorted(name for name in models() if name.startswith("gemini-") and not any(word in name for word in OTHER_KINDS))
NOW = datetime(2026, 11, 30, tzinfo=UTC)


@pytest.mark.parametrize("name", TEXT)
def test_every_text_model_that_the_price_table_lists_is_known(name: str) -> None:
    known = model_of(name)
    assert known.known
    table = listed(name)
    assert table is not None
    assert known.window >= (table.window or 0)
    assert (known.thinking == "level") == bool(known.levels)
    assert known.default_level is None or known.default_level in known.levels
    assert known.least_thinking <= known.most_thinking
    if known.successor is not None:
        assert model_of(known.successor).known
        assert not model_of(known.successor).deprecated
        assert Prices({}).tariff("cloud", known.successor, NOW)


def test_what_ends_in_december_2026_names_its_successors() -> None:
    for name, successor in (
        ("gemini-2.5-flash", "gemini-3.5-flash-lite"),
        ("gemini-2.5-pro", "gemini-3.8-flash"),
    ):
        known = model_of(name)
        assert (known.retires, known.successor) == (date(2026, 12, 1), successor)
    assert model_of("gemini-2.5-flash-lite").retires is None


@pytest.mark.parametrize("alias", ALIASES)
def test_an_alias_is_what_the_price_table_takes_it_for(alias: str) -> None:
    assert model_of(alias).levels == model_of(ALIASES[alias]).levels
    assert Prices({}).tariff("cloud", alias, NOW) == Prices({}).tariff("cloud", ALIASES[alias], NOW)


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("models/gemini-2.5-flash", "gemini-2.5-flash", True),
        ("gemini-2.0-flash", "models/gemini-2.0-flash-001", True),
        ("gemini-2.5-flash", "gemini-2.5-flash-lite", False),
        ("gemini-2.5-flash", "gemini-3.5-flash-lite", False),
        ("gemini-2.5-flash-preview-09-2025", "gemini-2.5-flash", False),
    ],
)
def test_a_prefix_or_a_revision_makes_no_other_model(one: str, other: str, *, alike: bool) -> None:
    assert same(one, other) == same(other, one) == alike


@pytest.mark.parametrize("name", ["", "a b", "x\x1b[31m", "x" * 129, "x\n"])
def test_a_word_that_is_no_name_is_not_taken_for_one(name: str) -> None:
    assert not usable(name)


def test_kin_of_a_known_model_has_its_facts_but_not_its_dates() -> None:
    preview = model_of("gemini-2.5-flash-preview-09-2025")
    assert (preview.thinking, preview.known, preview.retires, preview.successor) == ("budget", True, None, None)


@pytest.mark.parametrize("name", ["gemini-99-flash", "gemini-2.5-flash-image", "gemini-3.8-flash-tts", "gpt-9"])
def test_what_nobody_knows_is_said_to_be_unknown(name: str) -> None:
    assert not model_of(name).known


def test_a_model_that_only_the_price_table_knows_has_its_window() -> None:
    assert Catalogue().model("gemma-4-31b-it").window == 262_144


def test_the_operators_word_outranks_what_is_built_in() -> None:
    own = {
        "gemini-3.5-flash-lite": ModelFacts(window=32_768, sampling=("temperature",), retires=date(2027, 1, 1)),
        "gemini-99-flash": ModelFacts(levels=("low", "high"), successor="gemini-100"),
    }
    catalogue = Catalogue(own)
    lite, new = catalogue.model("models/gemini-3.5-flash-lite"), catalogue.model("gemini-99-flash")
    assert (lite.window, lite.sampling, lite.retires) == (32_768, {"temperature"}, date(2027, 1, 1))
    assert (lite.max_output, lite.needs_signatures) == (65_536, True)
    assert (new.known, new.thinking, new.levels) == (True, "level", ("low", "high"))
    assert catalogue.model("gemini-3.8-flash") == model_of("gemini-3.8-flash")


@pytest.mark.parametrize(
    ("today", "line"),
    [
        (date(2026, 10, 1), None),
        (date(2026, 10, 2), "gemini-2.5-flash is shut down on 2026-12-01, in 60 days: gemini-3.5-flash-lite takes"),
        (date(2026, 11, 30), "in 1 day:"),
        (date(2026, 12, 1), "gemini-2.5-flash was shut down on 2026-12-01: gemini-3.5-flash-lite takes its place"),
        (date(2027, 3, 1), "was shut down on 2026-12-01"),
    ],
)
def test_an_end_is_said_ahead_with_the_days_that_are_left_and_after_it(today: date, line: str | None) -> None:
    ending = Catalogue().retirement("gemini-2.5-flash", today)
    if line is None:
        assert ending is None
        return
    assert ending is not None
    assert line in ending.line
    assert ending.command == "claw config set engines.cloud.model gemini-3.5-flash-lite"


def test_a_deprecated_model_without_a_day_is_said_to_be_so() -> None:
    ending = Catalogue().retirement("gemini-3.5-flash", date(2026, 11, 30))
    assert ending is not None
    assert ending.line == "gemini-3.5-flash is deprecated by its maker: gemini-3.6-flash takes its place"


def test_the_default_model_has_no_end() -> None:
    assert Catalogue().retirement("gemini-3.5-flash-lite", date(2026, 12, 1)) is None


def test_the_successor_answers_from_the_day_on() -> None:
    catalogue = Catalogue()
    assert catalogue.successor("gemini-2.5-flash", date(2026, 11, 30)) is None
    assert catalogue.successor("gemini-2.5-flash", date(2026, 12, 1)) == "gemini-3.5-flash-lite"
    assert catalogue.successor("gemini-3.8-flash", date(2026, 12, 1)) is None


def test_models_are_frozen_facts() -> None:
    with pytest.raises(AttributeError):
        model_of("gemini-2.5-flash").window = 1  # type: ignore[misc]
    assert isinstance(model_of("gemini-2.5-flash"), Model)
