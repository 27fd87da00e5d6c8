"""What a provider's error quotes of the prompt is nowhere to be read afterwards."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from backends.engines.quoted_prompt import STEP, WINDOW, without
from backends.errors import ClawError
from backends.rehearsal.faults import Fault
from tests.core import Stand, ask, prompt, stand

SECRET = "the lanterns of Wernigerode were lit by seven nightingales at noon, and nobody minded"
LONG_ENOUGH = WINDOW + STEP
LETTERS = st.characters(codec="utf-8", exclude_characters="…")
LONG = st.text(LETTERS, min_size=LONG_ENOUGH, max_size=300)


@given(st.text(LETTERS, max_size=60), LONG, st.text(LETTERS, max_size=60), st.data())
def test_no_stretch_of_the_prompt_is_left(before: str, quoted: str, after: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(quoted) - LONG_ENOUGH))
    end = data.draw(st.integers(start + LONG_ENOUGH, len(quoted)))
    said = without(f"{before}{quoted[start:end]}{after}", [quoted])
    shared = [said[at : at + LONG_ENOUGH] for at in range(len(said) - LONG_ENOUGH + 1)]
    assert not [each for each in shared if each in quoted]


@pytest.mark.parametrize(
    ("words", "left"),
    [
        (
            "Invalid value: 'hunter2'. Supported values are: 'user', 'tool'",
            "Invalid value: '…'. Supported values are: 'user', 'tool'",
        ),
        ('model "qwen2.5:14b" not found', 'model "qwen2.5:14b" not found'),
        ("You exceeded your current quota", "You exceeded your current quota"),
        ("could not parse `ada@example.org` here", "could not parse `…` here"),
        ("", ""),
    ],
)
def test_short_values_in_quotation_marks_go_and_terms_of_the_api_stay(words: str, left: str) -> None:
    text = "user tool hunter2 qwen2.5:14b ada@example.org"
    assert without(words, [text], "qwen2.5:14b") == left


@pytest.mark.parametrize("status", [400, 429, 500, 503])
async def test_it_is_in_no_alert_event_status_or_row(home: Path, status: int) -> None:
    body = {
        "error": {"code": status, "status": "INVALID_ARGUMENT", "message": f"Cannot read «{SECRET[4:50]}»: {SECRET}"}
    }
    async with stand(home) as it:
        fault = Fault(kind="status", status=status, body=body, times=None)
        it.gemini.behaviour = replace(it.gemini.behaviour, faults=(fault,))
        told = [await failure(it) for _ in range(6)]
        shown = f"{await it.core.snapshot()}{await it.core.status()}"
    assert it.gemini.seen, "the provider was asked"
    assert "nightingale" not in f"{shown}{told}"
    assert "Wernigerode" not in shown
    with closing(sqlite3.connect(it.paths.ledger)) as db, db:
        rows = "\n".join(db.iterdump())
    db.close()
    assert "nightingale" not in rows


async def failure(it: Stand) -> str:
    """What the caller hears of a request that fails."""
    try:
        _, outcome = await ask(it.core, prompt(f"Write a rhyme: {SECRET}.", agent="writer", engine="cloud"))
    except ClawError as error:
        return str(error)
    return f"{outcome}"
