"""Alerts: conditions that hold now and that an operator should know of. Every alert of the core is a row of this table.

To add one, write its row here. A condition that is a matter of measuring is found by a function that `Watch` calls
twice a second (see `backends/monitoring/watch.py`); one that an event tells of is raised by `Alerts.show` and ended by
`Alerts.clear`. Thresholds are settings (`[alerts]`, and budgets' own `alert_at`).
"""

from msgspec import Struct

from backends.types import Severity


class Condition(Struct, frozen=True, kw_only=True):
    """One kind of alert. `key`, `text` and `remedy` are templates of str.format; `when` says when it holds.

    Two alerts of one kind, such as two budgets', differ in their keys. One that `flaps` may come and go by itself: it
    has ended once it has been over for `alerts.clear_after_s`, and one that comes back before goes on as it was.
    `threshold` is the setting from whose value on it is an alert, "" where it has none.
    """

    key: str
    when: str
    text: str
    remedy: str = ""
    severity: Severity = "critical"
    flaps: bool = False
    threshold: str = ""


# ---- engines and models ---------------------------------------------------------------------------------------------

NO_ENGINE = Condition(
    key="no-engine",
    when="No engine has answered since a request failed: each later one failed, too.",
    text="no engine answers since {onset}",
    remedy="the engines' own alerts say why, `claw doctor` what to do",
    flaps=True,
    threshold="alerts.failures",
)
ENGINE_DOWN = Condition(
    key="engine:{engine}",
    when="An engine does not answer: its breaker is open after failures, or it cannot be reached.",
    text="{engine}: {problem}",
    remedy="other engines answer where they may; `claw doctor` says what to do",
    flaps=True,
)
REPLICAS_DOWN = Condition(
    key="engine:{engine}:replicas",
    when="Some of an engine's addresses do not answer: their breakers are open, or they cannot be reached.",
    text="{engine}: {gone} of {addresses} addresses do not answer",
    remedy="the others answer for them; `claw doctor` names the address",
    severity="warning",
    flaps=True,
)
ENGINE_KEY = Condition(
    key="engine:{engine}:key",
    when="An engine's provider refuses the key or the account behind it.",
    text="{engine}: {problem}",
    remedy="`claw doctor` names the variable of the key; the provider's words say what is wrong with it",
)
QUOTA_MINUTE = Condition(
    key="engine:{engine}:minute",
    when="An engine's provider limits the rate; nothing is sent until it allows calls again.",
    text="{engine}: {problem}",
    remedy="it is asked again by itself; raise the account's limit if it comes back",
    severity="warning",
    flaps=True,
)
QUOTA_DAY = Condition(
    key="engine:{engine}:day",
    when="An engine's quota of its provider's day is used up.",
    text="{engine}: {problem}",
    remedy="it is asked once an hour, and again when the provider's day ends; raise the account's limit",
)
MODEL_UNSERVED = Condition(
    key="engine:{engine}:model:{model}",
    when="An engine does not serve a model that it was asked for.",
    text="{engine}: model {model} is not served",
    remedy="set engines.{engine}.model to one that it serves, or install it",
)
ENGINE_FULL = Condition(
    key="engine:{engine}:full",
    when="An engine's server says that it is full, and has answered no call since.",
    text="{engine}: full, it turns calls away",
    remedy="give it fewer at once with engines.{engine}.parallel, or look what else uses it",
    severity="warning",
    flaps=True,
)
ENGINE_LACKS = Condition(
    key="engine:{engine}:lacks",
    when="A cloud engine that agents may use has no key, or it is not known where an engine's prompts go.",
    text="{engine} is not called: {problem}",
    remedy="{remedy}; agents whose policy is local need no cloud engine",
    severity="warning",
)
ENGINE_SILENT = Condition(
    key="engine:{engine}:silent",
    when="Calls hear nothing: no first byte for much longer than is usual for this engine, or no more after it; or "
    "their callers gave up waiting.",
    text="{engine}: {calls}{usually}",
    remedy="drain it to send new work elsewhere; `claw act cancel ID` ends a call",
    severity="warning",
    flaps=True,
    threshold="alerts.silent_times",
)
ENGINE_SLOW = Condition(
    key="engine:{engine}:slow",
    when="An engine's first tokens take several times as long as usual.",
    text="{engine}: first token after {lately}, usually within {usual}",
    remedy="drain it to send new work elsewhere",
    severity="warning",
    flaps=True,
    threshold="alerts.slow_times",
)
ENGINE_WRITES_SLOWLY = Condition(
    key="engine:{engine}:speed",
    when="An engine writes several times slower than usual, as one does that lost its GPU.",
    text="{engine}: slow, {lately} tok/s, usually {usual}",
    remedy="look at the GPU with `nvidia-smi`, restart the server, or drain the engine",
    severity="warning",
    flaps=True,
    threshold="alerts.slow_times",
)
QUEUE_LATE = Condition(
    key="queue:{engine}",
    when="Requests wait for an engine, and some are expected to miss their caller's deadline.",
    text="{engine}: {waiting} waiting{wait}",
    remedy="drain it, pin the agent elsewhere, or cancel its requests",
    flaps=True,
    threshold="alerts.queue_misses",
)
QUEUE_FILLING = Condition(
    key="queue:{engine}:filling",
    when="An engine's queue is nearly full; beyond it requests go elsewhere or are refused.",
    text="{engine}: queue {waiting} of {limit}",
    remedy="drain it, pin the agent elsewhere, or raise engines.{engine}.queue_limit",
    severity="warning",
    flaps=True,
    threshold="alerts.queue_share",
)
START_CHECK = Condition(
    key="{check}",
    when="A check at the start found what would make an engine's first call fail.",
    text="{check}: {finding}",
    remedy="{remedy}",
)
PRICE_UNKNOWN = Condition(
    key="price",
    when="No price is known for the model of the built-in cloud engine, so it is not called.",
    text="{problem}: it is not called",
    remedy="{remedy}",
)
ENGINE_PRICE_UNKNOWN = Condition(
    key="price:{engine}",
    when="No price is known for the model of another cloud engine, so it is not called.",
    text="{problem}: it is not called",
    remedy="{remedy}",
)
MODEL_ENDS = Condition(
    key="model-end",
    when="The provider ends the cloud's model soon, or has ended it.",
    text="{announcement}",
    remedy="{remedy}",
    severity="warning",
)
MODEL_REPLACED = Condition(
    key="model:{asked}",
    when="Another model answers than the one that is asked for.",
    text="{asked} is answered by {model}{unpriced}",
    remedy="{remedy}",
    severity="warning",
)
CONTEXT_CUT = Condition(
    key="context:{agent}",
    when="An engine has read only a part of a prompt.",
    text="{agent}: {problem}",
    remedy="{remedy}",
)

