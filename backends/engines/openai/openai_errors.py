"""What the error answers of OpenAI-compatible servers and providers mean.

Sources: https://platform.openai.com/docs/guides/error-codes, https://openrouter.ai/docs/api/reference/errors-and-debugging
and reports of users of vLLM and llama-server, which agree on the status more than on the words.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from backends.engines.api_key import ApiKey
from backends.engines.endpoint import Endpoint
from backends.engines.untrusted_text import one_line
from backends.errors import EngineError

UNPAID = ("insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "insufficient_credits")
CONTEXT = ("context_length_exceeded", "exceed_context_size_error")
TOO_LONG = re.compile(r"(?i)context (length|size|window)|maximum .{0,40}tokens|too (long|large) .{0,40}(prompt|input)")
MODERATED = ("content_filter", "content_policy_violation", "moderation_blocked", "invalid_prompt")
UNSUPPORTED = ("unsupported_parameter", "unsupported_value", "unknown_parameter")
UNRECOGNISED = re.compile(
    r"(?i)unrecognized request arguments? supplied: ([a-z_, ]+)|unsupported parameter:? '?([a-z_]+)"
)
TRY_AGAIN_IN = re.compile(r"try again in (?:(\d+)h)?(?:(\d+)m(?!s))?(?:([\d.]+)(ms|s))?")


class Answered(msgspec.Struct, frozen=True):
    """An error answer: its HTTP status, its decoded body, and its headers by lower-case name."""

    status: int
    body: Any
    headers: Mapping[str, str] = {}

    @property
    def error(self) -> dict[str, Any]:
        """The error object, wherever a server puts it; empty where there is none."""
        inner = self.body.get("error", self.body) if isinstance(self.body, dict) else self.body
        if isinstance(inner, list) and inner:
            inner = inner[0]
        return inner if isinstance(inner, dict) else {}

    @property
    def words(self) -> tuple[str, ...]:
        """Its machine-readable names: `code` and `type`."""
        return tuple(str(self.error[name]) for name in ("code", "type") if self.error.get(name) is not None)

    @property
    def is_moderation(self) -> bool:
        """Did the provider refuse the prompt because of its content?"""
        metadata = self.error.get("metadata")
        flagged = isinstance(metadata, dict) and bool(metadata.get("reasons") or metadata.get("flagged_input"))
        return flagged or any(word in MODERATED for word in self.words)


class Refusal(Exception):
    """The server answered a call with an error before any part of an answer."""

    def __init__(self, answered: Answered) -> None:
        super().__init__(answered.status)
        self.answered = answered


def decoded(body: bytes) -> Any:
    """A body as JSON, else as text."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return body.decode(errors="replace")


def openai_error(  # noqa: PLR0911 — a table of causes
    answered: Answered, *, model: str, endpoint: Endpoint, key: ApiKey | None = None
) -> EngineError:
    """The error for an answer that is not a model's. The key, which may stand in the message, is taken out of it."""
    status, text = answered.status, error_message(answered.body, secret=key.value if key else None)
    label = endpoint.label
    if any(word in UNPAID for word in answered.words) or (status == 402 and "retry-after" not in answered.headers):
        return EngineError(
            f"{label} is not paid for: add credit to the account or raise the key's limit", kind="key", status=status
        )
    if any(word in CONTEXT for word in answered.words) or (status in (400, 413, 500) and TOO_LONG.search(text)):
        return EngineError(
            f"the prompt does not fit the model of {label} ({text}): shorten it", kind="context", status=status
        )
    match status:
        case 401:
            remedy = key.remedy if key else f"name the variable of its key in {endpoint.setting('key_env')}"
            return EngineError(f"{label} does not accept the key ({text}): {remedy}", kind="key", status=status)
        case 403 if answered.is_moderation:
            return EngineError(f"{label} refused the prompt for its content ({text})", kind="rejected", status=status)
        case 403:
            return EngineError(
                f"{label} refuses the key's account ({text}): check its limits and region", kind="key", status=status
            )
        case 429 | 402 if endpoint.billed:
            return _rate_limited(answered, label, text)
        case 503 | 429 if not endpoint.billed:
            return EngineError(f"{label} is full or loading ({text}): wait", kind="busy", status=status)
        case 404 if "support" in text:
            return EngineError(
                f"{label} has no server of {one_line(model)} that can do this ({text}): change the request, or ask"
                " another model",
                kind="rejected",
                status=status,
            )
        case 404:
            return EngineError(
                f"{label} has no model {one_line(model)} ({text}): set {endpoint.setting('model')} to one it serves",
                kind="model",
                status=status,
            )
        case _ if status >= 500 or status == 408:
            remedy = "try again later" if endpoint.billed else "look at its log"
            return EngineError(
                f"{label} failed ({status}: {text}): {remedy}",
                kind="unavailable",
                status=status,
                retry_after_s=_retry_after_s(answered),
            )
        case _:
            return EngineError(
                f"{label} refused the request ({status}: {text}): change it", kind="rejected", status=status
            )


