"""How sure a model was, as each engine tells it."""

from math import exp

import msgspec
import pytest

from backends.engines.base import Call
from backends.engines.ollama.chat_body import chat_body
from backends.engines.ollama.sdk import ChatPart
from backends.engines.ollama.stream import ChatReading
from backends.engines.openai.completion_body import completion_body
from backends.engines.openai.completion_reading import CompletionReading
from backends.engines.token_confidence import Confidence
from backends.settings.engines import OllamaSettings
from backends.types import Message
from tests.backends.engines.rig import LOCAL_ENDPOINT

SETTINGS = OllamaSettings()
CALL = Call(
    id="t",
    model="m",
    messages=(Message(role="user", text="hello"),),
    max_output=9,
    input_tokens=3,
    first_byte_s=1,
    idle_s=1,
)


def test_it_is_asked_for_only_where_it_is_wanted() -> None:
    wanted = msgspec.structs.replace(CALL, logprobs=True)
    assert (
        chat_body(wanted, SETTINGS, 16_384)["logprobs"] is completion_body(wanted, LOCAL_ENDPOINT)["logprobs"] is True
    )
    assert "logprobs" not in chat_body(CALL, SETTINGS, 16_384)
    assert "logprobs" not in completion_body(CALL, LOCAL_ENDPOINT)


def test_the_mean_is_geometric_and_passes_over_what_is_no_probability() -> None:
    sure = Confidence()
    assert sure.mean is None
    for logprob in (-1.0, -3, 0.5, float("nan"), float("-inf"), None, "x"):
        sure.add(logprob)
    assert sure.mean == pytest.approx(exp(-2))


@pytest.mark.parametrize("told", [True, False])
def test_ollama_tells(told: bool) -> None:
    reading = ChatReading(CALL, LOCAL_ENDPOINT)
    more = {"logprobs": [{"token": "a", "logprob": -0.5}]} if told else {}
    for done in (False, True):
        part = {"message": {"role": "assistant", "content": "a"}, "done": done, "done_reason": "stop" if done else None}
        reading.feed(ChatPart.model_validate(part | more))
    assert reading.finish().confidence == (pytest.approx(exp(-0.5)) if told else None)


@pytest.mark.parametrize("told", ['{"content":[{"token":"a","logprob":-0.5}]}', '{"content":null}', "null"])
def test_openai_tells(told: str) -> None:
    reading = CompletionReading(CALL, LOCAL_ENDPOINT)
    reading.feed(
        b'{"choices":[{"index":0,"delta":{"content":"a"},"logprobs":%b,"finish_reason":"stop"}]}' % told.encode()
    )
    assert reading.finish().confidence == (pytest.approx(exp(-0.5)) if "logprob" in told else None)