# ---- requests -------------------------------------------------------------------------------------------------------

ERRORS = Condition(
    key="errors",
    when="A large share of all requests of the last 90 seconds has failed.",
    text="{failed} of {requests} requests failed in {window_s:.0f} s",
    remedy="the routing pane says why each of them failed",
    flaps=True,
    threshold="alerts.error_share",
)
AGENT_ERRORS = Condition(
    key="errors:{agent}",
    when="A large share of an agent's requests of the last 90 seconds has failed.",
    text="{agent}: {failed} of {requests} requests failed in {window_s:.0f} s",
    remedy="pin {agent} to another engine, or pause it",
    severity="warning",
    flaps=True,
    threshold="alerts.error_share",
)
REFUSED_AGAIN = Condition(
    key="refused:{agent}",
    when="An agent's requests are refused again and again before any engine is called, and none is let through.",
    text="{agent}: {count} requests refused ({reason}): {message}",
    remedy="`claw explain --agent {agent} PROMPT` shows what rules each engine out",
)
KEPT_HOME = Condition(
    key="privacy:{agent}:{id}",
    when="A private part that repeats in an agent's requests keeps it on this machine: a memory file, an old result.",
    text="{agent}: {turns} kept on this machine by private data ({kinds}) in its {label}",
    remedy="claw act allow {agent} {id}, or redact {agent}, or keep-home {agent} {id}",
    severity="warning",
)

# ---- money ----------------------------------------------------------------------------------------------------------

