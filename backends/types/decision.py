"""What is decided on a request before any engine is called."""

from decimal import Decimal

from msgspec import Struct, field

from backends.types.literals import DialBy, EngineName, Need, Served, Zone


class Finding(Struct, frozen=True, kw_only=True):
    """Where something private stands: character offsets into one message's text, and never the text itself."""

    kind: str
    message: int
    start: int
    end: int


class Verdict(Struct, frozen=True, kw_only=True):
    """Privacy's verdict on a request. `why` is a short phrase free of the private text ("key", "agent", "asked").

    `redacted`: with placeholders for what was found it may go to the cloud, and in no other form; `local_first`: and
    that only where no local engine can answer.
    """

    sensitive: bool
    why: str = ""
    findings: tuple[Finding, ...] = ()
    redacted: bool = False
    local_first: bool = False


class Classes(Struct, frozen=True, kw_only=True):
    """What the classifier read from the text alone. Probabilities are 0..1; `language` is an ISO 639-1 code or None.

    `complexity` is the prompt's place among reference prompts: the share of them that the local model answers well more
    surely. It keeps its meaning when the weights change; no feedback moves it.
    `input_tokens` is the estimate of the prompt's length, `most_tokens` what it cannot exceed; 0 where not counted.
    `media` are the media types of its files.
    `said` is P(local) and P(cloud) as the weights had them, where feedback has corrected them since. Not `familiar`:
    unlike the training data, so that its length has decided. `hidden`: a block around the ask, which nothing shows
    to be its program's, is harder than the ask, and the chances and the complexity are that block's.
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
    most_tokens: int = 0
    media: frozenset[str] = frozenset()
    weights: str = ""
    said: tuple[float, float] | None = None
    familiar: bool = True
    hidden: bool = False


class Reason(Struct, frozen=True, kw_only=True):
    """A rule that counted, and its detail, short enough for a table cell ("policy", "local")."""

    rule: str
    detail: str


class Estimate(Struct, frozen=True, kw_only=True):
    cost_usd: Decimal
    latency_ms: float | None


class Alternative(Struct, frozen=True, kw_only=True):
    """A candidate that was not chosen. `ruled_out_by` is the rule against it, None where it was merely second.

    `quality` is P(answers well), None where it is not known.
    """

    engine: Served
    zone: Zone
    model: str
    cost_usd: Decimal | None
    latency_ms: float | None
    ruled_out_by: str | None
    detail: str = ""
    quality: float | None = None


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
    """Where a request goes and why. `failover` names the engines that may take over before the first token, in order.

    `quality` is P(answers well).
    """

    engine: EngineName
    zone: Zone
    model: str
    reasons: tuple[Reason, ...]
    alternatives: tuple[Alternative, ...] = ()
    estimate: Estimate
    failover: tuple[EngineName, ...] = ()
    quality: float | None = None
    flips: tuple[str, ...] = ()
    weighed: Weighed | None = None


class Explanation(Struct, frozen=True, kw_only=True):
    """A decision in full, for `explain`, the routing pane and the why view.

    `ignored` names the request's fields that the engine cannot honour, `quality` is P(answers well). `ask` is the start
    of what was taken for the question, `envelope` the characters of each kind around it. `status` is the HTTP status
    that the request would get; where that is an error, `error` is its line, and `engine` is "".
    """

    agent: str
    engine: Served
    zone: Zone
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
    ignored: tuple[str, ...] = ()
    quality: float | None = None
    session: str = ""
    ask: str = ""
    envelope: dict[str, int] = field(default_factory=dict)
    status: int = 200
    error: str = ""
