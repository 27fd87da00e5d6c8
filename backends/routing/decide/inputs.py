"""What a decision is made from."""

from decimal import Decimal
from functools import lru_cache
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from backends.routing.quality.dial import Dial
from backends.types import CLOUD, LOCAL, ZERO, Classes, DialBy, EngineName, Policy, Request, Verdict, Zone


class BudgetRoom(Struct, frozen=True, kw_only=True):
    """What the tightest budget leaves for a call to one engine. `left_usd` is None without a budget; `scope` names it,
    `unspent_usd` is what it would leave with no call in flight, and `resets` when it begins anew, "" where that would
    not help; `resets_s` is in how many seconds, None where it never does.
    """

    left_usd: Decimal | None = None
    unspent_usd: Decimal | None = None
    on_exceeded: Literal["local", "refuse", "alert"] | None = None
    scope: str | None = None
    resets: str = ""
    resets_s: float | None = None


NO_BUDGET = BudgetRoom()


class SessionView(Struct, frozen=True, kw_only=True):
    """What is known of the session that a request belongs to.

    `engine` answered its last turn, None in a new session; `read_tokens` are that turn's prompt tokens. `continues`:
    the request goes on with a tool's result. `turns_per_ask` are the requests that an ask takes, `hard_share` is the
    share of its asks that no local engine was expected to answer well, `ask_every_s` the seconds from one ask to the
    next, None where that is not known.
    """

    engine: EngineName | None = None
    continues: bool = False
    read_tokens: int = 0
    turns_per_ask: float = 1.0
    hard_share: float = 0.0
    ask_every_s: float | None = None


NEW_SESSION = SessionView()


class EngineView(Struct, frozen=True, kw_only=True):
    """One candidate at this moment: an engine with the model that it would answer with. Durations are seconds,
    `context` and `expected_output` tokens, None is unknown.

    `quality` is P(its model answers well), `ability` the model's score that it rests on, and `weaknesses` what speaks
    against it beside the prompt's difficulty and how much each has lessened it.
    `why_not` says in a phrase why it is not `usable` ("breaker open", "model not pulled"). `local_proved`: the prompt
    would stay on this machine or a listed host. `forces_tools`: it can be held to a tool_choice that asks for a call.
    `worst_usd` is what a budget must reserve for this request, or, where the agent's ceiling is lower than any useful
    call, what the least of those costs; `expected_usd` counts what its prefix cache is expected to save. `warm`: it has
    read the beginning of this prompt lately, and keeps it for `warm_s` more seconds, of `kept_s` in all. `reread_usd`:
    what the part of it that its session has sent before costs more where it is not cached. `languages` are those that
    its model is known to speak, `images` the media types of images that it takes; empty is not known. `media` are the
    kinds of files beside images that it reads. `fitted` says what was left out of its call to make it fit the window,
    "" where nothing was, and `cleared` whether results of tools are among it.
    `least_output` is the output that a prompt must leave room for in the window. `opens_in_s` is how long an engine
    that is not usable stays so, as far as that is known, and `closed` the kind of error that closed it. `draining`: the
    operator keeps new calls from it. `unproved` says
    why nothing is known of where it runs, "" where that is known.
    """

    name: EngineName
    zone: Zone
    model: str
    quality: float = 0.0
    ability: float = 0.0
    weaknesses: tuple[tuple[str, float], ...] = ()
    input_tokens: int = 0
    usable: bool = True
    why_not: str | None = None
    opens_in_s: float | None = None
    closed: str = ""
    draining: bool = False
    local_proved: bool = False
    unproved: str = ""
    waiting: int = 0
    wait_s: float | None = None
    first_token_s: float | None = None
    tokens_per_s: float | None = None
    context: int = 16384
    fitted: str = ""
    cleared: bool = False
    least_output: int = 1
    vision: bool = False
    media: frozenset[str] = frozenset()
    images: frozenset[str] = frozenset()
    tools: bool = True
    forces_tools: bool = True
    schema: bool = True
    languages: frozenset[str] = frozenset()
    warm: bool = False
    warm_s: float = 0.0
    kept_s: float = 0.0
    reread_usd: Decimal = ZERO
    worst_usd: Decimal = ZERO
    expected_usd: Decimal = ZERO
    expected_output: int = 256
    room: BudgetRoom = NO_BUDGET

    @property
    def latency_s(self) -> float | None:
        """Estimated seconds to the answer's end: wait, first token, then the expected output at its rate."""
        if self.wait_s is None or self.first_token_s is None or not self.tokens_per_s:
            return None
        return self.at_least_s

    @property
    def at_least_s(self) -> float:
        """The known part of `latency_s`: the answer will not end sooner."""
        writing = self.expected_output / self.tokens_per_s if self.tokens_per_s else 0.0
        return (self.wait_s or 0.0) + (self.first_token_s or 0.0) + writing

    @property
    def over_budget(self) -> bool:
        return self.room.left_usd is not None and self.worst_usd > self.room.left_usd

    @property
    def held_up(self) -> bool:
        """Over budget only by what calls in flight have reserved: some of it comes back when they end."""
        unspent = self.room.unspent_usd
        return self.over_budget and unspent is not None and self.worst_usd <= unspent

    @property
    def affordable(self) -> bool:
        """Do the budgets allow a call?"""
        return not self.over_budget or self.room.on_exceeded == "alert"


