"""The bench under a hand: settings, earlier and saved prompts, turns, files, each by its key and its command."""

import asyncio
import json
import stat
from functools import partial
from pathlib import Path

import pytest
from textual.events import Paste
from textual.widgets import OptionList

from console.bench.saved_prompts import SavedPrompts
from console.chat_history import ChatHistory
from console.command_palette import Palette
from console.overlays.overlay import ConfirmOverlay
from tests.console.chat_host import ChatHost, overlay_shows, press, says, send, shows, until, write
from tests.console.scene import snapshot
from tests.console.scripted_core import ScriptedCore
from tests.console.stage import on_stage, text_of
from tests.waiting import until as until_held

SIZE = (100, 30)
CODE = "First:\n\n```sh\nls -l\n```\n\nthen\n\n```\n\tmake\n```\n"


async def run(app: ChatHost, pilot: object, line: str) -> None:
    """Type a slash command and press enter."""
    await write(pilot, line)  # type: ignore[arg-type]
    await press(pilot, "enter")  # type: ignore[arg-type]


async def test_settings_by_command_stand_in_the_line_and_go_with_the_prompt() -> None:
    app = ChatHost()
    async with app.run_test(size=SIZE) as pilot:
        for line in ("/temp .2", "/think high", "/max 400", "/system Be terse.", "/cache off", "/model cloud/pro"):
            await run(app, pilot, line)
        await shows(pilot, "as default · cloud · model pro · temp .2 · think high · max 400 · system “Be terse.”")
        await send(pilot, "hello")
        await run(app, pilot, "/defaults")
        await until(pilot, lambda: "temp .2" not in app.screen_text())
        await send(pilot, "hello")
    first, second = app.asked
    assert (first.engine, first.model, first.cache) == ("cloud", "pro", False)
    assert (first.sampling.temperature, first.sampling.effort, first.sampling.max_tokens) == (0.2, "high", 400)
    assert [(each.role, each.text) for each in first.messages] == [("system", "Be terse."), ("user", "hello")]
    assert (second.engine, second.model, second.cache, second.sampling.temperature) == ("auto", None, True, None)
    assert [each.role for each in second.messages] == ["user", "assistant", "user"]


async def test_a_command_is_explained_while_it_is_typed_and_never_previewed() -> None:
    app = ChatHost()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "/", "t", "e")
        await shows(pilot, "/temp")
        await press(pilot, "tab")
        await shows(pilot, "temperature, from 0 to 2")
        assert app.chat.prompt == "/temp "
        await press(pilot, "9", "enter")
        await shows(pilot, "A temperature is a number from 0 to 2, or default")
        assert app.chat.prompt == "/temp 9", "it stays to be corrected"
        await press(pilot, "ctrl+u")
        await run(app, pilot, "/nonsense")
        await shows(pilot, "There is no command /nonsense. A blank before it makes it text.")
        await press(pilot, "home", "space", "enter")
        await until(pilot, lambda: bool(app.asked))
    assert app.asked[0].messages[0].text == " /nonsense"
    assert [each.messages[-1].text for each in app.previewed] in ([], [" /nonsense"])


async def test_the_form_changes_every_setting_and_escape_changes_none() -> None:
    app = ChatHost()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "alt+s")
        await overlay_shows(pilot, "Next prompt")
        await press(pilot, "right", "down", "right", "right", "down", "down", "right", "right", "down", "up", "down")
        await overlay_shows(pilot, "think        minimal")
        await press(pilot, "3", "enter")
        await overlay_shows(pilot, "A temperature is a number from 0 to 2")
        await press(pilot, "backspace", ".", "5", "down", "1", "2", "down")
        app.screen.post_message(Paste("You are\nterse."))
        await overlay_shows(pilot, "You are⏎terse.")
        await press(pilot, "down", "left", "down", "right", "enter")
        await shows(pilot, "as scout · cloud · temp .5 · think minimal · max 12 · system “You are terse.” · cache off")
        before = app.chat.bench.settings
        assert (before.agent, before.engine, before.sensitive) == ("scout", "cloud", True)
        await press(pilot, "alt+s")
        await overlay_shows(pilot, "Next prompt")
        await press(pilot, "right", "escape", "alt+s")
        await overlay_shows(pilot, "Next prompt")
        assert app.chat.bench.settings == before
        await press(pilot, "down", "down", "down", "down", "ctrl+d", "enter")
        await until(pilot, lambda: app.chat.bench.settings.temperature is None)


