"""One tree of errors. Each says on one line what happened and what to do, and carries no secret and no prompt.

ClawError                exit 1, 500
├── WrongUse             exit 2, 400   the caller's own mistake
│   ├── WrongSettings    exit 2        claw.toml or an environment variable
│   ├── TooLarge         exit 2, 413
│   ├── ContextTooLong   exit 2, 400   longer than every window that may take it
│   ├── Unsupported      exit 2, 400   no engine that may answer can do it
│   └── UnknownModel     exit 2, 404
├── Refused              exit 3, 403   policy said no
│   ├── BudgetExceeded   exit 3, 402   what is left of a window is spent
│   │   ├── CostCapExceeded  exit 3, 400   above what the agent allows for one request
│   │   ├── SessionBudgetExceeded  exit 3, 429   one session or run has reached its limit
│   │   └── BudgetHeld   exit 3, 429   calls in flight hold what is left, with retry_after_s
│   ├── RateLimited      exit 3, 429   with retry_after_s
│   └── SessionPaused    exit 3, 429   its session or its agent is paused
├── Cancelled            exit 3, 503   the operator ended it before any engine was asked
├── NoEngine             exit 4, 503   none may or can answer
│   ├── QueueFull        exit 4, 503   with retry_after_s
│   └── DeadlinePassed   exit 4, 504
├── EngineError          exit 4, 502   one upstream call failed; the router may try another engine
├── LedgerError          exit 1, 503   the ledger cannot be read or written
└── Unreachable          exit 1, 503   the running core's socket does not answer
"""

from typing import TYPE_CHECKING, Literal

from msgspec import Struct

if TYPE_CHECKING:
    from backends.types import BudgetState

EngineErrorKind = Literal[
    "busy",  # full for now: 503, or a queue that overflowed
    "rate-limited",  # 429 by the minute, retry_after_s says when
    "daily-quota",  # 429 until the provider's day ends
    "unavailable",  # refused, DNS, TLS, 5xx: nothing was processed
    "timeout",  # accepted, then silent
    "cut",  # the stream broke, or ended without a terminal reason
    "key",  # the engine's key or account is refused
    "model",  # the model is retired or not pulled
    "context",  # the prompt does not fit the model's window
    "rejected",  # the engine called the request wrong
    "empty",  # it ended as if it had answered, with nothing in it that can be used
    "protocol",  # the engine said what its protocol does not allow
    "drained",  # the operator keeps new calls from it; nothing was sent
]

SOON_S = 30.0
"""Retry-After of what only the operator can end. Agents' runtimes sleep for as long as they are told, silently and many
times in a row: after a short wait they go on soon once they may, else tell their user why not. It costs a few requests.
"""


class ClawError(Exception):
    """The root. `str()` is the one line a person reads."""

    exit_code: int = 1
    http_status: int = 500
    kind: str = "internal"
    retry_after_s: float | None = None
    should_retry: bool | None = None
    """Would the same request have a chance if it were sent again? None leaves it to the status."""

    passed_over: tuple[tuple[str, str], ...] = ()
    """The engines that could not be asked, each with the rule of routing that ruled it out."""


class WrongUse(ClawError):
    exit_code, http_status, kind = 2, 400, "invalid_request"


class WrongSettings(WrongUse):
    kind = "settings"


class TooLarge(WrongUse):
    http_status, kind = 413, "too_large"


class ContextTooLong(WrongUse):
    """No engine that may answer has a window for it. Clients know the code and the words, and compact."""

    kind = "context_length_exceeded"

    @classmethod
    def by(cls, message_tokens: int, window: int, remedy: str = "") -> "ContextTooLong":
        """With both counts; `remedy` is what the operator could do."""
        return cls(too_long(message_tokens, window, remedy))


def too_long(message_tokens: int, window: int, remedy: str = "") -> str:
    """OpenAI's words for a prompt beyond a window, with its code: LangChain looks for the code in the text alone."""
    return (
        f"This model's maximum context length is {window} tokens. However, your messages resulted in about"
        f" {message_tokens} tokens. Please reduce the length of the messages{remedy and f', or {remedy}'}."
        f" ({ContextTooLong.kind})"
    )


class Unsupported(WrongUse):
    """No engine that may answer has the capability that the request needs."""

    kind = "unsupported"


class UnknownModel(WrongUse):
    http_status, kind = 404, "model_not_found"


class Refused(ClawError):
    exit_code, http_status, kind = 3, 403, "refused"


class BudgetExceeded(Refused):
    """A call would not fit. `budget` is the state of the budget that said no, `on_exceeded` what it wants done."""

    http_status, kind = 402, "budget"
    should_retry: bool | None = False

    def __init__(
        self,
        message: str,
        *,
        budget: "BudgetState | None" = None,
        on_exceeded: Literal["local", "refuse", "alert"] = "refuse",
    ) -> None:
        super().__init__(message)
        self.budget = budget
        self.on_exceeded = on_exceeded


class CostCapExceeded(BudgetExceeded):
    """One request costs more than its agent allows for one: no window is spent, and a cheaper request may pass."""

    http_status, kind = 400, "cost_cap"


class SessionBudgetExceeded(BudgetExceeded):
    """One session or run has reached its limit: others go on, so no client should take its account for empty. As in
    BudgetHeld, the text does not mention money.
    """

    http_status, kind, retry_after_s = 429, "session_budget", SOON_S

    @classmethod
    def of(cls, scope: str, *, resets_s: float | None, budget: "BudgetState | None" = None) -> "SessionBudgetExceeded":
        """`resets_s` is in how many seconds its window ends, None where it never does."""
        error = cls(
            f"this {scope} has reached its limit: begin a new {scope}, or raise the limit of the scope {scope}"
            " in claw.toml",
            budget=budget,
            on_exceeded=budget.on_exceeded if budget is not None else "refuse",
        )
        if resets_s is not None:
            error.retry_after_s = min(resets_s, SOON_S)
        return error