class Inputs(Struct, frozen=True, kw_only=True):
    """All that `decide` uses. `engines` are the candidates, in the settings' order.

    `p_reference` is P(the engine named cloud answers well): what "all-cloud" means, which the dial keeps quality
    against. `deadline_s` is to the first byte; `timeout_s` to the end, where the caller limits that.
    `allowed_engines` and `allowed_models` are the agent's; empty allows all. `ceiling_usd` is its most for one request.
    """

    request: Request
    verdict: Verdict
    classes: Classes
    policy: Policy
    pinned: EngineName | None = None
    cloud_stopped: bool = False
    dial: float
    dial_by: DialBy = "quality"
    scale: Dial
    deadline_s: float
    timeout_s: float | None = None
    engines: tuple[EngineView, ...]
    p_reference: float
    allowed_engines: tuple[EngineName, ...] = ()
    allowed_models: tuple[str, ...] = ()
    ceiling_usd: Decimal | None = None
    session: SessionView = NEW_SESSION

    def view(self, name: EngineName) -> EngineView:
        return next(view for view in self.engines if view.name == name)

    def within(self, zone: Zone) -> tuple[EngineView, ...]:
        return tuple(view for view in self.engines if view.zone == zone)

    def tokens(self, view: EngineView) -> int:
        """The prompt's tokens as this engine counts them."""
        return view.input_tokens or self.classes.input_tokens

    @property
    def asked(self) -> frozenset[EngineName]:
        """The engines that the request itself names, by name or by model; empty where it names none."""
        request = self.request
        if request.engine != "auto":
            return frozenset([request.engine])
        if request.model is None:
            return frozenset()
        return frozenset(view.name for view in self.engines if view.model == request.model)

    @property
    def zone(self) -> Zone | None:
        """The zone that the policy never leaves, None for other policies and while a pin replaces it."""
        if self.pinned is not None:
            return None
        return LOCAL if self.policy == LOCAL else CLOUD if self.policy == CLOUD else None

    @property
    def demanded(self) -> frozenset[EngineName]:
        """The only engines that may answer, where request, pin or an absolute policy says so; else empty."""
        if self.asked:
            return self.asked
        if self.pinned is not None:
            return frozenset([self.pinned])
        return frozenset(view.name for view in self.within(self.zone)) if self.zone else frozenset()

    @property
    def preferred(self) -> Zone | None:
        """The zone that the policy prefers."""
        if self.pinned is not None:
            return None
        return LOCAL if self.policy == "prefer-local" else CLOUD if self.policy == "prefer-cloud" else None

    @property
    def stays(self) -> bool:
        """Must the prompt stay local? A sensitive one may leave only with placeholders, where that is allowed."""
        return self.verdict.sensitive and not self.verdict.redacted

    def over_ceiling(self, view: EngineView) -> bool:
        return self.ceiling_usd is not None and view.worst_usd > self.ceiling_usd

    @property
    def asked_p(self) -> float:
        """The least P(answers well) that the dial asks for here."""
        return self.asked_at(self.dial)

    def asked_at(self, dial: float) -> float:
        """The same at another dial; it never falls as the dial rises."""
        return self.p_reference - _threshold(self.scale, dial, self.dial_by)

    def answers_well(self, view: EngineView) -> bool:
        """Is it expected to answer as well as the dial asks?"""
        return view.quality >= self.asked_p

    def at(self, dial: float) -> "Inputs":
        """The same with another dial."""
        return replace(self, dial=dial)


@lru_cache(maxsize=1024)
def _threshold(scale: Dial, dial: float, by: DialBy) -> float:
    """Cached, since `flips` asks for each hundredth of the dial."""
    return scale.threshold(dial, by)
