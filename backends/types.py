"""The facts that rooms hand to each other: frozen, serialisable, free of behaviour.

Tokens are counts, money is Decimal US dollars, durations are milliseconds or seconds as the name says, and every
datetime is timezone-aware UTC. `None` always means "unknown", never zero.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from msgspec import Struct, field

EngineName = Literal["local", "cloud"]
Served = Literal["local", "cloud", "cache"]
Route = Literal["auto", "local", "cloud"]
Policy = Literal["local", "prefer-local", "auto", "prefer-cloud", "cloud"]
CacheResult = Literal["miss", "exact", "semantic", "bypass"]
Finish = Literal["stop", "length", "blocked", "cancelled", "error"]
Source = Literal["chat", "cli", "gateway", "traffic", "shadow"]
DialBy = Literal["quality", "cloud-share"]
Need = Literal["tools", "vision", "json", "long-context", "fresh"]
Health = Literal["unknown", "up", "degraded", "down"]
Role = Literal["answer", "verification"]
Verify = Literal["off", "format", "doubtful", "always"]
SemanticState = Literal["off", "loading", "on", "failed"]

INTENTS = (
    "chat",
    "extraction",
    "classification",
    "summarising",
    "translation",
    "rewriting",
    "creative-writing",
    "coding",
    "debugging",
    "maths-logic",
    "planning",
    "research",
    "audit",
    "trend-analysis",
    "health-check",
    "tool-use",
)
"""What a prompt may be for; the README says what is meant by each."""

ZERO = Decimal(0)


# ---- what is asked ------------------------------------------------------------------------------------------------


class Image(Struct, frozen=True, kw_only=True):
    media_type: str
    data: bytes


class ToolCall(Struct, frozen=True, kw_only=True):
    """A model's wish to call a tool; `arguments` is JSON text as the model wrote it."""

    id: str
    name: str
    arguments: str


class Message(Struct, frozen=True, kw_only=True):
    role: Literal["system", "user", "assistant", "tool"]
    text: str = ""
    images: tuple[Image, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    name: str | None = None


class Tool(Struct, frozen=True, kw_only=True):
    """A function the model may call; `parameters` is a JSON schema object."""

    name: str
    description: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)


class ResponseFormat(Struct, frozen=True, kw_only=True):
    """What the answer must parse as; a `schema` is a JSON schema object."""

    kind: Literal["text", "json", "schema"] = "text"
    schema: dict[str, Any] | None = None
    name: str = "answer"


class Sampling(Struct, frozen=True, kw_only=True):
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    thinking_budget: int | None = None


class Request(Struct, frozen=True, kw_only=True):
    """One prompt in canonical form, from any dialect. `model` names an engine's own model, or is None; `tag` is the
    caller's own word for what the cost belongs to. `cache` off neither looks a stored answer up nor keeps one;
    `refresh` only does not look it up. A `source` of "shadow" is claw's own second asking, which nobody waits for.
    """

    id: str
    agent: str = "default"
    messages: tuple[Message, ...]
    engine: Route = "auto"
    model: str | None = None
    sensitive: bool = False
    cache: bool = True
    tools: tuple[Tool, ...] = ()
    tool_choice: Literal["auto", "none", "required"] | str = "auto"
    response_format: ResponseFormat = ResponseFormat()
    sampling: Sampling = Sampling()
    deadline_s: float | None = None
    source: Source = "cli"
    tag: str | None = None
    refresh: bool = False


# ---- what is thought ----------------------------------------------------------------------------------------------


class Finding(Struct, frozen=True, kw_only=True):
    """Where something private stands: character offsets into one message's text, and never the text itself."""

    kind: str
    message: int
    start: int
    end: int


class Verdict(Struct, frozen=True, kw_only=True):
    """Privacy's word on a request. `why` is a short phrase free of the private text ("key", "agent", "asked").

    `redacted`: with placeholders for what was found it may go to the cloud, and in no other form.
    """

    sensitive: bool
    why: str = ""
    findings: tuple[Finding, ...] = ()
    redacted: bool = False