BUDGET_USED = Condition(
    key="budget:{scope}:{window}:{level}",
    when="A budget has reached its `alert_at` or one of `alerts.budget_shares`; reservations count until it is full.",
    text="budget {scope} a {window} has reached {level} %: {left} of {limit} left",
    remedy="{then}; raise its limit_usd, or pin what spends to a local engine",
    severity="warning",
    flaps=True,
    threshold="alerts.budget_shares",
)
BUDGET_REFUSES = Condition(
    key="budget-refuses",
    when="A budget has refused requests in the last 90 seconds.",
    text="a budget refuses requests{named}",
    remedy="raise its limit_usd, or let its agents use a local engine",
)
QUOTA_NEARLY_USED = Condition(
    key="quota:{engine}:{model}",
    when="The calls or tokens of a provider's day near the limit that it has named.",
    text="{engine}: {used} of {limit} {what} of the day for {model}{renewed}",
    remedy="drain {engine}, or pin what can wait to a local engine, before the provider refuses",
    severity="warning",
    threshold="alerts.quota_share",
)
SESSIONS_NEARLY_SPENT = Condition(
    key="budget:each:{scope}:{window}",
    when="Sessions or runs have reached the `alert_at` of a budget that limits each of them.",
    text="budget of each {scope} a {window}: {near} near ${limit_usd}, {spent_out} have reached it",
    remedy="end what runs away, or raise its limit_usd",
    severity="warning",
)
BUDGET_OVERRUN = Condition(
    key="budget:{scope}:{window}:overrun",
    when="A provider billed more than the caps of its calls allow, and a budget is over its limit by it.",
    text="budget {scope} a {window} is over by ${overrun_usd:f}: {models} billed beyond the caps of its calls",
    remedy="ask the provider",
)
SPEND_UNUSUAL = Condition(
    key="spend:{agent}",
    when="An agent spends much more than it usually does at this hour.",
    text="{anomaly}",
    remedy="claw act pin {agent} local, or stop-cloud",
)
SPEND_NOT_WATCHED = Condition(
    key="spend-watch",
    when="The ledger cannot be read for forecasts and unusual spend.",
    text="spend is not watched: {error}",
    severity="warning",
)

# ---- answers from the cache, requests that are kept here ------------------------------------------------------------

CACHE_HITS_FELL = Condition(
    key="cache-hits",
    when="The cache answers a much smaller share of the last look-ups than of those before.",
    text="the cache answers {lately} of look-ups, usually {usually}",
    remedy="the cache pane shows near misses and why; a changed system prompt or model makes all entries useless",
    severity="warning",
    flaps=True,
    threshold="alerts.hit_share_fall",
)
CACHE_WRONG_HITS = Condition(
    key="cache-wrong",
    when="More semantic hits are wrong than `cache.risk` allows, as far as they were asked again.",
    text="{wrong} of {checked} checked cache answers were wrong ({range}), {risk} are allowed",
    remedy="lower cache.risk, or set cache.semantic = false; flushing deletes the wrong ones too",
    severity="warning",
)
PRIVACY_UNSURE = Condition(
    key="privacy-unsure:{agent}",
    when="The privacy gate cannot judge an agent's requests, and keeps them on this machine.",
    text="{agent}: privacy cannot judge its requests, so they stay here",
    remedy="a pattern of [privacy] that takes too long is the usual cause: `claw privacy explain` shows it",
    severity="warning",
    flaps=True,
)
PRIVACY_LOCKS_OUT = Condition(
    key="privacy-locked:{agent}",
    when="An agent's private requests have no engine: they may not leave this machine, and none here can answer.",
    text="{agent}: its private requests may not leave this machine, and no engine here answers",
    remedy="mend the local engine, or redact for this agent so that the cloud can answer",
    flaps=True,
)

# ---- the machine ----------------------------------------------------------------------------------------------------

GPU_LOST = Condition(
    key="gpu:lost",
    when="A GPU that was there is gone: it left the bus, or its driver reports none any more.",
    text="a GPU is lost: models run on the CPU or not at all",
    remedy="`dmesg | grep NVRM` says why; reset the card or restart the machine",
)
GPU_HOT = Condition(
    key="gpu:{index}:hot",
    when="A GPU is hotter than `alerts.gpu_c`, or its driver slows it down.",
    text="GPU {index}: {celsius}{slowed}",
    remedy="see to its fans and air; drain the engine to let it cool",
    severity="warning",
    flaps=True,
    threshold="alerts.gpu_c",
)
VRAM_FULL = Condition(
    key="gpu:{index}:memory",
    when="A GPU's memory is nearly full: the next model or a longer context spills to the CPU.",
    text="GPU {index}: memory nearly full, {used}",
    remedy="unload a model, or lower engines.NAME.context or parallel",
    severity="warning",
    flaps=True,
    threshold="alerts.vram_share",
)
MODEL_SPILLED = Condition(
    key="spilled:{engine}:{model}",
    when="A part of a model lies in main memory instead of on the GPU, so it answers many times slower.",
    text="{engine}: {model} has spilled to the CPU, {share} of it is on the GPU",
    remedy="free GPU memory and load it again; drain the engine until then",
    flaps=True,
)
DISK_FULL = Condition(
    key="disk",
    when="The disk of the ledger has less free than `alerts.disk_free_gb`; below a quarter of it is critical.",
    text="disk nearly full: {free} free where the ledger is",
    remedy="delete what is not needed; `claw ledger` and ledger.keep_days say what claw keeps",
    severity="warning",
    flaps=True,
    threshold="alerts.disk_free_gb",
)
CLOCK_JUMPED = Condition(
    key="clock",
    when="The machine's clock was set or has jumped, within the last ten minutes.",
    text="the clock jumped {way} by {by}; before it was {was}",
    remedy="times of rows and windows of budgets follow it: check NTP with `timedatectl`",
    severity="warning",
    threshold="alerts.clock_jump_s",
)

