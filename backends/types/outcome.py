"""How a request and its upstream calls ended."""

from datetime import datetime
from decimal import Decimal

from msgspec import Struct

from backends.types.decision import Reason
from backends.types.literals import ZERO, CacheResult, EngineName, Finish, Role, Served, Source, Zone


class Tokens(Struct, frozen=True, kw_only=True):
    """`input` includes `cached_input`; `output` excludes `thinking`."""

    input: int = 0
    output: int = 0
    thinking: int = 0
    cached_input: int = 0

    def __add__(self, other: "Tokens") -> "Tokens":
        return Tokens(
            input=self.input + other.input,
            output=self.output + other.output,
            thinking=self.thinking + other.thinking,
            cached_input=self.cached_input + other.cached_input,
        )


class Attempt(Struct, frozen=True, kw_only=True):
    """One upstream call. `error` is None for one that answered; `estimated` where the engine reported no usage.

    `model` is the one that answered, as its provider reports, `model_asked` the one that was asked for, "" where it is
    the same.

    `flag` says what is strange about the reported usage; `own_cost_usd` is what the operator's own machine cost for it,
    None where that is not known. A call of the role "verification" was made to check an answer, and nobody heard it.
    """

    engine: EngineName
    zone: Zone
    model: str
    tokens: Tokens = Tokens()
    cost_usd: Decimal = ZERO
    error: str | None = None
    estimated: bool = False
    flag: str = ""
    own_cost_usd: Decimal | None = None
    role: Role = "answer"
    model_asked: str = ""


class Outcome(Struct, frozen=True, kw_only=True):
    """A request's end: the ledger row, the answer's figures and the console's line are all this.

    `error` is one line for a person, set when `finish` is "error"; `error_kind` is its machine name (errors.EngineError
    kinds, or "deadline"), `short` the same in a phrase of ours without an engine's own words, "" where the error has no
    more than that; `should_retry` as in errors.ClawError. `cost_usd` and `tokens` are sums over the attempts.
    `p_local` and `p_cloud` are what the `weights` said of the prompt, before any correction; None where they were not
    asked. `own_cost_usd` is what the operator's own machine cost for it, which nobody bills; None where that is not
    known. `answer_tokens` is what the answer took when it was made, where it was not made for this request; `ignored`
    names the request's fields that had no effect. `zone` is where the answer came from: the cache's is local. `session`
    and `run` are the request's, `client` and `continues` its envelope's. `cached_baseline_usd` is the baseline with the
    prefix cache that the cloud alone would have had, None where that is not known; `provider_discount_usd` is what the
    providers' own caches took off `cost_usd`.
    """

    id: str
    agent: str
    started_at: datetime
    source: Source
    engine: Served
    zone: Zone
    model: str
    intent: str
    complexity: float
    sensitive: bool
    reasons: tuple[Reason, ...]
    cache: CacheResult
    tokens: Tokens
    cost_usd: Decimal
    baseline_usd: Decimal
    ttft_ms: float | None
    latency_ms: float
    finish: Finish
    attempts: tuple[Attempt, ...] = ()
    usage_estimated: bool = False
    notes: tuple[str, ...] = ()
    error: str | None = None
    error_kind: str | None = None
    retry_after_s: float | None = None
    should_retry: bool | None = None
    tag: str | None = None
    p_local: float | None = None
    p_cloud: float | None = None
    weights: str = ""
    cache_entry: str = ""
    cache_age_s: float | None = None
    own_cost_usd: Decimal | None = None
    answer_tokens: Tokens | None = None
    ignored: tuple[str, ...] = ()
    session: str = ""
    run: str = ""
    client: str = ""
    continues: bool = False
    cached_baseline_usd: Decimal | None = None
    provider_discount_usd: Decimal = ZERO
    short: str = ""

    @property
    def answered(self) -> bool:
        """Did the caller get an answer? One that failed or was cancelled is nobody's answer and saves nothing."""
        return self.finish not in ("error", "cancelled")
