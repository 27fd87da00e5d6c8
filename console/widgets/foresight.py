"""What is known of the prompt before it is sent, asked for once it has been left alone for a moment."""

from backends.types import Explanation
from console.present.chat import Prospect
from console.present.figures import size
from console.widgets.draft import Draft

PREVIEW_AFTER_S = 0.3
PREVIEW_MAX_BYTES = 262_144
"""A longer prompt is not sent about for a preview."""


class Foresight:
    """Knows when to ask, whose answer counts and what to show; times are any monotonic seconds."""

    def __init__(self, max_prompt_bytes: int) -> None:
        self.prospect: Prospect | None = None
        self._max_prompt_bytes = max_prompt_bytes
        self._asked = ""  # the name of the newest question
        self._changed_at = 0.0

    def forget(self) -> None:
        self.prospect, self._asked = None, ""

    def changed(self, draft: Draft, now: float) -> bool:
        """The draft, or what it goes with, has changed. True where it is worth a question after PREVIEW_AFTER_S."""
        self._changed_at = now
        if draft.bytes > self._max_prompt_bytes:
            self.prospect, self._asked = Prospect(line=self.too_large(draft)), ""
        elif draft.bytes > PREVIEW_MAX_BYTES:
            self.prospect, self._asked = Prospect(line=f"{size(draft.bytes)}: decided when it is sent"), ""
        elif draft.blank:
            self.forget()
        else:
            return True
        return False

    def rest(self, now: float) -> float:
        """Seconds until the draft has been left alone for long enough; none or negative when it has."""
        return self._changed_at + PREVIEW_AFTER_S - now

    def ask(self, name: str) -> None:
        self._asked = name

    def told(self, name: str, explanation: Explanation | None, line: str | None) -> bool:
        """Take an answer; false for one to an older question."""
        if name != self._asked:
            return False
        self.prospect = Prospect(explanation=explanation, line=line)
        return True

    def too_large(self, draft: Draft) -> str:
        return f"{size(draft.bytes)} is more than a prompt may have ({size(self._max_prompt_bytes)}): shorten it"