async def test_earlier_prompts_are_found_by_typing() -> None:
    history = ChatHistory()
    for prompt in ("count the racks", "sum up the log", "count the cables\nin row 3", "count the racks"):
        history.add(prompt)
    app = ChatHost(history=history)
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "ctrl+r")
        await overlay_shows(pilot, "1 of 3")
        await press(pilot, *"row count")
        await overlay_shows(pilot, "1 of 1")
        await press(pilot, "enter")
        await until(pilot, lambda: app.chat.prompt == "count the cables\nin row 3")
        assert app.asked == []
        await press(pilot, "ctrl+r", *"zzz")
        await overlay_shows(pilot, "Nothing has all these words")
        await press(pilot, "enter", "escape")
        await until(pilot, lambda: len(app.screen_stack) == 1)
        assert app.chat.prompt == "count the cables\nin row 3"


async def test_a_pasted_enter_takes_nothing_from_a_list() -> None:
    history = ChatHistory()
    history.add("delete everything")
    app = ChatHost(history=history)
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "ctrl+r")
        await overlay_shows(pilot, "1 of 1")
        app.guard.pasted()
        await pilot.press("enter")
        await overlay_shows(pilot, "That key came with pasted text. Press it again.")
        assert app.chat.prompt == ""


async def test_variables_that_hands_type_are_asked_for_and_pasted_ones_are_text() -> None:
    app = ChatHost()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, *"Hi {{who}} {{x}}", "enter")
        await overlay_shows(pilot, "who")
        await press(pilot, *"Ada", "enter", "enter")
        await until(pilot, lambda: app.chat.prompt == "Hi Ada {{x}}")
        assert app.asked == []
        await press(pilot, "enter")
        await until(pilot, lambda: [each.messages[-1].text for each in app.asked] == ["Hi Ada {{x}}"])
        await until(pilot, lambda: not app.chat.answering)
        await write(pilot, "<p>{{ title }}</p>")
        await press(pilot, "enter")
        await until(pilot, lambda: len(app.asked) == 2)


async def test_saved_prompts_ask_for_their_variables(tmp_path: Path) -> None:
    path = tmp_path / "prompts.toml"
    app = ChatHost(saved=SavedPrompts(path))
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "alt+p")
        await overlay_shows(pilot, "None yet.")
        await press(pilot, "escape")
        await until(pilot, lambda: len(app.screen_stack) == 1)
        await write(pilot, "Sum up {{topic}} in {{lines}} lines.")
        await press(pilot, "alt+p", *"sum", "ctrl+s")
        await overlay_shows(pilot, "asks for topic, lines")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        await press(pilot, "enter")
        await overlay_shows(pilot, "topic")
        await press(pilot, *"the log", "enter", "3", "enter")
        await until(pilot, lambda: app.chat.prompt == "Sum up the log in 3 lines.")
        assert app.asked == []
        await press(pilot, "enter")
        await until(pilot, lambda: len(app.asked) == 1)
        await run(app, pilot, "/save sum")
        await overlay_shows(pilot, "Replace the saved prompt sum?")
        await press(pilot, "y")
        await shows(pilot, "Saved as sum: alt+p offers it")
        assert await asyncio.to_thread(SavedPrompts(path).load) == {"sum": "Sum up the log in 3 lines."}
        await run(app, pilot, "/save two words")
        await shows(pilot, "a prompt's name has 1 to 64 letters")
        await press(pilot, "alt+p")
        await overlay_shows(pilot, "1 of 1")
        await press(pilot, "ctrl+d")
        await overlay_shows(pilot, "Delete the saved prompt sum?")
        await press(pilot, "y")
        await overlay_shows(pilot, "None yet.")
    assert await asyncio.to_thread(SavedPrompts(path).load) == {}


async def test_a_file_of_saved_prompts_that_is_broken_is_told(tmp_path: Path) -> None:
    (tmp_path / "prompts.toml").write_text("{")
    app = ChatHost(saved=SavedPrompts(tmp_path / "prompts.toml"))
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "alt+p")
        await shows(pilot, "read (Invalid statement")
        await run(app, pilot, "/save x")
        await shows(pilot, "No prompt was sent yet")


