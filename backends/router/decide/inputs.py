"""What a decision is made from."""

from decimal import Decimal
from typing import Literal

from msgspec import Struct

from backends.types import ZERO, Classes, EngineName, Policy, Request, Verdict


class EngineView(Struct, frozen=True, kw_only=True):
    """One engine at this moment. Durations are seconds, `context` and `expected_output` tokens, None is unknown.

    `why_not` says in a phrase why it is not `usable` ("breaker open", "model not pulled"). `local_proved`: the prompt
    would stay on this machine or a listed host. `worst_usd` is what a budget must reserve for this request.
    """

    name: EngineName
    model: str
    usable: bool = True
    why_not: str | None = None
    local_proved: bool = False
    wait_s: float | None = None
    first_token_s: float | None = None
    tokens_per_s: float | None = None
    context: int = 16384
    vision: bool = False
    tools: bool = True
    worst_usd: Decimal = ZERO
    expected_usd: Decimal = ZERO
    expected_output: int = 256

    @property
    def latency_s(self) -> float | None:
        """Estimated seconds to the answer's end: wait, first token, then the expected output at its rate."""
        if self.wait_s is None or self.first_token_s is None or not self.tokens_per_s:
            return None
        return self.wait_s + self.first_token_s + self.expected_output / self.tokens_per_s


class Inputs(Struct, frozen=True, kw_only=True):
    """All that `decide` looks at. `room_left_usd` is the tightest budget's, None without one; `room_scope` names it."""

    request: Request
    verdict: Verdict
    classes: Classes
    policy: Policy
    pinned: EngineName | None = None
    cloud_stopped: bool = False
    dial: float
    deadline_s: float
    local: EngineView
    cloud: EngineView
    room_left_usd: Decimal | None = None
    room_on_exceeded: Literal["local", "refuse", "alert"] | None = None
    room_scope: str | None = None

    @property
    def engines(self) -> tuple[EngineView, EngineView]:
        return self.local, self.cloud

    def view(self, name: EngineName) -> EngineView:
        return self.local if name == "local" else self.cloud

    @property
    def asked(self) -> EngineName | None:
        """The engine that the request itself names, by name or by model."""
        if self.request.engine != "auto":
            return self.request.engine
        return next((view.name for view in self.engines if view.model == self.request.model), None)

    @property
    def rule(self) -> Policy:
        """The policy in force: an operator's pin replaces the agent's own."""
        return self.pinned or self.policy

    @property
    def demanded(self) -> EngineName | None:
        """The only engine that may answer, where request, pin or an absolute policy says so."""
        if self.asked is not None:
            return self.asked
        return self.rule if self.rule in ("local", "cloud") else None

    @property
    def over_budget(self) -> bool:
        return self.room_left_usd is not None and self.cloud.worst_usd > self.room_left_usd


def other(name: EngineName) -> EngineName:
    return "cloud" if name == "local" else "local"
