"""Where a request goes, and why: a pure function of what is known at that moment.

The rules, in their order:

1. asked: an engine or an engine's own model that the request names. Nothing else may answer it.
2. pin, policy: an operator's pin replaces the agent's policy while it holds. `local` and `cloud` (and so a pin) are
   absolute: a request that asks for an engine beyond them is refused, also from the operator's own chat, and the error
   says how to change it. allowed: the engines and models that the agent's settings name.
3. needs: files, tools or a schema that an engine cannot take; window: a prompt that leaves too little of its window.
4. privacy: a sensitive prompt stays local, where "local" is proved; a demand for the cloud is refused.
5. stopped: the operator stopped all cloud calls. engine: breaker open, model missing, queue full, down.
6. ceiling: even the least useful answer costs more than the agent allows for one request. budget: the cloud's worst
   case does not fit. `on_exceeded` "local" takes the cloud out, "refuse" refuses the call that would have gone there,
   "alert" only says so.
7. tool_choice: an engine that cannot be forced to call a tool, where one must be called and another engine can be.
   deadline: an engine that would take longer in all than the caller waits for a first byte, or than it allows in all,
   where another would not. Unknown durations count as 0.
8. quality: `prefer-…` takes its zone; `auto` takes the cheapest engine whose P(answers well) is at least what the dial
   asks for, and where there is none, the best. What a local model is weaker at than its text alone says (today's facts,
   a language it is not known to speak) lowers its P.
   session: a tool loop goes on at the engine where it is, unless a rule above is against it. Between asks the cost of
   an engine is that of the whole ask, with what re-reading the session's prompt costs there, and coming back.
"""

from backends.routing.decide.choose import decide, refused
from backends.routing.decide.flips import passed_over
from backends.routing.decide.inputs import NEW_SESSION, NO_BUDGET, BudgetRoom, EngineView, Inputs, SessionView

__all__ = [
    "NEW_SESSION",
    "NO_BUDGET",
    "BudgetRoom",
    "EngineView",
    "Inputs",
    "SessionView",
    "decide",
    "passed_over",
    "refused",
]