class Classes(Struct, frozen=True, kw_only=True):
    """What the classifier read from the text alone. Probabilities are 0..1; `language` is an ISO 639-1 code or None.

    `complexity` is the prompt's place among reference prompts: the share of them that the local model answers well more
    surely. It keeps its meaning when the weights change; no feedback moves it.
    `said` is P(local) and P(cloud) as the weights had them, where feedback has corrected them since. Not `familiar`:
    unlike the training data, so that its length has decided.
    """

    intent: str
    intent_p: float
    runner_up: str | None = None
    runner_up_p: float = 0.0
    complexity: float
    p_local: float
    p_cloud: float
    needs: frozenset[Need] = frozenset()
    language: str | None = None
    input_tokens: int = 0
    weights: str = ""
    said: tuple[float, float] | None = None
    familiar: bool = True


class Reason(Struct, frozen=True, kw_only=True):
    """One rule that spoke, and what it said, short enough for a table cell ("policy", "local")."""

    rule: str
    detail: str


class Estimate(Struct, frozen=True, kw_only=True):
    cost_usd: Decimal
    latency_ms: float | None


class Alternative(Struct, frozen=True, kw_only=True):
    """A way not taken. `ruled_out_by` names the rule and `detail` says it; None for one that was merely second."""

    engine: Served
    model: str
    cost_usd: Decimal | None
    latency_ms: float | None
    ruled_out_by: str | None
    detail: str = ""


class Weighed(Struct, frozen=True, kw_only=True):
    """What a decision was weighed against. `asked` is the least P(local answers well) that the dial asks for here, and
    `p_local` what was held against it: what speaks against local beside the prompt's difficulty is weighed in.

    `waiting` and `wait_s` are the local queue's; `all_cloud_usd` is what the cloud was expected to cost. `allowed` is
    the gain of the cloud's that the dial lets go, as a probability; `doubtful`: a slightly higher dial asks for more
    than local is expected to do.
    """

    dial: float
    dial_by: DialBy
    p_local: float
    asked: float
    deadline_s: float
    waiting: int = 0
    wait_s: float | None = None
    all_cloud_usd: Decimal | None = None
    allowed: float = 0.0
    doubtful: bool = False


class Decision(Struct, frozen=True, kw_only=True):
    """Where a request goes and why. `failover` names the engine that may take over before the first token, if any."""

    engine: EngineName
    model: str
    reasons: tuple[Reason, ...]
    alternatives: tuple[Alternative, ...] = ()
    estimate: Estimate
    failover: EngineName | None = None
    flips: tuple[str, ...] = ()
    weighed: Weighed | None = None


class Explanation(Struct, frozen=True, kw_only=True):
    """All that can be said of a decision: for `explain`, the routing pane and its evidence."""

    agent: str
    engine: Served
    model: str
    intent: str
    complexity: float
    sensitive: bool
    reasons: tuple[Reason, ...]
    decision_us: float
    estimate: Estimate
    alternatives: tuple[Alternative, ...] = ()
    classes: Classes | None = None
    verdict: Verdict | None = None
    flips: tuple[str, ...] = ()
    weighed: Weighed | None = None


