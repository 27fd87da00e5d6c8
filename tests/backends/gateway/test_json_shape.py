"""The outline of a large JSON text against Python's own parser."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.gateway import json_shape
from backends.gateway.json_shape import MARKS, NAME_BYTES, TooMuch, outline

words = st.text(st.sampled_from('ab"\\\n,:[{é漢'), max_size=24)
values = st.recursive(
    st.none() | st.integers() | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4),
    max_leaves=20,
)


@given(value=values, escaped=st.booleans(), spaced=st.booleans(), step=st.integers(1, 40))
def test_an_outline_has_the_same_keys_and_shape(value: Any, escaped: bool, spaced: bool, step: int) -> None:
    separators = (" , ", " : ") if spaced else (",", ":")
    body = json.dumps(value, ensure_ascii=escaped, separators=separators).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_shape, "STEP", step)  # many steps in a short text
        assert alike(value, json.loads(outline(body)))


def alike(value: Any, other: Any) -> bool:
    if isinstance(value, dict):
        return list(value) == list(other) and all(alike(value[key], other[key]) for key in value)
    if isinstance(value, list):
        return len(value) == len(other) and all(map(alike, value, other))
    return value == other or (isinstance(value, str) and other == "" and len(json.dumps(value)) > 8)


def test_marks_inside_strings_do_not_count() -> None:
    assert outline(json.dumps({"a": '[{,:\\"' * MARKS}).encode()) == b'{"a": ""}'


def test_the_number_of_values_is_bounded_to_the_last_one() -> None:
    outline(b"[" + b",".join([b"1"] * MARKS) + b"]")
    with pytest.raises(TooMuch, match="400,000"):
        outline(b"[" + b",".join([b"1"] * (MARKS + 1)) + b"]")


def test_a_key_is_bounded() -> None:
    outline(b'{"%s" : 1}' % (b"k" * (NAME_BYTES - 2)))
    with pytest.raises(TooMuch, match="key"):
        outline(b'{"%s" : 1}' % (b"k" * (NAME_BYTES + 1)))


@pytest.mark.parametrize("body", [b"", b'"', b"\\", b'"\\', b'"\\\\', b'\\"', b'{"a":"' + b"x" * 99])
def test_what_is_no_json_has_an_outline_for_the_parser_to_refuse(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"^(?!.*JSON values)"):
        json.loads(outline(body))


def test_a_key_that_stands_twice_is_seen_behind_long_texts() -> None:
    body = b'{"a":"%s","b":1,"a":"%s"}' % (b"x" * 100_000, b"y" * 100_000)
    assert outline(body) == b'{"a":"","b":1,"a":""}'
