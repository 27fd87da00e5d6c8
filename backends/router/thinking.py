"""The stages that read the text and choose: privacy, classify, decide, with the state of things they are given."""

import time
from collections.abc import Mapping
from decimal import Decimal

from msgspec.structs import replace

from backends.ledger.prices import UnknownPrice
from backends.ledger.store import Ledger
from backends.router.classify import Classifier
from backends.router.compress import compress
from backends.router.controls import Controls
from backends.router.costs import Costs
from backends.router.decide import EngineView, Inputs, decide
from backends.router.desk import Desk
from backends.router.privacy import PrivacyGate
from backends.router.thought import Thought
from backends.settings import Settings
from backends.types import ZERO, Classes, EngineName, Explanation, Request, Tokens, Verdict


class Thinking:
    def __init__(
        self,
        settings: Settings,
        *,
        privacy: PrivacyGate,
        classifier: Classifier,
        desks: Mapping[EngineName, Desk],
        controls: Controls,
        ledger: Ledger,
        costs: Costs,
    ) -> None:
        self._settings = settings
        self._privacy = privacy
        self._classifier = classifier
        self._desks = desks
        self._controls = controls
        self._ledger = ledger
        self._costs = costs

    def inspect(self, request: Request) -> Verdict:
        return self._privacy.inspect(request, agent_sensitive=self._settings.agent(request.agent).sensitive)

    def classify(self, request: Request) -> Classes:
        return self._classifier.classify(request)

    def decide(
        self, request: Request, verdict: Verdict, classes: Classes, began: float, *, no_cloud: str | None = None
    ) -> Thought:
        """Choose, or raise Refused, BudgetExceeded or NoEngine. `began` is on the performance counter.

        `no_cloud` says why the cloud may not be used for this one, whatever its state.
        """
        cloud = self._view("cloud", request, classes)
        if no_cloud is not None:
            cloud = replace(cloud, usable=False, why_not=no_cloud)
        room = self._ledger.room(agent=request.agent, engine="cloud", model=cloud.model)
        decision = decide(
            Inputs(
                request=request,
                verdict=verdict,
                classes=classes,
                policy=self._settings.agent(request.agent).policy,
                pinned=self._controls.pins.get(request.agent),
                cloud_stopped=self._controls.cloud_stopped,
                dial=self._settings.router.dial,
                deadline_s=request.deadline_s or self._settings.router.deadline_s,
                local=self._view("local", request, classes),
                cloud=cloud,
                room_left_usd=room.left_usd,
                room_on_exceeded=room.on_exceeded,
                room_scope=room.scope,
            )
        )
        explanation = Explanation(
            agent=request.agent,
            engine=decision.engine,
            model=decision.model,
            intent=classes.intent,
            complexity=classes.complexity,
            sensitive=verdict.sensitive,
            reasons=decision.reasons,
            decision_us=round((time.perf_counter() - began) * 1e6, 1),
            estimate=decision.estimate,
            alternatives=decision.alternatives,
            classes=classes,
            verdict=verdict,
            flips=decision.flips,
        )
        return Thought(verdict=verdict, classes=classes, decision=decision, explanation=explanation)

    def reservation(self, request: Request, thought: Thought) -> Decimal:
        """US dollars to reserve for the decided engine's call."""
        name = thought.decision.engine
        return self._costs.worst(name, compress(request, thought.classes, name, self._desks[name].settings))

    def _view(self, name: EngineName, request: Request, classes: Classes) -> EngineView:
        desk = self._desks[name]
        call = compress(request, classes, name, desk.settings)
        output = desk.rates.expected_output(classes.intent, call.max_output)
        why_not = desk.why_not()
        try:
            worst = self._costs.worst(name, call)
            expected = self._costs.of(name, call.model, Tokens(input=classes.input_tokens, output=output))
        except UnknownPrice as error:
            worst = expected = ZERO
            why_not = str(error)
        return EngineView(
            name=name,
            model=call.model,
            usable=why_not is None,
            why_not=why_not,
            local_proved=desk.local_proved,
            wait_s=desk.wait_s(),
            first_token_s=desk.rates.first_token_s,
            tokens_per_s=desk.rates.tokens_per_s,
            context=desk.context,
            vision=desk.vision,
            tools=True,
            worst_usd=worst,
            expected_usd=expected,
            expected_output=output,
        )
