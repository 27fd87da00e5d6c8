"""Lone halves of surrogate pairs become U+FFFD, whatever stands before them, and nothing else changes."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.gateway.surrogates import mended

pieces = st.sampled_from(
    [r"\\", r"\ud83d", r"\ude00", r"\uD83D", r"\uDE00", r"A", r"\n", r"\"", "a", "ud83d", "é", r"\\" * 32, r"\\" * 31]
)


@given(st.lists(pieces, max_size=9).map("".join))
def test_a_text_reads_as_browsers_read_it(text: str) -> None:
    body = f'"{text}"'.encode()
    read = json.loads(body).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    assert msgspec.json.decode(mended(body)) == read


@pytest.mark.parametrize("body", [b"", b'{"a":"b"}', rb'"\\ud83d"', rb'"\ud83d\ude00"', rb'"\\\\ud83d"'])
def test_what_has_no_lone_half_is_not_copied(body: bytes) -> None:
    assert mended(body) is body