async def test_a_conversation_forks_at_any_turn() -> None:
    app = ChatHost(says("Fine."))
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "alt+t")
        await overlay_shows(pilot, "No turn yet")
        await press(pilot, "escape")
        for prompt in ("one", "two", "three"):
            await send(pilot, prompt)
            await until(pilot, lambda: not app.chat.answering)
        await press(pilot, "alt+t", "down", "down", "enter")
        await shows(pilot, "The next prompt goes on from that turn")
        await send(pilot, "another two")
        await shows(pilot, "── goes on from “one” ──")
        await until(pilot, lambda: not app.chat.answering)
        await press(pilot, "alt+t", "down", "down", "e")
        await until(pilot, lambda: app.chat.prompt == "two")
        await press(pilot, "!", "enter")
        await until(pilot, lambda: len(app.asked) == 5)
        await shows(pilot, "── instead of “two” ──")
    sent = [[message.text for message in request.messages] for request in app.asked]
    assert sent[3] == ["one", "Fine.", "another two"]
    assert sent[4] == ["one", "Fine.", "two!"]


async def test_the_last_prompt_is_changed_and_takes_its_place() -> None:
    app = ChatHost(says("Fine."))
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "alt+e")
        await shows(pilot, "No prompt was sent yet")
        for prompt in ("one", "tow"):
            await send(pilot, prompt)
            await until(pilot, lambda: not app.chat.answering)
        await press(pilot, "alt+e")
        await until(pilot, lambda: app.chat.prompt == "tow")
        await press(pilot, "backspace", "backspace", "w", "o", "enter")
        await until(pilot, lambda: len(app.asked) == 3)
    assert [message.text for message in app.asked[2].messages] == ["one", "Fine.", "two"]


async def test_any_answer_and_any_code_block_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TMUX", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    app = ChatHost(says(CODE), copied=tmp_path / "copied.txt")
    async with app.run_test(size=SIZE) as pilot:
        await send(pilot, "how?")
        await until(pilot, lambda: not app.chat.answering)
        app.script = says("No code.")
        await send(pilot, "why?")
        await until(pilot, lambda: not app.chat.answering)
        copied = {"2": "\tmake", "1": "ls -l", "c": CODE}
        for key, text in copied.items():
            await press(pilot, "alt+t", "down")
            await overlay_shows(pilot, "2 code blocks")
            await press(pilot, key)
            await until(pilot, partial(_holds, app, text))
        await press(pilot, "alt+t", "c")
        await until(pilot, partial(_holds, app, "No code."))
        await press(pilot, "alt+t", "down", "9")
        await shows(pilot, "That answer has 2 code blocks")
        await run(app, pilot, "/copy file")
        await shows(pilot, "written to ")
    assert (tmp_path / "copied.txt").read_text() == "No code."


def _holds(app: ChatHost, text: str) -> bool:
    return app.clipboard == text