def error_message(body: Any, *, secret: str | None = None) -> str:
    """The message of an error answer, on one line. OpenRouter puts the provider's own words into `metadata.raw`."""
    error = Answered(0, body).error
    if not error:
        return one_line(body, secret=secret)
    metadata = error.get("metadata")
    raw = metadata.get("raw") if isinstance(metadata, dict) else None
    message = error.get("message") or error.get("detail") or error.get("type") or "no reason given"
    return one_line(f"{message}: {raw}" if isinstance(raw, str) and raw else message, secret=secret)


def refused_parameter(answered: Answered) -> str:
    """The name of the one parameter for which the model refused a call; "" where it refused for another reason."""
    if answered.status != 400:
        return ""
    named = answered.error.get("param")
    if isinstance(named, str) and named and any(word in UNSUPPORTED for word in answered.words):
        return named.partition(".")[0].partition("[")[0]
    found = UNRECOGNISED.search(str(answered.error.get("message", "")))
    return (found[1] or found[2]).partition(",")[0].strip() if found else ""


def _rate_limited(answered: Answered, label: str, words: str) -> EngineError:
    """Its line is without the provider's own `words`: they may mention a quota, and some agents then give up instead of
    waiting.
    """
    after = _retry_after_s(answered)
    wait = f"wait {after:g} s" if after else "wait a few seconds"
    return EngineError(
        f"{label} limits the rate: {wait}, or raise the account's limits",
        kind="rate-limited",
        retry_after_s=after,
        status=answered.status,
        words=words,
    )


def _retry_after_s(answered: Answered) -> float | None:
    """Seconds to wait, from the headers or the message; None where nothing says it."""
    headers = {**_nested_headers(answered), **answered.headers}
    if (milliseconds := _number(headers.get("retry-after-ms"))) is not None:
        return milliseconds / 1000
    given = headers.get("retry-after", "")
    if (seconds := _number(given)) is not None:
        return seconds
    if given and (moment := _date(given)) is not None:
        return max((moment - datetime.now(UTC)).total_seconds(), 0.0)
    if (reset := _number(headers.get("x-ratelimit-reset"))) is not None and reset > 1e12:  # milliseconds since 1970
        return max(reset / 1000 - datetime.now(UTC).timestamp(), 0.0)
    found = TRY_AGAIN_IN.search(str(answered.error.get("message", "")).lower())
    if found is None or not any(found.groups()):
        return None
    last = float(found[3] or 0) / (1000 if found[4] == "ms" else 1)
    return int(found[1] or 0) * 3600 + int(found[2] or 0) * 60 + last


def _nested_headers(answered: Answered) -> dict[str, str]:
    """OpenRouter repeats the headers of the limit in the error's metadata."""
    metadata = answered.error.get("metadata")
    given = metadata.get("headers") if isinstance(metadata, dict) else None
    return {str(name).lower(): str(value) for name, value in given.items()} if isinstance(given, dict) else {}


def _number(text: str | None) -> float | None:
    return float(text) if text and re.fullmatch(r"\d{1,16}(\.\d{1,6})?", text.strip()) else None


def _date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