CORE_STOOD_STILL = Condition(
    key="paused",
    when="The core stood still for seconds or longer, within the last ten minutes: its machine slept, its process was "
    "stopped, or had no CPU time.",
    text="the core stood still for {span} until {until}",
    remedy="calls that waited too long have ended with 504; look whether the machine sleeps, or what else uses it",
    severity="warning",
)

# ---- agents' runs ---------------------------------------------------------------------------------------------------

SESSION_PAUSED = Condition(
    key="session:{agent}:{session}",
    when="A session makes the same calls with the same results, gets nowhere, or spends too fast, and was paused.",
    text="{agent}: session {session} is paused: {why}",
    remedy="claw act resume {session} lets it go on, claw act pause {session} ends it",
)

# ---- what an operator has done, and what stands until it is taken back -----------------------------------------------

CLOUD_STOPPED = Condition(
    key="stopped:cloud",
    when="An operator has stopped all cloud spend.",
    text="cloud spend is stopped{by}",
    remedy="claw act resume-cloud",
    severity="warning",
)
ENGINE_DRAINED = Condition(
    key="drained:{engine}",
    when="An operator keeps new requests from an engine.",
    text="{engine} is drained{by}",
    remedy="claw act undrain {engine}",
    severity="warning",
)
AGENT_PAUSED = Condition(
    key="paused:{agent}",
    when="An operator has paused an agent: its requests are refused.",
    text="{agent} is paused{by}",
    remedy="claw act resume {agent}",
    severity="warning",
)
SETTING_OVERRIDDEN = Condition(
    key="set:{key}",
    when="An operator has set a setting beside claw.toml, for a while or until it is taken back.",
    text="{key} is {value} instead of {before}{by}",
    remedy="claw act unset {key}",
    severity="warning",
)
BUDGET_OVERRIDDEN = Condition(
    key="budget-set:{scope}:{window}",
    when="An operator has given a budget another limit for a while.",
    text="budget {scope} a {window} is {limit} instead of {before}{by}",
    remedy="claw act undo, or claw budget set {scope} {window} default",
    severity="warning",
)

# ---- the core's own state -------------------------------------------------------------------------------------------

LEDGER_FAILED = Condition(
    key="ledger",
    when="A row cannot be written to the ledger.",
    text="{error}",
    remedy="free the disk or mend its rights; ledger.on_unwritable says what is answered until then",
)
LEDGER_SPILLS = Condition(
    key="ledger:spill",
    when="Rows are kept in a file beside the ledger, which cannot be written.",
    text="{problem}",
    remedy="rows are taken in as soon as the file can be written",
)
CALLS_RECOVERED = Condition(
    key="recovered",
    when="An earlier core crashed while calls were running; they were settled at their reservations.",
    text="recovered {count} calls that a crash had left open",
    severity="warning",
)
SPEND_CARRIED = Condition(
    key="carried",
    when="The ledger had lost rows; what they cost is charged to its budgets again.",
    text="the ledger had lost rows of ${usd}: its budgets are charged for them again",
    remedy="claw ledger verify",
    severity="warning",
)
CACHE_FAILED = Condition(
    key="cache", when="The cache's file cannot be used, so no answer is reused.", text="{problem}", severity="warning"
)
SEMANTIC_CACHE_FAILED = Condition(
    key="semantic", when="The embedding model cannot be loaded.", text="{problem}", severity="warning"
)
SETTINGS_REJECTED = Condition(
    key="settings",
    when="claw.toml was read again and is wrong; the settings before it stay in force.",
    text="claw.toml was not taken: {error}",
    remedy="correct it, then reload again",
)
CALIBRATION_OUTDATED = Condition(
    key="calibration",
    when="The calibration in force belongs to other weights than the ones that are shipped now.",
    text="{calibration} was learned for other weights than today's and changes nothing",
    remedy="`claw route train`",
    severity="warning",
)
NOTIFY_FAILED = Condition(
    key="notify:{receiver}",
    when="A receiver of `[[notify]]` has taken no alert for a minute, so nobody is told there.",
    text="{receiver} is not told of alerts: {why}",
    remedy="check its table of [[notify]] in claw.toml",
    severity="warning",
)
REHEARSAL_FAILED = Condition(key="rehearsal", when="The process of the twins has ended.", text="{problem}")
