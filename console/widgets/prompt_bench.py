"""Prompts being tried: what the next one is sent with, the turns so far, and which of them it goes on from."""

from collections.abc import Sequence

from msgspec.structs import replace

from backends.settings.agents import AGENTS
from backends.text.measures import size
from backends.types import Explanation, Request
from console.bench.attachments import ALL_MAX, Attachment, WrittenPrompt
from console.bench.compare_candidates import Comparing, known_models
from console.bench.prompt_settings import DEFAULT_AGENT, Known, PromptSettings
from console.state import ViewState
from console.widgets.chat_requests import chat_request, retry_request
from console.widgets.chat_turn import ChatTurn
from console.widgets.comparison import CandidateComparison
from console.widgets.transcript import Transcript

QUOTED = 40
"""Characters of an earlier prompt that a heading repeats."""


class PromptBench:
    """Makes requests and turns; sends nothing itself. Times are any monotonic seconds."""

    def __init__(self, max_prompt_bytes: int) -> None:
        self.settings = PromptSettings()
        self.attachments: tuple[Attachment, ...] = ()
        self.transcript = Transcript()
        self.continues: str | None = None  # the turn that the next prompt goes on from
        self._heading = ""  # of the next turn, where it does not simply follow the one above
        self._max_bytes = max_prompt_bytes

    @property
    def conversation(self) -> Sequence[ChatTurn]:
        """The turns that the next prompt goes on from, oldest first."""
        return self.transcript.conversation(self.continues)

    @property
    def effective_settings(self) -> PromptSettings:
        """With what the conversation adds: it stays sensitive once it was."""
        sensitive = self.settings.sensitive or any(turn.sensitive for turn in self.conversation if turn.messages)
        return replace(self.settings, sensitive=sensitive)

    def known(self, state: ViewState, explanation: Explanation | None = None) -> Known:
        agents = list(dict.fromkeys((DEFAULT_AGENT, *(agent.name for agent in state.agents), *AGENTS)))
        return Known(agents, state.engines, known_models(state, explanation))

    def attach(self, attachment: Attachment) -> str:
        """Put a file to the next prompt; returns the line that says so, or why not."""
        most = min(ALL_MAX, self._max_bytes)
        if sum(each.size for each in (*self.attachments, attachment)) > most:
            return f"{attachment.label} is too much: the files of a prompt have at most {size(most)}"
        self.attachments = (*self.attachments, attachment)
        return f"Attached {attachment.label}: /detach removes it"

    @property
    def media_bytes(self) -> int:
        """Bytes of the files that the next prompt is sent with, and of the media in its conversation."""
        return sum(each.size for each in self.attachments) + sum(turn.media_size for turn in self.conversation)

    # ---- turns

    def request(self, text: str, settings: PromptSettings | None = None) -> Request:
        """What would be sent now."""
        prompt = WrittenPrompt(text, self.attachments)
        return chat_request(prompt, settings or self.settings, self.conversation, max_bytes=self._max_bytes)

    def send(self, text: str, now: float) -> list[ChatTurn]:
        """The prompt as a turn of the conversation."""
        turn = ChatTurn(
            self.request(text),
            prompt=WrittenPrompt(text, self.attachments),
            continues=self.continues,
            heading=self._heading,
            started=now,
        )
        return self._sent(turn)

    def compare(self, text: str, comparing: Comparing, now: float) -> list[ChatTurn]:
        """The prompt as a turn for each candidate; the first is gone on from until another one is chosen."""
        turns = [
            ChatTurn(
                self.request(text, candidate.settings(self.settings, cache=comparing.cache)),
                prompt=WrittenPrompt(text, self.attachments),
                continues=self.continues,
                heading=self._heading,
                candidate=candidate,
                started=now,
            )
            for candidate in comparing.candidates
        ]
        return self._sent(CandidateComparison(turns))

    def retry(self, turn: ChatTurn, state: ViewState, now: float) -> list[ChatTurn]:
        """The same prompt for another engine, in the place of the turn."""
        request, heading = retry_request(turn, state.engines), "instead of the one above"
        again = ChatTurn(request, prompt=turn.typed, continues=turn.continues, heading=heading, started=now)
        return self._sent(again, drops_attachments=False)

    def _sent(self, entry: ChatTurn | CandidateComparison, *, drops_attachments: bool = True) -> list[ChatTurn]:
        self.transcript.add(entry)
        self.continues, self._heading = entry.turns[0].name, ""
        if drops_attachments:
            self.attachments = ()
        return list(entry.turns)

    def go_on_from(self, turn: ChatTurn) -> None:
        """Fork: the next prompt follows this turn."""
        self.continues = turn.name
        self._heading = "" if turn is self.transcript.last else f"goes on from {_quoted(turn.typed.text)}"

    def change(self, turn: ChatTurn) -> str:
        """The next prompt takes this turn's place; returns its text, and attaches its files again."""
        self.continues = turn.continues
        self._heading = f"instead of {_quoted(turn.typed.text)}"
        self.attachments = turn.typed.attachments
        return turn.typed.text

    def start_anew(self) -> None:
        self.continues, self._heading = None, "new conversation" if self.transcript.entries else ""

    def clear(self) -> None:
        self.transcript.clear()
        self.continues, self._heading = None, ""

    def choose(self, steps: int) -> ChatTurn | None:
        """Choose another candidate; the conversation goes on from it where it went on from that comparison."""
        comparison = self.transcript.choose(steps)
        if comparison is None:
            return None
        if self.continues in [turn.name for turn in comparison.turns]:
            self.continues = comparison.chosen.name
        return comparison.chosen


def _quoted(text: str) -> str:
    line = " ".join(text.split())
    return f"“{line if len(line) <= QUOTED else line[:QUOTED] + '…'}”"
