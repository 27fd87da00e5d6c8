"""What the stages before any engine concluded of one request."""

from msgspec import Struct
from msgspec.structs import replace

from backends.cache.semantic.semantic_lookup import NearMiss
from backends.pipeline.cost_cap import Cut
from backends.privacy.redact import Redaction
from backends.types import CACHE, LOCAL, ZERO, Alternative, Classes, Decision, Explanation, Verdict


class RoutePlan(Struct, frozen=True, kw_only=True):
    """`limit` is what a ceiling on cost leaves of the cloud's call, None where it leaves all.

    `redaction` is the only form in which the cloud may see a sensitive request, None where it may see none or all.
    """

    verdict: Verdict
    classes: Classes
    decision: Decision
    explanation: Explanation
    limit: Cut | None = None
    redaction: Redaction | None = None

    def beside(self, near: NearMiss | None) -> "RoutePlan":
        """The same, with the stored answer that was nearest and what kept it from being served."""
        if near is None:
            return self
        likeness = f"nearest {near.similarity:.2f}".replace("0.", ".")
        way = Alternative(
            engine=CACHE,
            zone=LOCAL,
            model="",
            cost_usd=ZERO,
            latency_ms=None,
            ruled_out_by="risk" if near.guard == "risk" else "guard",
            detail=f"{likeness}, too unsure" if near.guard == "risk" else f"{likeness}, stopped by {near.guard}",
        )
        explanation = replace(self.explanation, alternatives=(*self.explanation.alternatives, way))
        return replace(self, explanation=explanation)