# ---- what came of it ----------------------------------------------------------------------------------------------


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

    `flag` says what is odd about the usage it reported; `own_cost_usd` is what the operator's own machine cost for it,
    None where that is not known. A call of the role "verification" was made to check an answer, and nobody heard it.
    """

    engine: EngineName
    model: str
    tokens: Tokens = Tokens()
    cost_usd: Decimal = ZERO
    error: str | None = None
    estimated: bool = False
    flag: str = ""
    own_cost_usd: Decimal | None = None
    role: Role = "answer"


class Outcome(Struct, frozen=True, kw_only=True):
    """A request's end: the ledger row, the answer's figures and the console's line are all this.

    `error` is one line for a person, set when `finish` is "error"; `error_kind` is its machine name (errors.EngineError
    kinds, or "deadline"). `cost_usd` and `tokens` are sums over the attempts. `p_local` and `p_cloud` are what the
    `weights` said of the prompt, before any correction; None where nobody asked them. `own_cost_usd` is what the
    operator's own machine cost for it, which nobody bills; None where that is not known.
    """

    id: str
    agent: str
    started_at: datetime
    source: Source
    engine: Served
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
    tag: str | None = None
    p_local: float | None = None
    p_cloud: float | None = None
    weights: str = ""
    cache_entry: str = ""
    cache_age_s: float | None = None
    own_cost_usd: Decimal | None = None


# ---- what an asker hears: Routed, then Delta and Called in any number, then Done, always last ---------------------


class Routed(Struct, frozen=True, kw_only=True, tag=True):
    """The decision, before any text. A retry on the other engine before the first token sends another one."""

    id: str
    explanation: Explanation


class Delta(Struct, frozen=True, tag=True):
    text: str


class Called(Struct, frozen=True, tag=True):
    """Tool calls, complete, as the model asked for them."""

    calls: tuple[ToolCall, ...]


class Done(Struct, frozen=True, tag=True):
    """The end, sent after the ledger row is committed. A `finish` of "error" before any Delta is a plain failure."""

    outcome: Outcome


Chunk = Routed | Delta | Called | Done


# ---- the state of things ------------------------------------------------------------------------------------------


class EngineState(Struct, frozen=True, kw_only=True):
    """One engine as the router sees it. `label` is its honest name, also where it is simulated."""

    name: EngineName
    kind: str
    model: str
    label: str
    simulated: bool = False
    health: Health = "unknown"
    detail: str = ""
    since: datetime | None = None
    in_flight: int = 0
    waiting: int = 0
    waiting_by_agent: dict[str, int] = field(default_factory=dict)
    parallel: int = 0
    predicted_wait_s: float | None = None
    tokens_per_s: float | None = None
    reported_waiting: int | None = None
    stopped: bool = False


class GpuProcess(Struct, frozen=True, kw_only=True):
    pid: int
    name: str
    memory_b: int | None


class Gpu(Struct, frozen=True, kw_only=True):
    index: int
    name: str
    utilisation_pct: float | None = None
    memory_used_b: int | None = None
    memory_total_b: int | None = None
    temperature_c: float | None = None
    power_w: float | None = None
    power_limit_w: float | None = None
    processes: tuple[GpuProcess, ...] | None = None


class GpuReading(Struct, frozen=True, kw_only=True):
    """`state` other than "ok" says why there are no figures; `detail` says in a line what to do."""

    at: datetime
    state: Literal["ok", "no-gpu", "no-driver", "no-permission", "lost", "stalled", "failed", "off"]
    detail: str = ""
    gpus: tuple[Gpu, ...] = ()


class HostReading(Struct, frozen=True, kw_only=True):
    """The machine. Rates are bytes a second over the last interval, None on the first reading."""

    at: datetime
    cpu_pct: float | None
    load_1m: float | None
    memory_used_b: int | None
    memory_total_b: int | None
    disk_used_b: int | None
    disk_total_b: int | None
    net_received_bps: float | None
    net_sent_bps: float | None


class LoadedModel(Struct, frozen=True, kw_only=True):
    """A model resident in the local engine; `vram_b` of `size_b` lies on the GPU."""

    name: str
    size_b: int | None
    vram_b: int | None
    context: int | None
    expires_at: datetime | None


class RuntimeReading(Struct, frozen=True, kw_only=True):
    """What the local engine says of itself. `waiting` is its own queue where it has one to tell (llama.cpp, vLLM)."""

    at: datetime
    reachable: bool
    detail: str = ""
    version: str | None = None
    models: tuple[LoadedModel, ...] = ()
    waiting: int | None = None


class BudgetState(Struct, frozen=True, kw_only=True):
    """A budget in its current window; `zone` is None for the machine's own.

    Where it is `overridden`, an operator's limit is in force; `settings_limit_usd` is claw.toml's, None where it has no
    such budget. `overrun_usd` is what the models in `overrun_by` billed beyond their calls' caps and over the limit.
    """

    scope: str
    window: str
    limit_usd: Decimal
    spent_usd: Decimal
    reserved_usd: Decimal
    left_usd: Decimal
    on_exceeded: Literal["local", "refuse", "alert"]
    resets_at: datetime | None
    alert_at: float = 0.9
    zone: str | None = None
    overridden: bool = False
    settings_limit_usd: Decimal | None = None
    overrun_usd: Decimal = ZERO
    overrun_by: tuple[str, ...] = ()


class AgentSpend(Struct, frozen=True, kw_only=True):
    agent: str
    requests: int
    cost_usd: Decimal
    baseline_usd: Decimal


class SavedBy(Struct, frozen=True, kw_only=True):
    """Where a saving comes from. `routing` is below zero where more was paid than the cloud alone would have cost."""

    routing: Decimal = ZERO
    exact_cache: Decimal = ZERO
    semantic_cache: Decimal = ZERO
    provider_cache: Decimal = ZERO
    optimisation: Decimal = ZERO

    def __add__(self, other: "SavedBy") -> "SavedBy":
        return SavedBy(
            routing=self.routing + other.routing,
            exact_cache=self.exact_cache + other.exact_cache,
            semantic_cache=self.semantic_cache + other.semantic_cache,
            provider_cache=self.provider_cache + other.provider_cache,
            optimisation=self.optimisation + other.optimisation,
        )


class Forecast(Struct, frozen=True, kw_only=True):
    """Where the running month ends, and between which sums nine times in ten; seen from `days` whole days."""

    month_end_usd: Decimal
    low_usd: Decimal
    high_usd: Decimal
    days: int


class Recommendation(Struct, frozen=True, kw_only=True):
    """A saving that the ledger points at. `usd_month` is None where it is not money; `command` is how to try it."""

    kind: str
    title: str
    usd_month: Decimal | None
    evidence: str
    command: str


class CurvePoint(Struct, frozen=True):
    """What a month of `requests` costs, by either way."""

    requests: int
    local_usd: Decimal
    cloud_usd: Decimal


class BreakEven(Struct, frozen=True, kw_only=True):
    """Where the own machine is as cheap as the cloud, for the span's mix of requests. None is "not known" or, of
    `at_requests`, "never". `capacity` is what one machine can answer in a month, working all the time.
    """

    fixed_usd_month: Decimal | None
    energy_usd: Decimal | None
    cloud_usd: Decimal | None
    seconds: float | None
    requests_month: int
    at_requests: int | None
    capacity: int | None
    note: str
    curve: tuple[CurvePoint, ...] = ()


class PriceMonth(Struct, frozen=True, kw_only=True):
    """A month's paid calls: are tokens getting cheaper, and do tasks take more of them?"""

    month: str
    requests: int
    cost_usd: Decimal
    usd_per_mtok: Decimal | None
    tokens_per_request: float | None


