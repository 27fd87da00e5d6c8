"""An OpenAI-compatible provider of the cloud, on loopback: keys, errors and comments as OpenRouter has them.

Sources: https://openrouter.ai/docs/api/reference/errors-and-debugging, …/streaming and …/limits; the parameters that
reasoning models refuse are those of OpenAI's own API.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from backends.rehearsal.behaviour import PROVIDER, Behaviour
from backends.rehearsal.openai_twin import OpenAITwin, chunk, event
from backends.rehearsal.usage_counts import ServedCall

REASONS = re.compile(r"(^|/)(gpt-5|o\d)")
"""Reasoning models, which refuse parameters that other models take."""

MESSAGES = {
    401: "User not found.",
    402: "Insufficient credits. Add more using https://openrouter.ai/settings/credits",
    403: "Your input was flagged",
    408: "Request timed out",
    429: "Provider returned error",
    502: "Provider returned error",
    503: "No available model provider that meets your routing requirements",
}


class ProviderTwin(OpenAITwin):
    """Serves `/v1` and `/api/v1`. It accepts only `key`, or any key where none is given."""

    provider = "openrouter"
    efforts = ("none", "minimal", "low", "medium", "high", "xhigh")

    def __init__(
        self,
        behaviour: Behaviour = PROVIDER,
        *,
        key: str | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        keep_bodies: bool = False,
    ) -> None:
        super().__init__(behaviour, sleep=sleep, keep_bodies=keep_bodies)
        self._key = key

    def routes(self) -> list[web.AbstractRouteDef]:
        return [
            route
            for prefix in ("/v1", "/api/v1")
            for route in (
                web.get(f"{prefix}/models", self._models),
                web.get(f"{prefix}/key", self._about_key),
                web.post(f"{prefix}/chat/completions", self._answer),
            )
        ]

    def failure(self, status: int, body: dict[str, Any] | None = None) -> web.Response:
        message = MESSAGES.get(status, "Internal Server Error")
        return web.json_response(body or {"error": {"message": message, "code": status}}, status=status)

    def error_frame(self, body: dict[str, Any] | None) -> bytes:
        choice = {"index": 0, "delta": {"content": ""}, "finish_reason": "error"}
        return event(body or {"error": {"code": 502, "message": "Provider disconnected"}, "choices": [choice]})

    def refusal(self, request: web.Request, body: dict[str, Any]) -> web.Response | None:
        """A key that is missing or wrong, and what a reasoning model does not take."""
        if refused := self._key_refusal(request):
            return refused
        if not REASONS.search(str(body.get("model"))):
            return None
        if "max_tokens" in body:
            return _unsupported("max_tokens", "parameter", "Use 'max_completion_tokens' instead.")
        if body.get("temperature", 1) != 1:
            return _unsupported("temperature", "value", "Only the default (1) value is supported.")
        return None

    def no_model(self, name: str) -> web.Response:
        return web.json_response({"error": {"message": f"No endpoints found for {name}.", "code": 404}}, status=404)

    def opening(self, call: ServedCall) -> list[bytes]:
        call.thinking = self.behaviour.thinking or 0
        thought = [chunk({"content": "", "reasoning": "The user wants an answer. "})] if call.thinking else []
        comment = b": OPENROUTER PROCESSING\n\n"
        first = {"object": "chat.completion.chunk", "model": call.model, "provider": "Twin", "choices": []}
        return [comment, event(first), *thought, comment]

    def reported_usage(self, call: ServedCall) -> dict[str, Any]:
        return {
            "prompt_tokens": call.input,
            "completion_tokens": call.output + call.thinking,
            "total_tokens": call.input + call.output + call.thinking,
            "prompt_tokens_details": {"cached_tokens": call.cached},
            "completion_tokens_details": {"reasoning_tokens": call.thinking},
        }

    async def _about_key(self, request: web.Request) -> web.StreamResponse:
        about = {"label": "sk-or-v1-twin", "usage": 0, "limit": None, "is_free_tier": False}
        return self._key_refusal(request) or await self.plain(request, "list", {"data": about})

    def _key_refusal(self, request: web.Request) -> web.Response | None:
        word, _, key = request.headers.get("authorization", "").partition(" ")
        if word != "Bearer" or not key:
            error = {"message": "No auth credentials found", "code": 401}
            return web.json_response({"error": error}, status=401)
        return None if self._key in (None, key) else self.failure(401)


def _unsupported(name: str, what: str, remedy: str) -> web.Response:
    message = f"Unsupported {what}: '{name}' is not supported with this model. {remedy}"
    error = {"message": message, "type": "invalid_request_error", "param": name, "code": f"unsupported_{what}"}
    return web.json_response({"error": error}, status=400)
