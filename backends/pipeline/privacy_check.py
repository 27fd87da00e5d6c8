"""The privacy stage: the gate's verdict on a request, and the form in which a sensitive one may go to the cloud."""

from msgspec import Struct
from msgspec.structs import replace

from backends.off_loop import LARGE, off_loop
from backends.pipeline.privacy_alerts import PrivacyAlerts
from backends.pipeline.privacy_choices import PrivacyChoices
from backends.privacy import PrivacyGate
from backends.privacy.detectors.kinds import KINDS
from backends.privacy.gate import Inspected, Parts
from backends.privacy.redact import Redaction
from backends.settings.model import Settings
from backends.settings.privacy import PrivacyActions
from backends.types import CLOUD, LOCAL, Request, Verdict

INLINE = 4096
"""Characters to be read from which a thread is taken: reading takes about a millisecond a kilobyte."""


LABELS = frozenset({"asked", "agent", "image"})
"""Why a request is sensitive whatever its texts say."""


class Judged(Struct, frozen=True, kw_only=True):
    """`redaction` is the form in which a sensitive request may go to the cloud, None where it may not."""

    inspection: Inspected
    redaction: Redaction | None = None

    @property
    def verdict(self) -> Verdict:
        return self.inspection.verdict


class PrivacyCheck:
    def __init__(self, settings: Settings, *, key: bytes, choices: PrivacyChoices, alerts: PrivacyAlerts) -> None:
        """`key` is for the hashes of texts and values."""
        self._choices = choices
        self._alerts = alerts
        self._settings = settings
        self._key = key
        self._gate = PrivacyGate(settings.privacy, key=key)

    def reconfigure(self, settings: Settings) -> None:
        """Use other settings from the next request on."""
        if settings.privacy != self._settings.privacy:
            self._gate = PrivacyGate(settings.privacy, key=self._key)
        self._settings = settings

    async def judge(self, request: Request, size: int) -> Judged:
        """The verdict, which is final: what is sensitive stays so on every path. `size` is off_loop.size_of's.

        What this core has read before takes no place among the heavy work, however long the request is.
        """
        gate = self._gate

        def taken_apart() -> tuple[Parts | None, int, Judged | None]:
            parts = gate.parts(request)
            unread = gate.unread(parts)
            return parts, unread, self._judged(gate, request, parts) if unread < INLINE else None

        parts, unread, judged = await off_loop(size, taken_apart)
        if judged is not None:
            return judged
        return await off_loop(max(unread, LARGE), lambda: self._judged(gate, request, parts), heavy=True)

    def count(self, request: Request, judged: Judged) -> None:
        """Count a turn of an agent that privacy keeps on this machine; one that a label or its policy keeps is not."""
        agent = self._settings.agent(request.agent)
        leaves = agent.policy != LOCAL and any(
            not agent.engines or engine in agent.engines for engine in self._settings.engines_in(CLOUD)
        )
        verdict = judged.verdict
        if not leaves or verdict.why in LABELS or request.source == "shadow":
            return
        self._alerts.turn(request, () if verdict.redacted else judged.inspection.private)

    def _judged(self, gate: PrivacyGate, request: Request, parts: Parts | None) -> Judged:
        agent = self._settings.rules(request.agent, request.rules)
        names = (request.agent, *request.rules)
        allowed = self._choices.allowed(names)
        inspection = gate.inspection(request, parts, agent_sensitive=agent.sensitive, allowed=allowed)
        if not inspection.private or request.sensitive or agent.sensitive:
            return Judged(inspection=inspection)
        actions = agent.privacy_actions(self._settings.privacy)
        if self._choices.redacts(names):
            actions = PrivacyActions("redact", "redact")
        action = actions.of(KINDS[kind].personal for kind in inspection.kinds)
        redaction = gate.redaction(request, inspection, allowed=allowed) if action != "local" else None
        if redaction is None:
            return Judged(inspection=inspection)
        verdict = replace(inspection.verdict, redacted=True, local_first=action == "local-else-redact")
        return Judged(inspection=replace(inspection, verdict=verdict), redaction=redaction)