class Review(Struct, frozen=True, kw_only=True):
    """What the ledger's last `days` say of where money goes; made on demand."""

    at: datetime
    days: int
    saved_by: SavedBy
    cost_usd: Decimal
    baseline_usd: Decimal
    recommendations: tuple[Recommendation, ...]
    break_even: BreakEven
    months: tuple[PriceMonth, ...]


class Outlook(Struct, frozen=True, kw_only=True):
    """Where spend goes, looked at every minute. `by_hour` is each agent's last 24 hours in dollars, oldest first."""

    at: datetime
    forecast: Forecast | None = None
    month_saved_by: SavedBy = SavedBy()
    by_hour: dict[str, tuple[float, ...]] = field(default_factory=dict)


class Spend(Struct, frozen=True, kw_only=True):
    """Money in the operator's local day and month; `by_agent` is today's, dearest first."""

    today_usd: Decimal
    today_baseline_usd: Decimal
    month_usd: Decimal
    month_baseline_usd: Decimal
    today_requests: int
    by_agent: tuple[AgentSpend, ...] = ()
    budgets: tuple[BudgetState, ...] = ()


class CacheEntry(Struct, frozen=True, kw_only=True):
    """A stored answer's face, without its text. `id` is what `claw cache inspect` and `kill` take."""

    id: str = ""
    agent: str
    intent: str
    hits: int
    age_s: float
    bytes: int


