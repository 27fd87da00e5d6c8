"""Where a request goes, and why: a pure function of what is known at that moment.

The rules, in the order in which they speak:

1. asked: an engine or an engine's own model that the request names. Nothing else may answer it.
2. pin, policy: an operator's pin replaces the agent's policy while it holds. `local` and `cloud` (and so a pin) are
   absolute: a request that asks for the other engine is refused, also from the operator's own chat, and says how to
   change it.
3. privacy: a sensitive prompt stays local, where "local" is proved; whatever demands the cloud for it is refused.
4. stopped: the operator stopped all cloud calls.
5. needs: images, tools or a length that an engine cannot take.
6. engine: breaker open, model missing, down.
7. budget: the cloud's worst case does not fit. `on_exceeded` "local" takes the cloud out, "refuse" refuses the call
   that would have gone there, "alert" only says so.
8. deadline: an engine whose estimated end is too late, where the other's is not. Unknown is no reason.
9. quality: `prefer-…` takes its side; `auto` takes local when P(local answers well) >= dial x P(cloud answers well), so
   that each request keeps at least the dial's share of the cloud's expected quality.
"""

from backends.router.decide.choose import decide
from backends.router.decide.inputs import EngineView, Inputs

__all__ = ["EngineView", "Inputs", "decide"]
