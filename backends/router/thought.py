"""What the stages before any engine concluded of one request."""

from msgspec import Struct

from backends.types import Classes, Decision, Explanation, Verdict


class Thought(Struct, frozen=True, kw_only=True):
    verdict: Verdict
    classes: Classes
    decision: Decision
    explanation: Explanation