class CacheStats(Struct, frozen=True, kw_only=True):
    """Since the core started, but `entries` and `bytes`, which are what is stored now.

    `problem` says in a line why the cache's file cannot be used, and is "" where it can. `memory_b` is what entries and
    `vectors` take in memory. `rechecked` semantic hits were asked anew: `wrong_share` of them is (share, low, high),
    Wilson's interval at 95 %. `provider_cached_tokens` were input that the provider had cached itself.
    """

    lookups: int = 0
    exact_hits: int = 0
    semantic_hits: int = 0
    shared_flights: int = 0
    saved_usd: Decimal = ZERO
    entries: int = 0
    bytes: int = 0
    semantic: SemanticState = "off"
    semantic_detail: str = ""
    top: tuple[CacheEntry, ...] = ()
    near_misses: tuple[str, ...] = ()
    problem: str = ""
    memory_b: int = 0
    vectors: int = 0
    embedder: str = ""
    rechecked: int = 0
    rechecked_wrong: int = 0
    rechecked_usd: Decimal = ZERO
    wrong_share: tuple[float, float, float] | None = None
    complaints: int = 0
    provider_cached_tokens: int = 0
    provider_saved_usd: Decimal = ZERO


class InFlight(Struct, frozen=True, kw_only=True):
    id: str
    agent: str
    engine: EngineName
    model: str
    stage: Literal["waiting", "called", "streaming"]
    started_at: datetime


class AgentState(Struct, frozen=True, kw_only=True):
    name: str
    policy: Policy
    pinned: EngineName | None = None


class Alert(Struct, frozen=True, kw_only=True):
    """Something a person should see. `key` names the condition: raising it again replaces, clearing removes."""

    key: str
    at: datetime
    level: Literal["warning", "alert"]
    text: str
    remedy: str = ""


class Exchange(Struct, frozen=True, kw_only=True):
    """A request as the console lists it: its decision, and its outcome once there is one."""

    id: str
    at: datetime
    explanation: Explanation
    outcome: Outcome | None = None


class Snapshot(Struct, frozen=True, kw_only=True):
    """Everything a watcher needs to draw the whole screen, at one moment. `recent` is oldest first."""

    at: datetime
    version: str
    pid: int
    started_at: datetime
    rehearsal: bool
    engines: tuple[EngineState, ...]
    agents: tuple[AgentState, ...]
    recent: tuple[Exchange, ...] = ()
    in_flight: tuple[InFlight, ...] = ()
    spend: Spend | None = None
    outlook: Outlook | None = None
    cache: CacheStats = CacheStats()
    gpu: GpuReading | None = None
    host: HostReading | None = None
    runtime: RuntimeReading | None = None
    history: dict[str, tuple[float | None, ...]] = field(default_factory=dict)
    history_step_s: float = 10.0
    alerts: tuple[Alert, ...] = ()
    cloud_stopped: bool = False


# ---- what an operator does ----------------------------------------------------------------------------------------


class Action(Struct, frozen=True, kw_only=True):
    """An operator's order. `agent`, `engine` and `id` are for the verbs that need them; `actor` is who gave it.

    "rate" says of the answer to `id` whether it was `good`, and where it was not, which `engine` would have been better
    and which `intent` the prompt really had; `note` is the operator's own word. "set-budget" gives the budget of
    `scope` and `window` another limit; with no `limit_usd` it has that of claw.toml again.
    """

    verb: Literal[
        "stop-cloud",
        "resume-cloud",
        "pin",
        "unpin",
        "cancel",
        "flush-cache",
        "wrong-hit",
        "kill-entry",
        "rate",
        "relearn",
        "reload",
        "set-budget",
    ]
    actor: str
    agent: str | None = None
    engine: EngineName | None = None
    id: str | None = None
    good: bool | None = None
    intent: str | None = None
    note: str | None = None
    scope: str | None = None
    window: str | None = None
    limit_usd: Decimal | None = None


class Acted(Struct, frozen=True, kw_only=True):
    """What an action did, in one line. `undo` is the action that takes it back, where there is one."""

    at: datetime
    action: Action
    detail: str
    undo: Action | None = None


class Check(Struct, frozen=True, kw_only=True):
    """One thing the doctor looked at. `ok` None is "not known" or "worth knowing"; `remedy` says what to do."""

    name: str
    ok: bool | None
    detail: str
    remedy: str = ""
