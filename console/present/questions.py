"""The question before an action that costs money, stops an agent's work or lets private data leave the machine."""

from backends.types import Action


def question(action: Action, session: str = "") -> str:  # noqa: PLR0911 — one for each verb
    """One to confirm, naming what the action is about; "" where it needs none. `session` is its short name."""
    who = f"session {session or action.id} of {action.agent}" if action.id else f"{action.agent}"
    match action.verb:
        case "pause":
            return f"Pause {who}? Its requests get 429 until it is resumed; what runs now ends as it would."
        case "resume":
            return f"Let {who} go on? Its requests are answered again, and cost again."
        case "allow":
            return f"Let what was found pass for {action.agent}? It may then go to the cloud as it is."
        case "redact":
            return (
                f"Redact what is private of {action.agent}? Its requests may then go to the cloud, with placeholders."
            )
        case "drain":
            return f"Drain {action.engine}? New requests go elsewhere or are refused; what runs there ends as it would."
        case "cancel-agent":
            return f"Cancel all requests of {action.agent} that run or wait? Their clients are told so."
        case "unload":
            return f"Unload {action.model or 'the model'} from {action.engine}? Its next call waits until it is loaded."
    return ""
