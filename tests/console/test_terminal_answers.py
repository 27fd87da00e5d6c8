"""Terminals' answers are taken out of what is read, wherever a read ends, and nothing else is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.terminal_answers import LONGEST, TerminalAnswers

ANSWERS = (
    *("\x1b[?62;22c", "\x1b[>41;379;0c", "\x1b[?1u", "\x1b[0n", "\x1b[?1;0;256S", "\x1b[4;600;800t", "\x1b[8;24;80t"),
    *("\x1b]11;rgb:0000/0000/0000\x07", "\x1b]10;rgb:ff/ff/ff\x1b\\", "\x1b]52;c;eA==\x07"),
    *("\x1bP>|xterm(379)\x1b\\", "\x1bP1+r524742=8\x1b\\", "\x1b_Gi=31;OK\x1b\\"),
)
KEYS = (
    *("a", "é", "\r", "\x1b", "\x1b]", "\x1bP", "\x1bx", "\x1b[A", "\x1b[1;5C", "\x1bOQ", "\x1b[97;5u", "\x1b[3~"),
    *("\x1b[<0;10;10M", "\x1b[?2026;2$y", "\x1b[48;24;80;480;800t", "\x1b[12;40R", "\x1b[I"),
)


@pytest.mark.parametrize("key", KEYS)
def test_keys_the_mouse_and_what_textual_asks_for_pass(key: str) -> None:
    assert TerminalAnswers().without(key) == key


@given(st.lists(st.sampled_from(ANSWERS) | st.sampled_from(["a", "é", "\x1b[A"]), max_size=8))
def test_s32_answers_go_and_keys_between_them_stay(read: list[str]) -> None:
    assert TerminalAnswers().without("".join(read)) == "".join(each for each in read if each not in ANSWERS)


@pytest.mark.parametrize("answer", ANSWERS[7:])
@given(data=st.data())
def test_s32_an_answer_in_two_reads_is_one(answer: str, data: st.DataObject) -> None:
    answers = TerminalAnswers()
    cut = data.draw(st.integers(5, len(answer)))
    assert answers.without(answer[:cut]) + answers.without(answer[cut:] + "x") == "x"


@given(st.lists(st.sampled_from(ANSWERS) | st.text(max_size=5), max_size=6), st.integers(1, 9))
def test_a_bracketed_paste_stays_as_it_is(texts: list[str], step: int) -> None:
    pasted = "".join(texts).replace("\x1b[201~", "").replace("\x1b[200~", "")
    whole = f"\x1b[200~{pasted}\x1b[201~"
    answers = TerminalAnswers()
    kept = answers.without(whole[:6]) + "".join(
        answers.without(whole[start : start + step]) for start in range(6, len(whole), step)
    )
    assert kept == whole
    assert answers.without("\x1b[0nq") == "q"


def test_what_is_waited_for_is_bounded() -> None:
    answers = TerminalAnswers()
    begun = "\x1b]11;" + "x" * LONGEST
    assert answers.without(begun) == begun
