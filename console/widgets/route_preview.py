"""The route preview: where the prompt would go, requested once the operator has stopped typing for a moment."""

from backends.text.measures import size
from backends.types import Explanation
from console.present.settings_rows import Prospect
from console.widgets.draft import Draft

PREVIEW_AFTER_S = 0.3
PREVIEW_MAX_BYTES = 262_144
"""A longer prompt is not sent to the core for a preview."""


class RoutePreview:
    """Knows when to request a preview, which answer counts and what to show. Times are any monotonic seconds."""

    def __init__(self, max_prompt_bytes: int) -> None:
        self.prospect: Prospect | None = None
        self._max_prompt_bytes = max_prompt_bytes
        self._requested = ""  # the name of the newest request
        self._changed_at = 0.0

    def clear(self) -> None:
        self.prospect, self._requested = None, ""

    def draft_changed(self, draft: Draft, now: float, *, media_bytes: int = 0) -> bool:
        """The draft, or what it is sent with, has changed. True where a preview is due PREVIEW_AFTER_S later.

        `media_bytes` is the size of the files that go with it and of those in its conversation.
        """
        self._changed_at = now
        if draft.bytes > self._max_prompt_bytes:
            self.prospect, self._requested = Prospect(line=self.too_large(draft)), ""
        elif (whole := draft.bytes + media_bytes) > PREVIEW_MAX_BYTES:
            self.prospect, self._requested = Prospect(line=f"{size(whole)}: routed when you send it"), ""
        elif draft.blank:
            self.clear()
        else:
            return True
        return False

    def remaining(self, now: float) -> float:
        """Seconds until a preview is due; zero or negative once it is."""
        return self._changed_at + PREVIEW_AFTER_S - now

    def requested(self, name: str) -> None:
        """A preview of this name was requested; answers to earlier ones no longer count."""
        self._requested = name

    def receive(self, name: str, explanation: Explanation | None, line: str | None) -> bool:
        """Show an answer; false for one to an earlier request."""
        if name != self._requested:
            return False
        self.prospect = Prospect(explanation=explanation, line=line)
        return True

    def too_large(self, draft: Draft) -> str:
        return f"The prompt has {size(draft.bytes)}, the limit is {size(self._max_prompt_bytes)}: shorten it"
