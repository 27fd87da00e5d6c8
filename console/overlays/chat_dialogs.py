"""What the chat asks in overlays, each as a call that returns the answer, or None where the operator closed it.

Call them in a worker of the screen. Overlays are imported when first opened.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar, cast

from textual.app import App

from backends.text.terminal_safe import safe
from backends.text.usd import usd
from backends.types import Explanation
from console.bench.attachments import paths_like
from console.bench.compare_candidates import CompareCandidate, Comparing
from console.bench.prompt_settings import Known, PromptSettings
from console.bench.saved_prompts import SavedPrompts, filled, variables
from console.keys import Guarded
from console.overlays.overlay import ConfirmOverlay, Overlay
from console.overlays.picker import PickAction, Picked, PickItem, PickOverlay
from console.present.markdown_stream import fenced_code
from console.state import ViewState
from console.widgets.chat_turn import ChatTurn

LABEL = 60
"""Characters of a prompt in a list."""
BLOCK_KEYS = "123456789"
TurnVerb = Literal["go on", "change", "copy"]
Answer = TypeVar("Answer")


class ChatDialogs:
    def __init__(self, app: App[Any]) -> None:
        self._app = app

    def _by_hand(self) -> bool:
        """Whether a person typed the last keys."""
        return cast(Guarded, self._app).guard.allows()

    async def _ask(self, overlay: Overlay[Answer]) -> Answer | None:
        return await self._app.push_screen_wait(overlay)

    async def confirm(self, question: str) -> bool:
        """True where a person answered yes: a pasted `y` is none."""
        return await self._app.push_screen_wait(ConfirmOverlay(question)) is True and self._by_hand()

    async def candidates(
        self,
        known: Known,
        chosen: Sequence[CompareCandidate],
        state: ViewState,
        explanation: Explanation | None,
    ) -> Comparing | None:
        """What to compare; `chosen` are taken from the start."""
        from console.overlays.candidate_choice import CandidateChoice

        models, by_hand = known.models, self._by_hand
        choice = CandidateChoice(models, chosen, state.engines, explanation=explanation, typed_by_hand=by_hand)
        return await self._ask(choice)

    async def settings(self, settings: PromptSettings, known: Known) -> PromptSettings | None:
        from console.overlays.prompt_settings_form import PromptSettingsForm

        return await self._ask(PromptSettingsForm(settings, known, typed_by_hand=self._by_hand))

    async def path(self, title: str, text: str, note: str) -> str | None:
        """A path, completed with tab."""
        from console.overlays.text_fields import TextField, TextFieldsOverlay

        field = TextField("path", text, paths_like)
        found = await self._ask(TextFieldsOverlay(title, [field], typed_by_hand=self._by_hand, note=note))
        return found[0].strip() if found and found[0].strip() else None

    async def earlier_prompt(self, prompts: Sequence[str]) -> str | None:
        """One of the prompts sent before, found by typing."""
        newest = list(dict.fromkeys(reversed(prompts)))
        items = [PickItem(shortened(prompt), prompt) for prompt in newest]
        actions = [PickAction("enter", "enter", "use", "takes it")]
        picked = await self._pick("Earlier prompts", items, actions, empty="No prompt was sent yet.")
        return None if picked is None or picked.at is None else newest[picked.at]

    async def saved_prompt(self, saved: SavedPrompts, draft: str) -> str | None:
        """The text of a saved prompt, its variables filled in. Raises WrongUse for a file that cannot be used."""
        while True:
            prompts = await asyncio.to_thread(saved.load)
            names = sorted(prompts)
            items = [PickItem(name, prompts[name], _asks_for(prompts[name])) for name in names]
            picked = await self._pick(
                "Saved prompts",
                items,
                [
                    PickAction("enter", "enter", "use", "takes it"),
                    PickAction("ctrl+s", "ctrl+s", "save", "saves what is written by the name typed", needs_item=False),
                    PickAction("ctrl+d", "ctrl+d", "delete", "deletes it"),
                ],
                empty="None yet. Write a prompt, open this list, type a name and press ctrl+s. {{name}} in it is "
                "asked for whenever it is used.",
            )
            if picked is None:
                return None
            name = names[picked.at] if picked.at is not None else ""
            if picked.verb == "use":
                return await self._filled(name, prompts[name])
            if picked.verb == "save":
                await self.save_prompt(saved, picked.typed.strip(), draft)
            elif await self.confirm(f"Delete the saved prompt {name}?"):
                await asyncio.to_thread(saved.delete, name)

    async def save_prompt(self, saved: SavedPrompts, name: str, text: str) -> bool:
        """Save a prompt; asks before it replaces another one. Raises WrongUse for one that cannot be saved."""
        old = (await asyncio.to_thread(saved.load)).get(name)
        if old not in (None, text) and not await self.confirm(f"Replace the saved prompt {name}?"):
            return False
        await asyncio.to_thread(saved.save, name, text)
        return True

    async def values(self, title: str, names: Sequence[str]) -> list[str] | None:
        """A text for each name."""
        from console.overlays.text_fields import TextField, TextFieldsOverlay

        note = "Enter goes on, after the last one the prompt is yours to send."
        fields = [TextField(each) for each in names]
        return await self._ask(TextFieldsOverlay(title, fields, typed_by_hand=self._by_hand, note=note))

    async def _filled(self, name: str, text: str) -> str | None:
        wanted = variables(text)
        if not wanted:
            return text
        values = await self.values(name, wanted)
        return None if values is None else filled(text, dict(zip(wanted, values, strict=True)))

    async def turn(self, turns: Sequence[ChatTurn]) -> tuple[TurnVerb, ChatTurn, int | None] | None:
        """A turn and what to do with it; the number is that of a code block to copy, None for the whole answer."""
        newest = list(reversed(turns))
        items = [PickItem(shortened(turn.typed.text), turn.answer[:2_000], _answered(turn)) for turn in newest]
        blocks = [PickAction(key, "", f"block {key}", "") for key in BLOCK_KEYS[1:]]
        picked = await self._pick(
            "Turns",
            items,
            [
                PickAction("enter", "enter", "go on", "goes on from it"),
                PickAction("e", "e", "change", "changes its prompt"),
                PickAction("c", "c", "copy", "copies its answer"),
                PickAction("1", "1…9", "block 1", "copies a code block"),
                *blocks,
            ],
            filters=False,
            empty="No turn yet: they appear here once you have sent a prompt.",
        )
        if picked is None or picked.at is None:
            return None
        turn = newest[picked.at]
        if picked.verb.startswith("block "):
            return "copy", turn, int(picked.verb.removeprefix("block ")) - 1
        return cast(TurnVerb, picked.verb), turn, None

    async def _pick(
        self,
        title: str,
        items: Sequence[PickItem],
        actions: Sequence[PickAction],
        *,
        filters: bool = True,
        empty: str,
    ) -> Picked | None:
        by_hand = self._by_hand
        return await self._ask(PickOverlay(title, items, actions, typed_by_hand=by_hand, filters=filters, empty=empty))


def shortened(text: str) -> str:
    """The first words of a prompt, on one line."""
    line = " ".join(safe(text[: LABEL * 4]).split())
    return line if len(line) <= LABEL else line[:LABEL].rstrip() + "…"


def export_name() -> str:
    """Where a conversation goes unless the operator names another place."""
    return f"~/claw-chat-{datetime.now(UTC):%Y%m%d-%H%M%S}.md"


def _asks_for(text: str) -> str:
    wanted = variables(text)
    return f"asks for {', '.join(wanted)}" if wanted else ""


def _answered(turn: ChatTurn) -> str:
    known = turn.outcome or turn.explanation
    by = f"{known.engine} {known.model}" if known is not None else turn.request.engine
    blocks = len(fenced_code(turn.answer))
    code = f" · {blocks} code {'block' if blocks == 1 else 'blocks'}" if blocks else ""
    cost = f" · {usd(turn.outcome.cost_usd)}" if turn.outcome is not None else ""
    return f"{by}{cost}{code}" if turn.answer else f"{by} · no answer"
