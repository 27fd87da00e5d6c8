"""Which asks stand on their own words, so that an answer given with tools at hand may serve them again."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.cache.self_contained import LONGEST, points_outside


@pytest.mark.parametrize(
    "ask",
    [
        "What is a mutex?",
        "Explain how a bloom filter works, in two sentences.",
        "Prove that the square root of 2 is irrational.",
        "Write a limerick about a llama that learns to code.",
        'Translate into French: "The server restarts our database every night."',
        "How many bits of entropy has a 20 character password from 62 letters?",
        "Convert 72 degrees Fahrenheit to Celsius.",
        "Was ist der Unterschied zwischen TCP und UDP?",
    ],
)
def test_an_ask_that_brings_all_it_needs_points_nowhere(ask: str) -> None:
    assert not points_outside(ask)


@pytest.mark.parametrize(
    "ask",
    [
        "What is in the folder?",
        "Explain this repo",
        "What does that file do?",
        "Summarise the last commit",
        "why does main.py crash?",
        "what is in /var/log?",
        "open ~/.bashrc",
        "What does $HOME contain?",
        "list running containers",
        "How much disk space is left?",
        "is nginx running?",
        "restart nginx",
        "Is port 443 reachable from outside?",
        "What is my email address?",
        "fix it",
        "do that again",
        "and the other one?",
        "continue",
        "What did we discuss earlier?",
        "which model are you?",
        "What day is it?",
        "how many days until Christmas?",
        "Read https://example.com and tell the main point",
        "Show all open issues",
        "create a branch off main",
        "delete all logs",
        "What does the screenshot attached show?",
        "Zeig die Dateien im Ordner",
        "Was steht in meinem Kalender?",
        "¿está vivo el servicio?",
        "フォルダには何がありますか",
        "",
        " \n",
    ],
)
def test_an_ask_that_needs_the_world_points_outside(ask: str) -> None:
    assert points_outside(ask)


def test_a_long_ask_counts_as_one_that_points_outside() -> None:
    assert not points_outside("word " * (LONGEST // 5))
    assert points_outside("word " * (LONGEST // 5) + "word ")


@given(st.lists(st.sampled_from(["the", "very", "please", "a-", '"', "```", "how many", "to", "/", "«", "1", "\n"])))
def test_no_ask_takes_long(words: list[str]) -> None:
    ask = (" ".join(words) * LONGEST)[:LONGEST]
    began = time.process_time()
    points_outside(ask)
    assert time.process_time() - began < 0.1
