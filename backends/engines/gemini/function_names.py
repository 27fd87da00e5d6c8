"""Function names within Gemini's rules, and back. Source: https://ai.google.dev/api/caching#FunctionDeclaration"""

import re
from hashlib import blake2b

from backends.engines.base import Call

RULES = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,63}", re.ASCII)
LONGEST = 64
MARK = 9  # characters of the mark that tells two names apart which are the same once they are mended


class FunctionNames:
    """One call's function names. A name within the rules stays; another one has the same stand-in in every call, so
    that a conversation's beginning stays what it was and the provider's prefix cache holds.
    """

    def __init__(self, call: Call) -> None:
        given = {tool.name: None for tool in call.tools}
        for message in call.messages:
            given |= dict.fromkeys(wanted.name for wanted in message.tool_calls)
            if message.role == "tool" and message.name:
                given[message.name] = None
        self._sent = {name: name if RULES.fullmatch(name) else stand_in(name) for name in given}
        self._known = {sent: name for name, sent in self._sent.items()}

    def to_gemini(self, name: str) -> str:
        """The name that goes to Gemini."""
        found = self._sent.get(name)
        return found if found is not None else name if RULES.fullmatch(name) else stand_in(name)

    def from_gemini(self, sent: str) -> str:
        """The caller's name of a function that Gemini calls."""
        return self._known.get(sent, sent)


def stand_in(name: str) -> str:
    """What is left of the name within the rules, with a mark of the whole."""
    mark = blake2b(name.encode("utf-8", "surrogatepass"), digest_size=(MARK - 1) // 2).hexdigest()
    left = re.sub(r"[^A-Za-z0-9_.:-]", "_", name, flags=re.ASCII)
    begun = left if re.match(r"[A-Za-z_]", left) else f"_{left}"
    return f"{begun[: LONGEST - MARK]}_{mark}"
