"""What Gemini's error answers mean. Source: https://ai.google.dev/gemini-api/docs/troubleshooting"""

import re
from collections.abc import Iterator
from typing import Any, Literal

from backends.engines.api_key import ApiKey
from backends.engines.endpoint import Endpoint
from backends.engines.untrusted_text import one_line
from backends.errors import EngineError, QuotaHit, too_long

KEY_PAGE = "https://aistudio.google.com/apikey"
RETRY_IN = re.compile(r"retry in ([\d.]{1,20})s")
COUNTS = re.compile(r"\((\d{1,12})\)")
UNPAID = re.compile(r"(?i)credits? (are|is|have been) (depleted|exhausted)|prepa(id|yment)|spend(ing)? (cap|limit)")
SIGNATURE = re.compile(r"(?i)thought[_ ]?signature")


def gemini_error(  # noqa: PLR0911 — a table of causes
    status: int, body: Any, *, model: str, key: ApiKey, endpoint: Endpoint
) -> EngineError:
    """The error for an answer with this HTTP status and JSON body; the body may be anything."""
    error = _error(body)
    message = one_line(error.get("message") or error.get("status") or "no reason given", secret=key.value)
    precondition = error.get("status") == "FAILED_PRECONDITION"
    match status:
        case 429:
            return _limited(error, message)
        case 404:
            return EngineError(
                f"Gemini does not serve {one_line(model)} ({message}): set {endpoint.setting('model')} to one it lists",
                kind="model",
                status=status,
            )
        case 401 | 403 | 400 if status != 400 or precondition or _is_key(error):
            return EngineError(_key_trouble(status, message, precondition, key), kind="key", status=status)
        case 400 if "token count" in message and "exceed" in message:
            return EngineError(_too_long(message), kind="context", status=status)
        case 400 if SIGNATURE.search(message):
            return EngineError(
                f"Gemini refused a thought signature in the history ({message}): leave it out, or begin anew",
                kind="rejected",
                status=status,
            )
        case _ if status >= 500 or status == 408:
            return EngineError(
                f"Gemini failed ({status}: {message}): try again later", kind="unavailable", status=status
            )
        case _:
            return EngineError(
                f"Gemini refused the request ({status}: {message}): change it", kind="rejected", status=status
            )


def _too_long(message: str) -> str:
    """The message that clients recognise, with Google's counts: "(1100005) exceeds the maximum … (1048576)"."""
    match COUNTS.findall(message):
        case [sent, window]:
            return too_long(int(sent), int(window))
        case _:
            return f"the prompt is too long for Gemini ({message}): shorten it"


def refuses_json(error: EngineError) -> bool:
    """Was a call refused because it asked for JSON and offered tools?"""
    return error.kind == "rejected" and error.status == 400 and "with a response mime type" in str(error)


def refuses_signature(error: EngineError) -> bool:
    """Was a call refused for a thought signature in its history?"""
    return error.kind == "rejected" and error.status == 400 and SIGNATURE.search(str(error)) is not None


def broken_off(code: object, body: Any, *, key: ApiKey) -> EngineError:
    """An error in the middle of an answer: what came before may be billed."""
    message = one_line(_error(body).get("message") or code, secret=key.value)
    return EngineError(f"Gemini broke off ({message}): the answer is incomplete, ask again", kind="cut", billed=True)


def _limited(error: dict[str, Any], message: str) -> EngineError:
    if UNPAID.search(str(error.get("message", ""))):
        line = f"Gemini is not paid for ({message}): add credit or raise the spend cap at {KEY_PAGE}"
        return EngineError(line, kind="key", status=429)
    quota = _quota(error)
    if quota is not None and quota.window == "day":
        # a RetryInfo beside it is about the minute: after that wait the answer is the same
        return EngineError(
            "Gemini's quota of the day is used up: wait for midnight Pacific time, or raise the key's tier",
            kind="daily-quota",
            status=429,
            quota=quota,
            words=message,
        )
    after = next(filter(None, (_seconds(detail.get("retryDelay")) for detail in _details(error))), None)
    if after is None and (found := RETRY_IN.search(str(error.get("message", "")))):
        after = _seconds(found[1])
    wait = f"wait {after:g} s" if after else "wait a few seconds"
    # Without Google's own words: they mention an exceeded quota, and OpenClaw then gives up instead of waiting.
    limit = f" ({quota.limit} {quota.metric.replace('_', ' ')} a minute)" if quota is not None and quota.limit else ""
    return EngineError(
        f"Gemini limits the rate{limit}: {wait}, or raise the key's tier",
        kind="rate-limited",
        retry_after_s=after,
        status=429,
        quota=quota,
        words=message,
    )


def _quota(error: dict[str, Any]) -> QuotaHit | None:
    """The quota that was reached, a day's before a minute's; None where none is named."""
    hits = [hit for detail in _details(error) for each in _dicts(detail.get("violations")) if (hit := _hit(each))]
    return min(hits, key=lambda hit: hit.window != "day", default=None)


def _hit(violation: dict[str, Any]) -> QuotaHit | None:
    named, counted = str(violation.get("quotaId", "")), str(violation.get("quotaMetric", ""))
    window: Literal["minute", "day"] | None = "day" if "PerDay" in named else "minute" if "PerMinute" in named else None
    if window is None:
        return None
    words = f"{counted} {named}".lower()
    metric: Literal["requests", "input_tokens", "tokens"] = "requests"
    if "token" in words:
        metric = "input_tokens" if "input" in words else "tokens"
    value = str(violation.get("quotaValue", ""))
    return QuotaHit(window=window, metric=metric, limit=int(value) if value.isascii() and value.isdigit() else None)


def _is_key(error: dict[str, Any]) -> bool:
    return any(detail.get("reason") in ("API_KEY_INVALID", "API_KEY_EXPIRED") for detail in _details(error)) or (
        "api key" in str(error.get("message", "")).lower()
    )


def _key_trouble(status: int, message: str, precondition: bool, key: ApiKey) -> str:
    if precondition:
        return f"Gemini does not serve this account or region ({message}): enable billing at {KEY_PAGE}, or move"
    if status == 403:
        return f"Gemini refuses the key's project ({message}): check billing and the key's limits at {KEY_PAGE}"
    return f"Gemini does not accept the key ({message}): {key.remedy}"


def _error(body: Any) -> dict[str, Any]:
    """The error object, also where it is wrapped in a list, as streamed errors are."""
    if isinstance(body, list) and body:
        body = body[0]
    inner = body.get("error", body) if isinstance(body, dict) else {}
    return inner if isinstance(inner, dict) else {}


def _details(error: dict[str, Any]) -> Iterator[dict[str, Any]]:
    return _dicts(error.get("details"))


def _dicts(values: Any) -> Iterator[dict[str, Any]]:
    return (value for value in values if isinstance(value, dict)) if isinstance(values, list) else iter(())


def _seconds(duration: Any) -> float | None:
    """Google's JSON for a duration: "36s", "0.5s"."""
    text = str(duration).removesuffix("s")
    return float(text) if text.replace(".", "", 1).isdigit() else None
