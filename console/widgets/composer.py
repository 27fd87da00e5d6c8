"""The chat's input: which key does what to the draft, and which keys wait to see that they were not pasted.

A terminal without bracketed paste feeds a paste as keys. So a key that acts (send, retry, clear) does so only when none
came within `QUIET_S` before it and none comes within `QUIET_S` after it. An enter that was fed is a new line.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from console.present.rows import Row, Span
from console.present.safe import safe
from console.widgets.draft import Draft

QUIET_S = 0.03
"""Two keys of a hand are further apart than this, and the keys of a paste are not."""
ROWS_MAX = 8

Deed = Literal["send", "cancel", "retry", "new", "clear", "agent", "engine", "sensitive", "copy", "good", "bad"]

_DEEDS: dict[str, Deed] = {
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
    ("^n", "new talk"),
    ("^o", "copy"),
    ("^l", "clear"),
    ("M-y/n", "good/bad answer"),
)
"""Keys as the footer and the help name them."""

_NEW_LINE = {"ctrl+j", "alt+enter", "shift+enter"}


class Heard(NamedTuple):
    """What became of a key.

    `waits` asks for a call of `due` after QUIET_S. `fed` says that no hand was so fast; `kept_as_line`, that an enter
    became a new line for that.
    """

    taken: bool
    fed: bool
    changed: bool = False
    waits: bool = False
    kept_as_line: bool = False


class Composer:
    """A draft under a keyboard, with the prompts sent before. Times are any monotonic seconds."""

    def __init__(self, earlier: Sequence[str] = ()) -> None:
        self.draft = Draft()
        self._earlier = earlier
        self._recalled = 0  # how far back in the earlier prompts; 0 is the draft itself
        self._own = ""  # the draft that was there before recalling
        self._last_input = float("-inf")
        self._waiting: Deed | None = None
        self._waiting_since = 0.0

    def key(self, key: str, character: str | None, at: float, width: int) -> Heard:
        """Hear a key pressed at `at`; `width` is that of the draft's rows."""
        fed = at - self._last_input < QUIET_S
        fed_enter = self._interrupt() if fed or self._waiting else False
        self._last_input = at
        if deed := _DEEDS.get(key):
            return self._deed(deed, at, fed=fed)
        if key in _NEW_LINE:
            self.draft.insert("\n")
        elif character is not None and character.isprintable():
            self.draft.insert(character)
        elif not self._edit(key, width):
            return Heard(taken=False, fed=fed, changed=fed_enter, kept_as_line=fed_enter)
        return Heard(taken=True, fed=fed, changed=True, kept_as_line=fed_enter)

    def paste(self, text: str, at: float) -> None:
        """Take a bracketed paste; what waited to be done is not done."""
        self._interrupt()
        self._last_input = at
        self.draft.paste(text)

    def due(self, now: float) -> Deed | None:
        """What is to be done now, the keyboard having been quiet since it was asked for."""
        if self._waiting is None or now - self._waiting_since < QUIET_S:
            return None
        deed, self._waiting = self._waiting, None
        return deed

    def take(self) -> str:
        """The whole prompt, leaving an empty draft."""
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
        """Something follows at once on a key that waited: an enter was a line's end; the others are dropped."""
        was_enter = self._waiting == "send"
        if was_enter:
            self.draft.insert("\n")
        self._waiting = None
        return was_enter

    def _deed(self, deed: Deed, at: float, *, fed: bool) -> Heard:
        if not fed:
            self._waiting, self._waiting_since = deed, at
            return Heard(taken=True, fed=False, waits=True)
        if deed == "send":
            self.draft.insert("\n")
            return Heard(taken=True, fed=True, changed=True, kept_as_line=True)
        return Heard(taken=True, fed=True)

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
        """An earlier prompt in place of the draft, or back again to what was being written."""
        wanted = max(0, min(len(self._earlier), self._recalled + further))
        if wanted == self._recalled:
            return
        if self._recalled == 0:
            self._own = self.draft.content
        self._recalled = wanted
        self.draft.replace(self._earlier[-wanted] if wanted else self._own)
