"""The chat's input: what each key does to the draft, and which keys wait to see that they were not pasted.

A terminal without bracketed paste delivers a paste as keys. So a command (send, retry, clear) runs only when no key
came within `QUIET_S` before it and none comes within `QUIET_S` after it. A pasted enter is a new line.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from backends.text.terminal_safe import safe
from console.present.spans import Row, Span
from console.widgets.draft import Draft

QUIET_S = 0.03
"""Typed keys are further apart than this, pasted keys are not."""
ROWS_MAX = 8

ChatCommand = Literal["send", "cancel", "retry", "new", "clear", "agent", "engine", "sensitive", "copy", "good", "bad"]

_COMMANDS: dict[str, ChatCommand] = {
    "enter": "send",
    "escape": "cancel",
    "ctrl+r": "retry",
    "ctrl+n": "new",
    "ctrl+l": "clear",
    "ctrl+g": "agent",
    "ctrl+t": "engine",
    "ctrl+s": "sensitive",
    "ctrl+o": "copy",
    "alt+y": "good",
    "alt+n": "bad",
}
HINTS: tuple[tuple[str, str], ...] = (
    ("enter", "send"),
    ("^j", "new line"),
    ("^g", "agent"),
    ("^t", "engine"),
    ("^s", "sensitive"),
    ("esc", "cancel"),
    ("^r", "other engine"),
    ("^n", "new chat"),
    ("^o", "copy"),
    ("^l", "clear"),
    ("M-y/n", "good/bad answer"),
)
"""Keys as the footer and the help name them."""

_NEW_LINE = {"ctrl+j", "alt+enter", "shift+enter"}


class KeyResult(NamedTuple):
    """What a key did.

    `handled`: the composer used it. `pasted`: it came too fast for a typed key. `changed`: the draft did. `waits`: call
    `due` after QUIET_S. `became_new_line`: it was a pasted enter.
    """

    handled: bool
    pasted: bool
    changed: bool = False
    waits: bool = False
    became_new_line: bool = False


class Composer:
    """A draft under a keyboard, with the prompts sent before. Times are any monotonic seconds."""

    def __init__(self, earlier: Sequence[str] = ()) -> None:
        self.draft = Draft()
        self._earlier = earlier
        self._recalled = 0  # how far back in the earlier prompts; 0 is the draft itself
        self._draft_text = ""  # the draft before an earlier prompt replaced it
        self._last_input = float("-inf")
        self._waiting: ChatCommand | None = None
        self._waiting_since = 0.0

    def key(self, key: str, character: str | None, at: float, width: int) -> KeyResult:
        """Handle a key pressed at `at`; `width` is that of the draft's rows."""
        pasted = at - self._last_input < QUIET_S
        pasted_enter = self._interrupt() if pasted or self._waiting else False
        self._last_input = at
        if command := _COMMANDS.get(key):
            return self._command(command, at, pasted=pasted)
        if key in _NEW_LINE:
            self.draft.insert("\n")
        elif character is not None and character.isprintable():
            self.draft.insert(character)
        elif not self._edit(key, width):
            return KeyResult(handled=False, pasted=pasted, changed=pasted_enter, became_new_line=pasted_enter)
        return KeyResult(handled=True, pasted=pasted, changed=True, became_new_line=pasted_enter)

    def paste(self, text: str, at: float) -> None:
        """Insert a bracketed paste; a command that waits is dropped."""
        self._interrupt()
        self._last_input = at
        self.draft.paste(text)

    def due(self, now: float) -> ChatCommand | None:
        """The command to run now, if one waits and no key came since."""
        if self._waiting is None or now - self._waiting_since < QUIET_S:
            return None
        command, self._waiting = self._waiting, None
        return command

    def submit(self) -> str:
        """Return the whole prompt and empty the draft."""
        content = self.draft.content
        self.draft.replace("")
        self._recalled = 0
        return content

    def rows(self, width: int, height: int, *, focused: bool) -> list[Row]:
        """At most `height` rows of at most `width` cells around the cursor, which is drawn where `focused`."""
        room = max(1, width - 3)  # the mark before the text and a cell for a cursor at a row's end
        places = self.draft.rows(room)
        now = self.draft.row_of_cursor(places)
        top = max(0, min(now - height // 2, len(places) - height))
        rows: list[Row] = []
        for index in range(top, min(top + height, len(places))):
            start, end = places[index]
            mark = Span(safe("❯ " if index == 0 else "  "), "strong" if focused else "dim")
            if index != now or not focused:
                rows.append((mark, Span(self.draft.shown(start, end, room))))
                continue
            cursor = self.draft.cursor
            under = self.draft.shown(cursor, min(cursor + 1, end), room) or safe(" ")
            after = self.draft.shown(cursor + 1, end, room) if cursor < end else safe("")
            rows.append((mark, Span(self.draft.shown(start, cursor, room)), Span(under, "cursor"), Span(after)))
        return rows

    def height(self, width: int) -> int:
        return min(ROWS_MAX, len(self.draft.rows(max(1, width - 3))))

    def _interrupt(self) -> bool:
        """Drop the command that waits, because a key follows at once. True where it was an enter, now a new line."""
        was_enter = self._waiting == "send"
        if was_enter:
            self.draft.insert("\n")
        self._waiting = None
        return was_enter

    def _command(self, command: ChatCommand, at: float, *, pasted: bool) -> KeyResult:
        if not pasted:
            self._waiting, self._waiting_since = command, at
            return KeyResult(handled=True, pasted=False, waits=True)
        if command == "send":
            self.draft.insert("\n")
            return KeyResult(handled=True, pasted=True, changed=True, became_new_line=True)
        return KeyResult(handled=True, pasted=True)

    def _edit(self, key: str, width: int) -> bool:  # noqa: PLR0912 — one arm for each key
        draft = self.draft
        match key:
            case "left":
                draft.move(-1)
            case "right":
                draft.move(1)
            case "ctrl+left" | "alt+b":
                draft.move_word(-1)
            case "ctrl+right" | "alt+f":
                draft.move_word(1)
            case "home" | "ctrl+a":
                draft.move_to_edge(-1)
            case "end" | "ctrl+e":
                draft.move_to_edge(1)
            case "up":
                if not draft.move_row(-1, max(1, width - 3)):
                    self._recall(1)
            case "down":
                if not draft.move_row(1, max(1, width - 3)):
                    self._recall(-1)
            case "backspace" | "ctrl+h":
                draft.delete(-1)
            case "delete" | "ctrl+d":
                draft.delete(1)
            case "ctrl+w" | "alt+backspace":
                draft.cut_word()
            case "ctrl+u":
                draft.cut_to_edge(-1)
            case "ctrl+k":
                draft.cut_to_edge(1)
            case "ctrl+y":
                draft.put_back()
            case _:
                return False
        return True

    def _recall(self, further: int) -> None:
        """Replace the draft by an earlier prompt, or go back to the draft."""
        wanted = max(0, min(len(self._earlier), self._recalled + further))
        if wanted == self._recalled:
            return
        if self._recalled == 0:
            self._draft_text = self.draft.content
        self._recalled = wanted
        self.draft.replace(self._earlier[-wanted] if wanted else self._draft_text)
