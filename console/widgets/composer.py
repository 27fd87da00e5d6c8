"""The chat's input: what each key does to the draft, and which keys wait to see that they were not pasted.

A terminal without bracketed paste delivers a paste as keys. So a command (send, retry, clear) runs only when no key
came within `QUIET_S` before it and none comes within `QUIET_S` after it. A pasted enter is a new line.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from backends.text.terminal_safe import safe
from console.bench.saved_prompts import variables
from console.keys import Keys
from console.present.spans import Row, Span
from console.widgets.draft import Draft

QUIET_S = 0.03
"""Typed keys are further apart than this, pasted keys are not."""
ROWS_MAX = 8

PromptCommand = Literal["send", "cancel", "retry", "new", "clear", "agent", "engine", "sensitive", "complete", "again"]
AnswerCommand = Literal["copy", "good", "bad", "previous", "next"]
WorkCommand = Literal["compare", "settings", "search", "prompts", "attach", "editor", "turns", "export"]
"""Commands that ask something, or read and write outside the console."""
ChatCommand = PromptCommand | AnswerCommand | WorkCommand

_COMMANDS: dict[str, ChatCommand] = {
    "enter": "send",
    "escape": "cancel",
    "tab": "complete",
    "ctrl+r": "search",
    "ctrl+n": "new",
    "ctrl+l": "clear",
    "ctrl+g": "agent",
    "ctrl+t": "engine",
    "ctrl+s": "sensitive",
    "ctrl+o": "copy",
    "alt+t": "turns",
    "ctrl+x": "editor",
    "alt+r": "retry",
    "alt+y": "good",
    "alt+n": "bad",
    "alt+c": "compare",
    "alt+left": "previous",
    "alt+right": "next",
    "alt+s": "settings",
    "alt+p": "prompts",
    "alt+a": "attach",
    "alt+e": "again",
    "alt+x": "export",
}
_TEXT_OF_PASTED: dict[ChatCommand, str] = {"send": "\n", "complete": "\t"}
"""What a key stands for where it came with a paste."""
HINTS: Keys = (
    ("enter", "send"),
    ("alt+c", "compare"),
    ("alt+s", "settings"),
    ("^o", "copy"),
    ("esc", "cancel"),
    ("^r", "search"),
    ("alt+t", "turns"),
    ("/", "commands"),
    ("^g", "agent"),
    ("^t", "engine"),
    ("^s", "sensitive"),
    ("^n", "new chat"),
    ("^l", "clear"),
    ("alt+y/n", "good/bad answer"),
)
"""Keys as the footer names them."""
KEY_SENTENCES: Keys = (
    ("enter", "send the prompt; ctrl+j, alt+enter and shift+enter begin a new line"),
    ("alt+c", "send the prompt to two or more candidates side by side; enter takes local against cloud"),
    ("alt+← →", "choose among the candidates that were compared: the one to copy, rate and go on from"),
    ("alt+s", "all settings of the next prompt: model, thinking, temperature, system prompt, cache and more"),
    ("ctrl+g", "choose the agent whose rules hold"),
    ("ctrl+t", "choose the engine; auto lets the router choose"),
    ("ctrl+s", "keep the prompt on this machine, or no longer"),
    ("esc", "cancel the answer that arrives"),
    ("alt+r", "ask the next engine the same"),
    ("↑ ↓", "in the first and the last line: earlier prompts and back"),
    ("ctrl+r", "search the prompts sent before"),
    ("alt+e", "change the last prompt and send it in its place"),
    ("alt+t", "go back to a turn: go on from it, change it, copy its answer or its code"),
    ("alt+p", "saved prompts: use one, save what is written, delete one"),
    ("ctrl+x", "write the prompt in $EDITOR"),
    ("alt+a", "attach a text file, an image, a PDF or a recording"),
    ("ctrl+o", "copy the last answer"),
    ("alt+x", "export the conversation to a file, Markdown or JSON"),
    ("ctrl+n", "start a new conversation"),
    ("ctrl+l", "clear the transcript"),
    ("alt+y alt+n", "rate the last answer good or bad; the router learns from it"),
    ("tab", "complete a command or a path; else the next pane"),
    ("ctrl+w ctrl+u", "cut a word, the line to its start; ctrl+k to its end, ctrl+y puts it back"),
)
"""Each key with a sentence, for the help."""

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
        self._given: set[str] = set()  # variables that came with a paste or another text as a whole

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
        self._given.update(variables(text))
        self.draft.paste(text)

    def due(self, now: float) -> ChatCommand | None:
        """The command to run now, if one waits and no key came since."""
        if self._waiting is None or now - self._waiting_since < QUIET_S:
            return None
        command, self._waiting = self._waiting, None
        return command

    def write(self, text: str) -> None:
        """Replace the draft, as a command does that was run for it; a command that waits is dropped."""
        self._waiting = None
        self._recalled = 0
        self._given = set(variables(text))
        self.draft.replace(text)

    @property
    def typed_variables(self) -> list[str]:
        """The names in `{{name}}` that hands have typed. In a paste they belong to the text, such as a template's."""
        return [name for name in variables(self.draft.text) if name not in self._given]

    def submit(self) -> str:
        """Return the whole prompt and empty the draft."""
        content = self.draft.content
        self._given.clear()
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
        waited, self._waiting = self._waiting, None
        if waited is not None and (text := _TEXT_OF_PASTED.get(waited)):
            self.draft.insert(text)
        return waited == "send"

    def _command(self, command: ChatCommand, at: float, *, pasted: bool) -> KeyResult:
        if not pasted:
            self._waiting, self._waiting_since = command, at
            return KeyResult(handled=True, pasted=False, waits=True)
        if text := _TEXT_OF_PASTED.get(command):
            self.draft.insert(text)
            return KeyResult(handled=True, pasted=True, changed=True, became_new_line=command == "send")
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
