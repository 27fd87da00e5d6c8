"""What the stages before any engine concluded of one request."""

from msgspec import Struct

from backends.router.ceiling import Cut
from backends.types import Classes, Decision, Explanation, Verdict


class Thought(Struct, frozen=True, kw_only=True):
    """`limit` is what a ceiling on cost leaves of the cloud's call, None where it leaves all."""

    verdict: Verdict
    classes: Classes
    decision: Decision
    explanation: Explanation
    limit: Cut | None = None
