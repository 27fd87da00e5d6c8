"""Ollama's own async client, which sends a body as it is. Importing this module imports the SDK."""

from collections.abc import AsyncIterator

from ollama import AsyncClient, ChatResponse, ResponseError

from backends.engines.endpoint import Endpoint
from backends.engines.untrusted_text import one_line
from backends.errors import EngineError


class ChatPart(ChatResponse):
    prompt_eval_cached_count: int | None = None
    """Tokens of the prompt that newer servers found in their cache; the SDK drops it."""


class OllamaSdk(AsyncClient):
    async def chat_parts(self, body: bytes) -> AsyncIterator[ChatPart]:
        """The parts of one answer; nothing is sent before the first one is awaited. `body` is JSON.

        `chat` would pass tools through types that drop what they do not know of a JSON schema, nested objects first.
        """
        json = {"Content-Type": "application/json"}
        return await self._request(ChatPart, "POST", "/api/chat", content=body, headers=json, stream=True)


def ollama_error(error: ResponseError, model: str, endpoint: Endpoint, context: int = 0) -> EngineError:  # noqa: PLR0911 — a table of causes
    """What Ollama's own error means. A status of -1 is an error line in the middle of an answer.

    `context` is the window in tokens of a chat with `model`.
    """
    text, status = one_line(error.error), error.status_code
    match status:
        case 503 | 429:
            return EngineError("Ollama is full: wait, or lower the traffic", kind="busy", status=status)
        case 404:
            return EngineError(
                f"Ollama has no model {one_line(model)}: run `ollama pull {one_line(model)}`",
                kind="model",
                status=status,
            )
        case 400 if "context" in text or "exceed" in text:
            return EngineError(
                f"This model's maximum context length is {context} tokens, and Ollama says that the prompt"
                f" does not fit ({text}): shorten it, or raise {endpoint.setting('context')}",
                kind="context",
                status=status,
            )
        case _ if "parsing tool call" in text:
            return EngineError(
                f"the model wrote a tool call that Ollama cannot read ({text}): ask again, or ask another model",
                kind="empty",
                status=status if status > 0 else None,
            )
        case _ if status >= 500 and "image" in text and ("format" in text or "process" in text or "decode" in text):
            return EngineError(
                f"Ollama cannot read an image of the prompt ({text}): send it as png or jpeg",
                kind="rejected",
                status=status,
            )
        case -1:
            return EngineError(f"Ollama broke off ({text}): the answer is incomplete, ask again", kind="cut")
        case _ if status >= 500:
            return EngineError(f"Ollama failed ({status}: {text}): look at its log", kind="unavailable", status=status)
        case _:
            return EngineError(
                f"Ollama refused the request ({status}: {text}): change it", kind="rejected", status=status
            )
