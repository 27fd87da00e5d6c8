"""The chat's commands that ask something or touch the world outside: dialogs, files, the clipboard, the editor."""

import asyncio
from collections.abc import Callable, Coroutine, Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from textual.app import App, SuspendNotSupported

from backends.errors import WrongUse
from backends.types import Explanation
from console.bench import conversation_file, external_editor
from console.bench.attachments import read_attachment
from console.bench.clipboard import Clipboard
from console.bench.compare_candidates import FEWEST, CompareCandidate, Comparing, local_and_cloud
from console.bench.saved_prompts import SavedPrompts, filled
from console.overlays.chat_dialogs import ChatDialogs, export_name
from console.present.markdown_stream import fenced_code
from console.state import ViewState
from console.widgets.chat_turn import ChatTurn
from console.widgets.prompt_bench import PromptBench


class BenchHost(Protocol):
    """What the commands need of the pane."""

    bench: PromptBench
    state: ViewState

    @property
    def prompt(self) -> str: ...
    @property
    def explanation(self) -> Explanation | None:
        """That of the prompt being written, where it is known."""
        ...

    def write(self, text: str) -> None:
        """Replace the prompt being written."""
        ...

    def say(self, line: str) -> None: ...
    def compare(self, text: str, comparing: Comparing) -> None: ...


