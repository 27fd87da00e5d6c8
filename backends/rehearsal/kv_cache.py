"""The prefix cache of the Ollama twin: what it read last in each of its places."""

from collections import deque

from backends.rehearsal.scripted_answers import ScriptedRequest, count_prompt

Link = tuple[int, int]
"""The hash of a prompt's beginning, and its tokens up to there."""


class KvCache:
    """`places` prompts are kept, those that were used last. A prompt continues the one whose beginning it shares."""

    def __init__(self, places: int) -> None:
        self._read: deque[tuple[str, tuple[Link, ...]]] = deque(maxlen=places)

    def read(self, model: str, ask: ScriptedRequest) -> int:
        """Tokens of the prompt that are there already; it is there as a whole from now on."""
        chain = _chain(ask)
        found, place = max(
            ((_shared(chain, kept), at) for at, (whose, kept) in enumerate(self._read) if whose == model),
            default=(0, None),
        )
        if found and place is not None:
            del self._read[place]
        self._read.append((model, chain))
        return found

    def forget(self, model: str) -> None:
        """The model was unloaded."""
        kept = [entry for entry in self._read if entry[0] != model]
        self._read.clear()
        self._read.extend(kept)


def _chain(ask: ScriptedRequest) -> tuple[Link, ...]:
    """As chat templates write them: the tools stand before the turns."""
    running = hash(tuple((tool.name, tool.description, str(tool.schema)) for tool in ask.tools))
    chain, tokens = [], count_prompt(ScriptedRequest(turns=(), tools=ask.tools))
    for turn in ask.turns:
        running = hash((running, turn))
        tokens += count_prompt(ScriptedRequest(turns=(turn,)))
        chain.append((running, tokens))
    return tuple(chain)


def _shared(chain: tuple[Link, ...], kept: tuple[Link, ...]) -> int:
    """The tokens of the turns that both begin with. The last turn is read again: something has to be."""
    tokens = 0
    for link, other in zip(chain[:-1], kept, strict=False):
        if link != other:
            break
        tokens = link[1]
    return tokens
