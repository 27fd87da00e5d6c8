import json
import random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.gateway import json_body
from backends.gateway.dialects.openai_chat.chat_request import ChatBody, read
from backends.gateway.http_errors import HttpError
from backends.gateway.json_body import check_depth, decode
from tests.backends.gateway.running_gateway import RunningGateway

bodies = msgspec.json.Decoder(ChatBody)

SOUND = b'{"model":"auto","messages":[{"role":"user","content":"hi"}],"x":%s}'


@pytest.mark.parametrize(
    "value",
    [
        b"[" * 10_000 + b"]" * 10_000,
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        b"NaN",
        b"Infinity",
        b"-Infinity",
        b"1" * 5000,
        b'{"a":1,"a":2}',
        b'[{"b":{"a":1,"a":1}}]',
        b'"\xff"',
        b"'a'",
        b"01",
        b"1,",
        b"",
    ],
)
async def test_k5_json_that_is_wrong_or_means_two_things_is_refused(gateway: RunningGateway, value: bytes) -> None:
    raw = await gateway.dial(gateway.post(SOUND % value))
    status, _, body = await raw.answer()
    assert status == 400
    assert msgspec.json.decode(body)["error"]["code"] in ("invalid_json", "invalid_request")
    assert gateway.core.asked == []


@pytest.mark.parametrize("value", [b"[" * 500_000, b"1," * 500_000, b'{"a":' * 500_000, b'""' * 900_000])
def test_a_body_of_too_many_values_is_refused_before_it_is_parsed(value: bytes) -> None:
    with pytest.raises(HttpError, match="more than 400,000 JSON values") as turned:
        decode(SOUND % value, bodies)
    assert turned.value.http_status == 400


def test_a_long_session_has_far_fewer_values() -> None:
    call = b'{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}'
    turn = (
        b'{"role":"assistant","content":null,"tool_calls":[%s]},{"role":"tool","tool_call_id":"c","content":"ok"}'
        % call
    )
    body = b'{"model":"auto","messages":[%s]}' % b",".join([turn] * 10_000)
    assert len(decode(body, bodies).messages) == 20_000


@pytest.mark.parametrize(
    ("stop", "said"), [(["x"] * 17, "length <= 16"), (["x" * 501], "length <= 500"), ("x" * 501, "length <= 500")]
)
def test_stop_words_are_bounded_and_the_bound_is_named(stop: Any, said: str) -> None:
    body = {"model": "auto", "messages": [{"role": "user", "content": "hi"}], "stop": stop}
    with pytest.raises(HttpError, match=said) as turned:
        decode(json.dumps(body).encode(), bodies)
    assert turned.value.http_status == 400
    assert str(turned.value.param).startswith("stop")


def test_what_is_wrong_is_said_without_quoting_the_body() -> None:
    with pytest.raises(HttpError) as turned:
        decode(b'{"model":"auto","messages":"canary"}', bodies)
    assert turned.value.param == "messages"
    assert "canary" not in str(turned.value)
    with pytest.raises(HttpError) as turned:
        decode(b'["canary"]', bodies)
    assert "canary" not in str(turned.value)


def test_a_schema_s_depth_is_bounded_by_lists_and_objects_alike() -> None:
    shallow: Any = {}
    for _ in range(json_body.DEPTH - 2):
        shallow = [{"a": shallow}] if isinstance(shallow, list) else [shallow]
    check_depth({"a": [1, {"b": 2}]}, "schema")
    deep: Any = 1
    for _ in range(json_body.DEPTH + 1):
        deep = {"a": [deep]}
    with pytest.raises(HttpError, match="nested deeper"):
        check_depth(deep, "schema")


KEYS = st.sampled_from(sorted(ChatBody.__struct_fields__)) | st.text(max_size=4)
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
)
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)
MESSAGE = st.fixed_dictionaries(
    {"role": st.sampled_from(["system", "user", "assistant", "tool", "boss"]), "content": JSON},
    optional={"tool_calls": JSON, "tool_call_id": JSON, "function_call": JSON, "extra_content": JSON},
)
BODY = st.fixed_dictionaries(
    {"model": st.just("auto") | JSON, "messages": st.lists(MESSAGE, max_size=3) | JSON},
    optional={name: JSON for name in ChatBody.__struct_fields__ if name not in ("model", "messages")},
)


@given(body=BODY.map(lambda body: json.dumps(body).encode()) | st.binary(max_size=64))
def test_no_body_is_a_fault_of_ours(body: bytes) -> None:
    """Every body either becomes a request's parts or is turned away with a status of the caller's."""
    try:
        read(body)
    except HttpError as turned:
        assert 400 <= turned.http_status < 500


async def test_no_mangled_body_is_answered_with_a_500(gateway: RunningGateway) -> None:
    """Mutations of a sound body, over the wire: bytes cut, doubled, replaced."""
    dice = random.Random(7)
    seen = set()
    for _ in range(300):
        body = bytearray(SOUND % b"1")
        for _ in range(dice.randint(1, 4)):
            at = dice.randrange(len(body))
            body[at : at + dice.randint(0, 3)] = dice.randbytes(dice.randint(0, 3))
        raw = await gateway.dial(gateway.post(bytes(body)))
        status, headers, _ = await raw.answer()
        assert headers["x-claw-request-id"]
        seen.add(status)
        raw.close()
    assert seen <= {200, 400, 404}
    assert 400 in seen


@pytest.mark.parametrize(
    ("body", "param"), [(b"[]", None), (b"1", None), (b'{"model":1}', "model"), (b'{"messages":"x"}', "messages")]
)
def test_the_field_that_is_wrong_is_named_where_there_is_one(body: bytes, param: str | None) -> None:
    with pytest.raises(HttpError) as refused:
        decode(body, bodies)
    assert refused.value.param == param
