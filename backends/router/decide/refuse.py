"""The one line for a request that no engine may or can answer."""

from backends.errors import BudgetExceeded, ClawError, NoEngine, Refused, TooLarge, WrongUse
from backends.router.decide.inputs import Inputs
from backends.types import EngineName, Reason

Against = dict[EngineName, list[Reason]]


def refusal(inputs: Inputs, against: Against) -> ClawError | None:
    """Why nothing may answer, as the error to raise; None where an engine is left."""
    if _unknown_model(inputs):
        local, cloud = inputs.local.model, inputs.cloud.model
        return WrongUse(f"no engine serves the model that was asked for: use auto, local, cloud, {local} or {cloud}")
    if not all(against.values()):
        return None
    return _conflict(inputs, against) or _too_long(inputs) or _closed(inputs, against) or _none_left(against)


def no_room(detail: str) -> str:
    return f"this call does not fit the budget ({detail}): raise it in claw.toml, or send it to local"


def _unknown_model(inputs: Inputs) -> bool:
    model = inputs.request.model
    if model is None:
        return False
    if inputs.request.engine != "auto":
        return model != inputs.view(inputs.request.engine).model
    return inputs.asked is None


def _conflict(inputs: Inputs, against: Against) -> ClawError | None:
    """The request asks for what pin, policy or privacy forbid."""
    agent, asked = inputs.request.agent, inputs.asked
    if asked is not None and _spoke(against[asked], "pin"):
        return Refused(
            f"{agent} is pinned to {inputs.pinned}, and {asked} was asked for: "
            f"`claw act unpin {agent}`, or ask for auto"
        )
    if asked is not None and _spoke(against[asked], "policy"):
        return Refused(
            f"{agent} has the policy {inputs.policy}, and {asked} was asked for: "
            f"ask for auto, or set agents.{agent}.policy in claw.toml"
        )
    if inputs.demanded is not None and _spoke(against[inputs.demanded], "allowed"):
        allowed = next(reason.detail for reason in against[inputs.demanded] if reason.rule == "allowed")
        demand = "was asked for" if asked else "is pinned" if inputs.pinned else "is the policy"
        return Refused(
            f"{agent} may use only {allowed}, and {inputs.demanded} {demand}: "
            f"ask for auto, or change agents.{agent} in claw.toml"
        )
    if inputs.demanded == "cloud" and inputs.stays:
        demand = "was asked for" if asked else "is pinned" if inputs.pinned else "is the policy"
        return Refused(
            f"the prompt is sensitive ({inputs.verdict.why or 'unsure'}) and stays on this machine, "
            f"but engine cloud {demand}: take the private part out, or let local answer it"
        )
    if _spoke(against["local"], "privacy"):
        return Refused(
            f"the prompt is sensitive ({inputs.verdict.why or 'unsure'}), and the local engine is not proved "
            "to be this machine: use a loopback address and a model that Ollama does not relay"
        )
    return None


def _closed(inputs: Inputs, against: Against) -> ClawError | None:
    """No engine may answer, however well it is: waiting does not help, the operator or the caller can."""
    lasting = {name: [each for each in reasons if each.rule != "engine"] for name, reasons in against.items()}
    if not all(lasting.values()):
        return None
    for reason in lasting["cloud"]:
        if reason.rule == "stopped":
            return Refused("cloud is stopped by the operator: `claw act resume-cloud`, or ask for engine local")
        if reason.rule == "ceiling":
            setting = f"agents.{inputs.request.agent}.max_cost_usd"
            return BudgetExceeded(
                f"this call does not fit its ceiling ({reason.detail}): raise {setting}, or send it to local"
            )
        if reason.rule == "budget":
            return BudgetExceeded(no_room(reason.detail))
    return Refused(f"no engine may answer ({_because(lasting)}): ask otherwise, or change agents in claw.toml")


def _too_long(inputs: Inputs) -> ClawError | None:
    """No window holds the prompt: trying again later would not help."""
    tokens, window = inputs.classes.input_tokens, max(view.context for view in inputs.engines)
    if tokens < window:
        return None
    return TooLarge(f"the prompt has about {tokens:,} tokens and the largest window {window:,}: shorten it")


def _none_left(against: Against) -> ClawError:
    return NoEngine(f"no engine can answer ({_because(against)}): `claw doctor` says what to do")


def _because(against: Against) -> str:
    return "; ".join(f"{engine}: {reasons[0].detail}" for engine, reasons in against.items())


def _spoke(reasons: list[Reason], rule: str) -> bool:
    return any(reason.rule == rule for reason in reasons)