class BenchCommands:
    """Each command runs in a worker of the pane. WrongUse ends it with its line."""

    def __init__(
        self, host: BenchHost, app: App[Any], *, saved: SavedPrompts, clipboard: Clipboard, history: Sequence[str]
    ) -> None:
        self._host = host
        self._app = app
        self._bench = host.bench
        self._saved = saved
        self._clipboard = clipboard
        self._history = history
        self._compared: tuple[CompareCandidate, ...] = ()  # last time
        self._dialogs = ChatDialogs(app)

    def named(self, name: str) -> Callable[..., Coroutine[Any, Any, None]]:
        """The command of this name; those that a slash command may give an argument to take one."""
        commands: dict[str, Callable[..., Coroutine[Any, Any, None]]] = {
            "compare": self.compare,
            "settings": self.settings,
            "search": self.search,
            "prompts": self.prompts,
            "save": self.save,
            "attach": self.attach,
            "turns": self.turns,
            "export": self.export,
            "editor": self.editor,
        }
        return commands[name]

    async def compare(self, argument: str = "") -> None:
        """Send the prompt to candidates: those of last time, or local and cloud. Ask which, unless the prompt is the
        `argument` of a command.
        """
        last = self._bench.transcript.last
        text = argument or self._host.prompt or (last.typed.text if last is not None else "")
        if not text.strip():
            self._host.say("Nothing to compare: type a prompt first")
            return
        state, explanation = self._host.state, self._host.explanation
        names = {engine.name for engine in state.engines}
        chosen = tuple(each for each in self._compared if each.engine in names) or local_and_cloud(state)
        if argument and len(chosen) >= FEWEST:
            self._host.compare(text, Comparing(chosen))
            return
        known = self._bench.known(state, explanation)
        if (comparing := await self._dialogs.candidates(known, chosen, state, explanation)) is not None:
            self._compared = comparing.candidates
            self._host.compare(text, comparing)

    async def settings(self) -> None:
        known = self._bench.known(self._host.state, self._host.explanation)
        if (settings := await self._dialogs.settings(self._bench.settings, known)) is not None:
            self._bench.settings = settings
            self._host.say("")

    async def search(self) -> None:
        if (prompt := await self._dialogs.earlier_prompt(self._history)) is not None:
            self._host.write(prompt)

    async def prompts(self) -> None:
        if (prompt := await self._dialogs.saved_prompt(self._saved, self._host.prompt)) is not None:
            self._host.write(prompt)

    async def fill(self, names: Sequence[str]) -> None:
        """Ask for the variables that were typed into the prompt; what is left empty stays as it was typed."""
        text = self._host.prompt
        if (values := await self._dialogs.values("Variables of the prompt", names)) is not None:
            given = {name: value for name, value in zip(names, values, strict=True) if value}
            self._host.write(filled(text, given))

    async def save(self, name: str) -> None:
        """Save the prompt that was sent last."""
        last = self._bench.transcript.last
        if last is None:
            raise WrongUse("No prompt was sent yet. alt+p and ctrl+s save the one being written")
        if await self._dialogs.save_prompt(self._saved, name, last.typed.text):
            self._host.say(f"Saved as {name}: alt+p offers it")

    async def attach(self, typed: str = "") -> None:
        note = "tab completes, enter attaches, esc closes. A text file, an image, a PDF or a recording."
        path = typed or await self._dialogs.path("Attach a file", "", note)
        if path:
            attachment = await asyncio.to_thread(read_attachment, path)
            self._host.say(self._bench.attach(attachment))

    async def turns(self) -> None:
        """Go on from an earlier turn, change its prompt, or copy of it."""
        found = await self._dialogs.turn(self._bench.transcript.turns)
        if found is None:
            return
        verb, turn, block = found
        if verb == "copy":
            await self.copy(turn, block)
        elif verb == "go on":
            self._bench.go_on_from(turn)
            self._host.say("The next prompt goes on from that turn")
        else:
            self.change(turn)

    def change(self, turn: ChatTurn | None) -> None:
        """Write a turn's prompt again; what is sent then takes its place in the conversation."""
        if turn is None:
            self._host.say("No prompt was sent yet")
            return
        self._host.write(self._bench.change(turn))
        self._host.say("What you send takes the place of that turn: the conversation goes on from before it")

    async def copy(self, turn: ChatTurn | None, block: int | None = None, *, to_file: bool = False) -> None:
        """Copy an answer, or one of its code blocks by number from 0, and say what is known of it."""
        if turn is None or not turn.answer:
            self._host.say("No answer to copy yet")
            return
        text = turn.answer
        if block is not None:
            blocks = fenced_code(text)
            if block >= len(blocks):
                self._host.say(f"That answer has {len(blocks)} code blocks")
                return
            text = blocks[block]
        copied = await (self._clipboard.to_file(text) if to_file else self._clipboard.copy(text))
        self._host.say(copied.line)

    async def export(self, typed: str = "") -> None:
        """Write the conversation to a file; one that exists is replaced only where the operator says so."""
        exchanges = self._exchanges()
        if not exchanges:
            raise WrongUse("No conversation to export yet")
        note = "A name that ends in .json makes it JSON, any other Markdown. tab completes, enter writes, esc closes."
        path = typed or await self._dialogs.path("Export the conversation", export_name(), note)
        if not path:
            return
        target = await asyncio.to_thread(lambda: Path(path).expanduser())
        make = conversation_file.as_json if target.suffix.lower() == ".json" else conversation_file.as_markdown
        text = make(exchanges, datetime.now(UTC), rehearsal=self._host.state.rehearsal)
        try:
            await asyncio.to_thread(conversation_file.write, target, text)
        except FileExistsError:
            if not await self._dialogs.confirm(f"{target} exists. Replace it?"):
                self._host.say("Nothing was written")
                return
            await asyncio.to_thread(lambda: conversation_file.write(target, text, replace=True))
        self._host.say(f"The conversation is in {target}")

    async def editor(self) -> None:
        """The prompt in $EDITOR; the console is out of the way meanwhile."""
        try:
            text = await external_editor.edit(self._host.prompt, aside=self._aside)
        except SuspendNotSupported:
            raise WrongUse("This terminal cannot be given to an editor") from None
        self._host.write(text)

    @contextmanager
    def _aside(self) -> Generator[None]:
        """Give the terminal away: nothing is drawn while the core goes on."""
        failure: BaseException | None = None
        with self._app.batch_update(), self._app.suspend():
            try:
                yield
            except BaseException as error:  # noqa: BLE001 — Textual takes the terminal back only where none passes
                failure = error
        if failure is not None:
            raise failure

    def _exchanges(self) -> list[Sequence[ChatTurn]]:
        """The conversation that the next prompt goes on from, each comparison whole."""
        entries = self._bench.transcript.entries
        whole = {turn.name: entry.turns for entry in entries for turn in entry.turns}
        return [whole[turn.name] for turn in self._bench.conversation]
