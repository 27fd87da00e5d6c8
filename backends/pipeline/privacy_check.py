"""The privacy stage: the gate's verdict on a request, and the form in which a sensitive one may go to the cloud."""

from msgspec import Struct
from msgspec.structs import replace

from backends.off_loop import LARGE, off_loop
from backends.privacy import PrivacyGate
from backends.privacy.detectors.kinds import KINDS
from backends.privacy.gate import Inspection, Parts
from backends.privacy.redact import Redaction
from backends.settings.model import Settings
from backends.types import Request, Verdict

INLINE = 4096
"""Characters to be read from which a thread is taken: reading takes about a millisecond a kilobyte."""


class Judged(Struct, frozen=True, kw_only=True):
    """`redaction` is the form in which a sensitive request may go to the cloud, None where it may not."""

    inspection: Inspection
    redaction: Redaction | None = None

    @property
    def verdict(self) -> Verdict:
        return self.inspection.verdict


class PrivacyCheck:
    def __init__(self, settings: Settings, *, key: bytes) -> None:
        """`key` is for the hashes of texts and values."""
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

        def taken_apart() -> tuple[Parts | None, int]:
            parts = gate.parts(request)
            return parts, gate.unread(parts)

        parts, unread = await off_loop(size, taken_apart)
        heavy = unread >= INLINE
        effort = max(unread, LARGE) if heavy else size
        return await off_loop(effort, lambda: self._judged(gate, request, parts), heavy=heavy)

    def _judged(self, gate: PrivacyGate, request: Request, parts: Parts | None) -> Judged:
        agent = self._settings.rules(request.agent, request.rules)
        inspection = gate.inspection(request, parts, agent_sensitive=agent.sensitive)
        if not inspection.private or request.sensitive or agent.sensitive:
            return Judged(inspection=inspection)
        action = agent.privacy_actions(self._settings.privacy).of(KINDS[kind].personal for kind in inspection.kinds)
        redaction = gate.redaction(request, inspection) if action != "local" else None
        if redaction is None:
            return Judged(inspection=inspection)
        verdict = replace(inspection.verdict, redacted=True, local_first=action == "local-else-redact")
        return Judged(inspection=replace(inspection, verdict=verdict), redaction=redaction)
