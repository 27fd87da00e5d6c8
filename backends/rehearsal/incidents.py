"""Named incidents, which can be started from a shell: each is a change of behaviour with the faults that belong to it.

The names are those of the fault matrix; its rows say what the program must do.
"""

from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from backends.rehearsal.behaviour import Behaviour
from backends.rehearsal.faults import Fault


class Incident(Struct, frozen=True, kw_only=True):
    """`changes` are fields of Behaviour; `faults` come before those that wait."""

    says: str
    changes: dict[str, Any] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()

    def befall(self, behaviour: Behaviour) -> Behaviour:
        return replace(behaviour, **self.changes, faults=self.faults + behaviour.faults)


def google_error(
    code: int, status: str, message: str, *details: dict[str, Any], reason: str | None = None
) -> dict[str, Any]:
    """An error object as Google's APIs send it."""
    if reason:
        info = {"@type": f"{RPC}.ErrorInfo", "reason": reason, "domain": "googleapis.com"}
        info["metadata"] = {"service": "generativelanguage.googleapis.com"}  # type: ignore[assignment]
        details = (info, *details)
    error: dict[str, Any] = {"code": code, "message": message, "status": status}
    if details:
        error["details"] = list(details)
    return {"error": error}


RPC = "type.googleapis.com/google.rpc"
QUOTA_MESSAGE = (
    "You exceeded your current quota, please check your plan and billing details. For more information on this error, "
    "head over to: https://ai.google.dev/gemini-api/docs/rate-limits."
)


def _quota(window: str, value: str) -> dict[str, Any]:
    return {
        "@type": f"{RPC}.QuotaFailure",
        "violations": [
            {
                "quotaMetric": "generativelanguage.googleapis.com/generate_content_free_tier_requests",
                "quotaId": f"GenerateRequestsPer{window}PerProjectPerModel-FreeTier",
                "quotaDimensions": {"location": "global", "model": "gemini-3.5-flash-lite"},
                "quotaValue": value,
            }
        ],
    }


def _retry(seconds: int) -> dict[str, Any]:
    return {"@type": f"{RPC}.RetryInfo", "retryDelay": f"{seconds}s"}


def _status(code: int, body: dict[str, Any] | None, *, times: int | None = None) -> tuple[Fault, ...]:
    return (Fault(kind="status", status=code, body=body, times=times),)


def _exhausted(*details: dict[str, Any]) -> tuple[Fault, ...]:
    return _status(429, google_error(429, "RESOURCE_EXHAUSTED", QUOTA_MESSAGE, *details))


def _refused(code: int, status: str, message: str, reason: str | None = None) -> tuple[Fault, ...]:
    return _status(code, google_error(code, status, message, reason=reason))


def _one(kind: Any, **figures: Any) -> tuple[Fault, ...]:
    return (Fault(kind=kind, **figures),)


RUNNER_DEAD = {"error": "an error was encountered while running the model: unexpected EOF"}
OVERLOADED = google_error(503, "UNAVAILABLE", "The model is overloaded. Please try again later.")
INTERNAL = google_error(
    500,
    "INTERNAL",
    "An internal error has occurred. Please retry or report in "
    "https://developers.generativeai.google/guide/troubleshooting",
)