async def test_files_go_with_the_next_prompt_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("remember")
    (tmp_path / "photo.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 99)
    (tmp_path / "photo.elf").write_bytes(b"\x7fELF\0")
    app = ChatHost()
    async with app.run_test(size=SIZE) as pilot:
        await run(app, pilot, f"/attach {tmp_path}/notes.txt")
        await shows(pilot, "Attached notes.txt 8 B: /detach removes it")
        await press(pilot, "alt+a")
        await overlay_shows(pilot, "Attach a file")
        app.screen.post_message(Paste(f"{tmp_path}/ph"))
        await press(pilot, "tab")
        await overlay_shows(pilot, "photo.elf")
        await press(pilot, "p", "tab", "enter")
        await shows(pilot, "Attached photo.png 107 B")
        await press(pilot, "x", "backspace")
        await shows(pilot, "as default · auto · + notes.txt 8 B · + photo.png 107 B")
        await send(pilot, "see?")
        await shows(pilot, "  + photo.png 107 B")
        assert "remember" not in app.screen_text()
        await until(pilot, lambda: not app.chat.answering)
        await send(pilot, "and now?")
        await run(app, pilot, f"/attach {tmp_path}/photo.elf")
        await shows(pilot, "photo.elf is binary")
        await run(app, pilot, f"/attach {tmp_path}/notes.txt")
        await shows(pilot, "Attached notes.txt")
        await run(app, pilot, "/detach")
        await until(pilot, lambda: app.chat.bench.attachments == ())
    first, second = app.asked
    assert first.messages[-1].text == "see?\n\n--- notes.txt ---\nremember\n--- end of notes.txt ---"
    assert [each.media_type for each in first.messages[-1].media] == ["image/png"]
    assert [each.media_type for each in second.messages[0].media] == ["image/png"], "the conversation keeps it"
    assert second.messages[-1].media == ()


async def test_a_path_behind_a_command_is_completed(tmp_path: Path) -> None:
    for name in ("alpha.txt", "alps.txt"):
        (tmp_path / name).write_text("x")
    app = ChatHost()
    async with app.run_test(size=SIZE) as pilot:
        await write(pilot, f"/attach {tmp_path}/a")
        await press(pilot, "tab")
        await until(pilot, lambda: app.chat.prompt.endswith("/alp"))
        await shows(pilot, "alpha.txt alps.txt")
        await press(pilot, "h", "tab")
        await until(pilot, lambda: app.chat.prompt.endswith("/alpha.txt"))


async def test_a_conversation_is_exported_and_nothing_is_written_over_unasked(tmp_path: Path) -> None:
    app = ChatHost(says("Fine."))
    path = tmp_path / "talk.json"
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "alt+x")
        await shows(pilot, "No conversation to export yet")
        await send(pilot, "one")
        await until(pilot, lambda: not app.chat.answering)
        await run(app, pilot, f"/export {path}")
        await shows(pilot, "The conversation is in ")
        written = json.loads(path.read_text())
        assert [(turn["prompt"], turn["answers"][0]["text"]) for turn in written["turns"]] == [("one", "Fine.")]
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        path.write_text("mine")
        await run(app, pilot, f"/export {path}")
        await until(pilot, lambda: isinstance(app.screen, ConfirmOverlay))
        await press(pilot, "n")
        await shows(pilot, "Nothing was written")
        assert path.read_text() == "mine"
        await press(pilot, "alt+x")
        await overlay_shows(pilot, "~/claw-chat-")
        await press(pilot, "ctrl+u")
        app.screen.post_message(Paste(str(path)))
        await press(pilot, "enter")
        await until(pilot, lambda: isinstance(app.screen, ConfirmOverlay))
        await press(pilot, "y")
        await until(pilot, lambda: path.read_text().startswith("{"))
        await run(app, pilot, f"/export {tmp_path}/nowhere/talk.md")
        await shows(pilot, "(No such file or directory)")


async def test_without_a_real_terminal_the_editor_is_refused() -> None:
    app = ChatHost()
    async with app.run_test(size=SIZE) as pilot:
        await write(pilot, "draft")
        await press(pilot, "ctrl+x")
        await shows(pilot, "This terminal cannot be given to an editor")
        assert app.chat.prompt == "draft"


async def test_every_key_has_a_sentence_and_every_command_is_in_the_help() -> None:
    app = ChatHost()
    async with app.run_test(size=SIZE):
        sections = dict(app.chat.all_keys)
    assert {"alt+c", "ctrl+r", "ctrl+x", "alt+t", "alt+p"} <= {key for key, _ in sections["Chat"]}
    assert all(len(sentence.split()) >= 3 for _, sentence in sections["Chat"])
    assert any(key.startswith("/compare") for key, _ in sections["Chat, typed as a prompt"])


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("settings", "Next prompt"),
        ("saved", "None yet."),
        ("fork, change", "No turn yet"),
        ("export", "No conversation to export"),
    ],
)
async def test_the_palette_finds_what_the_chat_can_do(typed: str, shown: str) -> None:
    async with on_stage(ScriptedCore(snapshot()), size=(100, 30)) as (app, pilot):
        await pilot.press("ctrl+p")
        await until_held(lambda: isinstance(app.screen, Palette))
        await press(pilot, *typed)
        await until_held(lambda: app.screen.query_one(OptionList).option_count == 1)
        await press(pilot, "enter")
        await until_held(lambda: shown in text_of(app))


async def test_help_opens_from_the_prompt_and_explains_the_chat() -> None:
    async with on_stage(ScriptedCore(snapshot()), size=(100, 60)) as (app, pilot):
        await pilot.press("6")
        await until_held(lambda: app.main.chat is not None and app.main.chat.has_focus)
        await press(pilot, *"/help", "enter")
        await until_held(lambda: "send the prompt to two or more candidates" in text_of(app))
