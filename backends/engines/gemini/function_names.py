"""Function names within Gemini's rules, and back. Source: https://ai.google.dev/api/caching#FunctionDeclaration"""

import re
from hashlib import blake2b

from backends.engines.base import Call

RULES = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,63}", re.ASCII)
LONGEST = 64
HASH = 9  # characters of the hash, which tells apart two names that would become the same


class FunctionNames:
    """One call's function names. A name within the rules stays. Another one gets the same replacement in every call, so
    that the beginning of a conversation does not change and the provider's prefix cache still hits.
    """

    def __init__(self, call: Call) -> None:
        given = {tool.name: None for tool in call.tools}
        for message in call.messages:
            given |= dict.fromkeys(wanted.name for wanted in message.tool_calls)
            if message.role == "tool" and message.name:
                given[message.name] = None
        self._sent = {name: name if RULES.fullmatch(name) else replacement(name) for name in given}
        self._known = {sent: name for name, sent in self._sent.items()}

    def to_gemini(self, name: str) -> str:
        """The name that goes to Gemini."""
        found = self._sent.get(name)
        return found if found is not None else name if RULES.fullmatch(name) else replacement(name)

    def from_gemini(self, sent: str) -> str:
        """The caller's name of a function that Gemini calls."""
        return self._known.get(sent, sent)


def replacement(name: str) -> str:
    """The name's characters that are within the rules, with a hash of the whole name."""
    hashed = blake2b(name.encode("utf-8", "surrogatepass"), digest_size=(HASH - 1) // 2).hexdigest()
    left = re.sub(r"[^A-Za-z0-9_.:-]", "_", name, flags=re.ASCII)
    begun = left if re.match(r"[A-Za-z_]", left) else f"_{left}"
    return f"{begun[: LONGEST - HASH]}_{hashed}"