INCIDENTS: dict[str, Incident] = {
    "L1": Incident(says="the local engine is full", faults=_status(503, None)),
    "L2": Incident(says="calls wait inside, unseen", changes={"parallel": 1, "queue_limit": None}),
    "L3a": Incident(says="the runner dies, with an error line", faults=_one("error", after=5, body=RUNNER_DEAD)),
    "L3b": Incident(says="the runner dies, the stream just ends", faults=_one("close", after=5)),
    "L3c": Incident(says="the runner dies in the middle of a line", faults=_one("half", after=5)),
    "L4": Incident(
        says="the prompt does not fit the window",
        faults=_status(400, {"error": "the input length exceeds the context length"}, times=1),
    ),
    "L5": Incident(says="the model loads for 90 seconds", changes={"load_s": 90.0}),
    "L5b": Incident(
        says="the model cannot be loaded",
        faults=_status(500, {"error": "timed out waiting for llama runner to start: context canceled"}),
    ),
    "L7": Incident(says="the GPU is gone, and seen to be", changes={"tokens_per_s": 3.0, "vram_share": 0.0}),
    "L7b": Incident(says="the GPU is gone, but VRAM is still claimed", changes={"tokens_per_s": 3.0}),
    "L8": Incident(says="the model never stops", faults=_one("runaway", times=None)),
    "L9": Incident(says="an idle connection is reset on reuse", faults=_one("reset-reused", on="any")),
    "C1": Incident(says="minute quota", faults=_exhausted(_quota("Minute", "10"), _retry(36))),
    "C2": Incident(says="daily quota", faults=_exhausted(_quota("Day", "250"))),
    "C2b": Incident(says="a 429 without details", faults=_exhausted()),
    "C2c": Incident(says="daily quota that says to retry", faults=_exhausted(_quota("Day", "250"), _retry(36))),
    "C3": Incident(says="overloaded", faults=_status(503, OVERLOADED)),
    "C3b": Incident(says="internal errors", faults=_status(500, INTERNAL)),
    "C4": Incident(says="accepted, then silent", faults=_one("silence", times=None)),
    "C5a": Incident(says="silent in mid-stream", faults=_one("silence", after=3)),
    "C5b": Incident(says="the stream ends without a reason", faults=_one("close", after=3)),
    "C5c": Incident(says="RST in mid-stream", faults=_one("reset", after=3)),
    "C5d": Incident(says="an error event in mid-stream", faults=_one("error", after=3, body=OVERLOADED)),
    "C6": Incident(says="thinking ate the cap", faults=_one("thought-cap", times=None)),
    "C7": Incident(says="the prompt is blocked", faults=_one("blocked", mode="PROHIBITED_CONTENT")),
    "C7b": Incident(says="the answer is blocked in mid-stream", faults=_one("finish", mode="SAFETY", after=2)),
    "C7c": Incident(says="the answer is a recitation", faults=_one("finish", mode="RECITATION", after=0)),
    "C8": Incident(says="no usage at all", faults=_one("usage", mode="absent")),
    "C8b": Incident(says="zeros as first usage", faults=_one("usage", mode="zeros-first")),
    "C8c": Incident(says="no usage in the last chunk", faults=_one("usage", mode="absent-last")),
    "C8d": Incident(says="a total that is no sum", faults=_one("usage", mode="wrong-total")),
    "C8e": Incident(says="more cached than prompted", faults=_one("usage", mode="cached-over-prompt")),
    "C9a": Incident(says="STOP in every chunk", faults=_one("wire", mode="stop-each")),
    "C9b": Incident(says="STOP before the text", faults=_one("wire", mode="stop-first")),
    "C9c": Incident(says="the reason comes without parts", faults=_one("wire", mode="reason-alone")),
    "C9d": Incident(says="an event of 2 MB", faults=_one("wire", mode="big")),
    "C9e": Incident(says="UTF-8 split over chunks", faults=_one("wire", mode="split")),
    "C9f": Incident(says="CRLF", faults=_one("wire", mode="crlf")),
    "C9g": Incident(says="blank keep-alives", faults=_one("wire", mode="keep-alive")),
    "C10": Incident(
        says="the key is not valid",
        faults=_refused(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", "API_KEY_INVALID"),
    ),
    "C10b": Incident(
        says="401",
        faults=_refused(
            401, "UNAUTHENTICATED", "Request had invalid authentication credentials.", "ACCESS_TOKEN_TYPE_UNSUPPORTED"
        ),
    ),
    "C10c": Incident(
        says="the account is suspended",
        faults=_refused(
            403, "PERMISSION_DENIED", "Permission denied: Consumer has been suspended.", "CONSUMER_SUSPENDED"
        ),
    ),
    "C10d": Incident(
        says="the region is not served",
        faults=_refused(400, "FAILED_PRECONDITION", "User location is not supported for the API use."),
    ),
    "C11": Incident(
        says="the model is retired",
        faults=_refused(
            404,
            "NOT_FOUND",
            "This model models/gemini-3.5-flash-lite is no longer available. Please update your code to use a newer "
            "model for the latest features and improvements.",
        ),
    ),
}