class BudgetHeld(BudgetExceeded):
    """Calls in flight hold what a budget has left; some of it is free again when they end. The text does not mention
    money: agents' runtimes take that for an empty account, and lock it.
    """

    http_status, kind, retry_after_s, should_retry = 429, "capacity", 5.0, None

    def __init__(
        self,
        message: str = "calls in flight hold what is free at this moment: try again in a few seconds",
        *,
        budget: "BudgetState | None" = None,
        on_exceeded: Literal["local", "refuse", "alert"] = "refuse",
    ) -> None:
        super().__init__(message, budget=budget, on_exceeded=on_exceeded)


class RateLimited(Refused):
    """An agent has used up its requests or tokens of a minute."""

    http_status, kind = 429, "rate_limit"

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class SessionPaused(Refused):
    """Its session or its agent is paused, by the operator or because it got nowhere. Sent again it has a chance only
    once the operator lets it go on.
    """

    http_status, kind, retry_after_s, should_retry = 429, "paused", SOON_S, False


class Cancelled(ClawError):
    """The operator ended a request before any engine was asked."""

    exit_code, http_status, kind, should_retry = 3, 503, "cancelled", False


class NoEngine(ClawError):
    exit_code, http_status, kind = 4, 503, "no_engine"

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class QueueFull(NoEngine):
    kind = "queue_full"


class DeadlinePassed(NoEngine):
    http_status, kind, should_retry = 504, "deadline", False


class QuotaHit(Struct, frozen=True, kw_only=True):
    """The provider's quota that a 429 names. `limit` is None where it does not say it; `metric` is what is counted."""

    window: Literal["minute", "day"]
    metric: Literal["requests", "input_tokens", "tokens"] = "requests"
    limit: int | None = None


class EngineError(ClawError):
    """One upstream call failed.

    `billed` is True where the provider may charge for the call although no usage came back. `status` is the upstream
    HTTP status where there was one, `quota` the provider's quota that was reached, where it named one. A quota of the
    day is not worth another try: when it opens is `retry_after_s`, once the engine's breaker has set it. `short` is the
    error in a phrase of our own, without the provider's words: "429, minute quota 10/min"; `words` are those in full,
    by default the message.
    """

    exit_code, http_status = 4, 502

    def __init__(
        self,
        message: str,
        *,
        kind: EngineErrorKind,
        retry_after_s: float | None = None,
        billed: bool = False,
        status: int | None = None,
        quota: QuotaHit | None = None,
        short: str = "",
        words: str = "",
    ) -> None:
        super().__init__(message)
        self.kind: EngineErrorKind = kind
        self.retry_after_s = retry_after_s
        self.billed = billed
        self.status = status
        self.quota = quota
        self.short = short or short_line(message, kind=kind, status=status, quota=quota)
        self.words = words or message
        if kind == "daily-quota":
            self.should_retry = False


SHORT: dict[str, str] = {
    "busy": "full",
    "rate-limited": "rate limited",
    "daily-quota": "quota of the day used up",
    "unavailable": "unavailable",
    "timeout": "no answer in time",
    "cut": "broke off",
    "key": "key refused",
    "model": "model not served",
    "context": "prompt too long",
    "rejected": "request refused",
    "empty": "empty answer",
    "protocol": "broken protocol",
}
SHORT_LENGTH = 80


def short_line(message: str, *, kind: str, status: int | None = None, quota: QuotaHit | None = None) -> str:
    """An engine's error in a phrase. One without a status has only words of ours: they begin it, up to what a colon or
    a parenthesis adds.
    """
    if quota is not None and quota.limit is not None:
        unit = "" if quota.metric == "requests" else f" {quota.metric.replace('_', ' ')}"
        used_up = " used up" if quota.window == "day" else ""
        each = "min" if quota.window == "minute" else "day"
        what = f"{quota.window} quota {quota.limit:,}{unit}/{each}{used_up}"
    else:
        what = SHORT.get(kind, kind)
    if status is not None:
        return f"{status}, {what}"
    return message.partition(": ")[0].partition(" (")[0][:SHORT_LENGTH] or what


class LedgerError(ClawError):
    http_status, kind = 503, "ledger"


class Unreachable(ClawError):
    http_status, kind = 503, "unreachable"


STATUS: dict[str, int] = {
    "busy": 503,
    "rate-limited": 429,
    "rate_limit": 429,
    "daily-quota": 429,
    "unavailable": 502,
    "timeout": 504,
    "cut": 502,
    "key": 502,
    "model": 502,
    "context": 400,
    "context_length_exceeded": 400,
    "unsupported": 400,
    "invalid_request": 400,
    "too_large": 413,
    "model_not_found": 404,
    "rejected": 400,
    "empty": 502,
    "protocol": 502,
    "deadline": 504,
    "queue_full": 503,
    "no_engine": 503,
    "budget": 402,
    "refused": 403,
    "ledger": 503,
    "cancelled": 503,
    "closing": 503,
    "draining": 503,
    "drained": 503,
}
"""The HTTP status of each kind of failure; an error of another kind brings its own."""


def status_of(error: ClawError) -> int:
    """The HTTP status that a caller gets for an error."""
    return STATUS.get(error.kind, error.http_status)
