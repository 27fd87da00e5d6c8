"""What the local engine says of itself: Ollama's loaded models, or a server's own queue from its metrics."""

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from backends.clock import Clock
from backends.settings.model import LocalEngine
from backends.types import LoadedModel, RuntimeReading

if TYPE_CHECKING:
    import httpx

TIMEOUT_S = 2.0
LONGEST = 1024 * 1024  # bytes of an answer; more is not this engine

_WAITING = re.compile(r"^(?:vllm:num_requests_waiting|llamacpp:requests_deferred)(?:\{[^}]*\})?\s+(\S+)", re.MULTILINE)


class RuntimeSampler:
    """Asks over one connection that is kept open, past every proxy; `sample` never raises."""

    def __init__(self, settings: LocalEngine, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._client: httpx.AsyncClient | None = None
        self._version: str | None = None

    async def sample(self) -> RuntimeReading:
        """A reading, also where the engine cannot be reached. Costs about 1 ms of processor time."""
        import httpx

        if self._client is None:
            self._client = httpx.AsyncClient(
                base_url=_root(self._settings), timeout=TIMEOUT_S, trust_env=False, follow_redirects=False
            )
        try:
            return await (
                self._ollama(self._client) if self._settings.kind == "ollama" else self._metrics(self._client)
            )
        except (httpx.HTTPError, httpx.InvalidURL, msgspec.DecodeError, UnicodeDecodeError) as error:
            self._version = None  # it may come back as another
            return RuntimeReading(at=self._clock.now(), reachable=False, detail=_what(error))

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def _ollama(self, client: "httpx.AsyncClient") -> RuntimeReading:
        if self._version is None:
            self._version = msgspec.json.decode(await _get(client, "/api/version"), type=_Version).version
        models = msgspec.json.decode(await _get(client, "/api/ps"), type=_Resident).models
        return RuntimeReading(
            at=self._clock.now(),
            reachable=True,
            version=self._version,
            models=tuple(model.loaded() for model in models),
        )

    async def _metrics(self, client: "httpx.AsyncClient") -> RuntimeReading:
        """Requests waiting in vLLM or llama-server; a server without metrics is reachable all the same."""
        import httpx

        try:
            text = (await _get(client, "/metrics")).decode()
        except httpx.HTTPStatusError:
            return RuntimeReading(
                at=self._clock.now(), reachable=True, detail="it has no /metrics: its queue is unknown"
            )
        counts = [float(figure) for figure in _WAITING.findall(text) if _is_count(figure)]
        return RuntimeReading(at=self._clock.now(), reachable=True, waiting=int(sum(counts)) if counts else None)


class _Version(Struct):
    version: str


class _Model(Struct):
    """Ollama's words in /api/ps."""

    name: str = ""
    model: str = ""
    size: int | None = None
    size_vram: int | None = None
    context_length: int | None = None
    expires_at: str | None = None

    def loaded(self) -> LoadedModel:
        return LoadedModel(
            name=self.name or self.model,
            size_b=self.size,
            vram_b=self.size_vram,
            context=self.context_length,
            expires_at=_moment(self.expires_at),
        )


class _Resident(Struct):
    models: list[_Model] = []


async def _get(client: "httpx.AsyncClient", path: str) -> bytes:
    import httpx

    async with client.stream("GET", path) as response:
        response.raise_for_status()
        body = b""
        async for piece in response.aiter_bytes():
            body += piece
            if len(body) > LONGEST:
                raise httpx.DecodingError("the answer is too long")
        return body


def _root(settings: LocalEngine) -> str:
    """Where /metrics and /api stand: an OpenAI-compatible base may end in /v1."""
    parts = urlsplit(settings.base_url)
    path = parts.path.rstrip("/")
    if settings.kind == "openai":
        path = path.removesuffix("/v1")
    return f"{parts.scheme}://{parts.netloc}{path}"


def _what(error: Exception) -> str:
    import httpx

    if isinstance(error, httpx.HTTPStatusError):
        return f"it answers {error.response.status_code}"
    if isinstance(error, httpx.TimeoutException):
        return f"no answer within {TIMEOUT_S:.0f} s"
    if isinstance(error, httpx.HTTPError):
        return "it cannot be reached"
    return "what answers there is not the engine that the settings name"


def _moment(text: str | None) -> datetime | None:
    """Ollama writes nine decimals and a zone; the year 1 and after 2300 mean never."""
    match = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)", text or "")
    if match is None:
        return None
    try:
        moment = datetime.fromisoformat(match[1] + match[2].replace("Z", "+00:00"))
        return moment.astimezone(UTC) if 2000 < moment.year < 2300 else None
    except ValueError:
        return None


def _is_count(figure: str) -> bool:
    return re.fullmatch(r"\d+(?:\.\d+)?(?:e\+?\d+)?", figure) is not None
