"""The chat pane under a hand: in an app of its own, answered by scripts."""

import json
from pathlib import Path

import msgspec
import pytest
from textual.events import MouseScrollUp, Paste

from backends.types import Chunk, Delta, Done, Exchange, Request, Routed, Tokens
from console.bench.clipboard import OSC_52_MAX
from console.chat_history import ChatHistory
from console.messages import AnswerFailed, ChunkArrived, RoutePreviewed, StateChanged
from tests.console.chat_host import (
    AT,
    STATE,
    ChatHost,
    explanation,
    feed,
    outcome,
    press,
    says,
    send,
    shows,
    starts,
    until,
    write,
)
from tests.console.scene import six_engines

SIZE = (80, 24)


async def test_a_prompt_goes_and_its_answer_comes_with_its_figures() -> None:
    app = ChatHost(says("# Hello\n\nsome **bo", "ld** text\n"))
    async with app.run_test(size=SIZE) as pilot:
        await shows(pilot, "No prompts yet")
        await send(pilot, "what is up?")
        await shows(pilot, "▌local qwen2.5:14b · 310 in, 128 out · 0 · saved $0.0021")
        text = app.screen_text()
        assert "❯ what is up?" in text
        assert "as default · auto → ▌local qwen2.5:14b · trend .21 · policy local" in text
        assert "some bold text" in text
    (request,) = app.asked
    assert (request.source, request.agent, request.engine, request.cache) == ("chat", "default", "auto", True)
    assert [message.text for message in request.messages] == ["what is up?"]


async def test_the_last_answer_is_judged_by_a_key_once_it_is_there() -> None:
    app = ChatHost(says("an answer"))
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "alt+y")
        await shows(pilot, "No answer to rate yet")
        await send(pilot, "what is up?")
        await shows(pilot, "310 in, 128 out")
        await press(pilot, "alt+y", "alt+n")
        await until(pilot, lambda: len(app.acted) == 2)
    assert [(act.verb, act.id, act.good) for act in app.acted] == [
        ("rate", app.asked[0].id, True),
        ("rate", app.asked[0].id, False),
    ]


async def test_typed_keys_reach_the_prompt_and_enter_sends() -> None:
    app = ChatHost()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "h", "i", "1", "S", "?", "space", "x", "ctrl+j", "y", "enter")
        await until(pilot, lambda: bool(app.asked))
    assert app.asked[0].messages[-1].text == "hi1S? x\ny"


async def test_keys_fed_at_once_do_not_send() -> None:
    app = ChatHost()
    async with app.run_test(size=SIZE) as pilot:
        feed(app, "y", "enter", "n", "enter")
        await shows(pilot, "as fast as a paste")
        await press(pilot, "x")
        assert app.asked == []
        assert app.chat.prompt == "y\nn\nx"


async def test_a_paste_with_newlines_sends_nothing_and_long_ones_collapse() -> None:
    app = ChatHost()
    async with app.run_test(size=SIZE) as pilot:
        await write(pilot, "y\n" * 3)
        await write(pilot, "some line of text\n" * 290_000)
        await shows(pilot, "⟦5.0 MB pasted, 290,001 lines⟧")
        await shows(pilot, "5.0 MB: routed when you send it")
        await press(pilot, "k")
        await shows(pilot, "⟧k")
        assert app.asked == []
        await press(pilot, "enter")
        await until(pilot, lambda: bool(app.asked))
        await shows(pilot, "… 5.0 MB, 290,004 lines in total")
    assert app.asked[0].messages[-1].text == "y\n" * 3 + "some line of text\n" * 290_000 + "k"


async def test_an_empty_prompt_is_not_sent() -> None:
    app = ChatHost()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "space", "enter")
        await shows(pilot, "Nothing to send: type a prompt first")
    assert app.asked == []


async def test_too_long_a_prompt_says_so_before_and_when_sent() -> None:
    app = ChatHost(max_prompt_bytes=20)
    async with app.run_test(size=SIZE) as pilot:
        await write(pilot, "x" * 21)
        await shows(pilot, "The prompt has 21 B, the limit is 20 B: shorten it")
        await press(pilot, "enter", "backspace")
        await until(pilot, lambda: "shorten" not in app.screen_text())
        assert app.asked == []
        await press(pilot, "enter")
        await until(pilot, lambda: bool(app.asked))


async def test_the_preview_comes_once_for_what_was_typed_last() -> None:
    app = ChatHost()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "a", "b", "c")
        await shows(pilot, "→ ▌local qwen2.5:14b · ~310 tok · 0 · ~2.0 s")
        assert [request.messages[-1].text for request in app.previewed] == ["abc"]
        app.chat.post_message(RoutePreviewed("an older one", explanation(engine="cloud")))
        app.chat.post_message(RoutePreviewed(app.previewed[-1].id, None, "over the budget"))
        await shows(pilot, "over the budget")
        await press(pilot, "ctrl+t", "ctrl+t", "enter")
        await until(pilot, lambda: len(app.previewed) == 2)
        assert app.previewed[-1].engine == "local"
        await press(pilot, "ctrl+u")
        await until(pilot, lambda: "~310" not in app.screen_text())


async def test_agent_engine_and_privacy_are_chosen_by_key() -> None:
    app = ChatHost()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "ctrl+g")
        await shows(pilot, "agent  default  scout infra")
        await press(pilot, "w", "f12", "enter", "ctrl+t")
        await shows(pilot, "engine  auto  local cloud")
        await press(pilot, "c", "enter", "ctrl+s")
        await shows(pilot, "as writer · cloud · sensitive: stays local")
        await send(pilot, "hello")
        await press(pilot, "ctrl+g", "right", "escape")
        await shows(pilot, "as writer · cloud · sensitive")
    assert (app.asked[0].agent, app.asked[0].engine, app.asked[0].sensitive) == ("writer", "cloud", True)


async def test_any_engine_can_be_chosen_by_name() -> None:
    app = ChatHost(state=msgspec.structs.replace(STATE, engines=six_engines()))
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "ctrl+t", "s")
        await shows(pilot, "engine  small  lite backup gpu-cluster-frankfurt-2 auto local cloud")
        await press(pilot, "enter")
        await send(pilot, "hello")
        await until(pilot, lambda: len(app.asked) == 1)
        await press(pilot, "ctrl+t", "ctrl+t", "escape")
        await send(pilot, "hello")
        await until(pilot, lambda: len(app.asked) == 2)
    assert [request.engine for request in app.asked] == ["small", "small"]


async def test_turns_are_a_conversation_until_a_new_one_is_asked_for() -> None:
    app = ChatHost(says("Fine."))
    async with app.run_test(size=SIZE) as pilot:
        for prompt in ("one", "two"):
            await send(pilot, prompt)
            await until(pilot, lambda: not app.chat.answering)
        await press(pilot, "ctrl+n")
        await shows(pilot, "New conversation: the next prompt is sent without the earlier ones")
        await send(pilot, "three")
        await shows(pilot, "── new conversation ──")
    sent = [[message.text for message in request.messages] for request in app.asked]
    assert sent == [["one"], ["one", "Fine.", "two"], ["three"]]


async def test_escape_cancels_once_and_a_second_prompt_waits_for_that() -> None:
    app = ChatHost(starts("half an"))
    async with app.run_test(size=SIZE) as pilot:
        await send(pilot, "go")
        await shows(pilot, "half an")
        await write(pilot, "next")
        await press(pilot, "enter")
        await shows(pilot, "An answer is still arriving: esc cancels it")
        await press(pilot, "escape")
        await shows(pilot, "cancelled")
        assert app.screen_text().count("half an") == 1
        settled = outcome(app.asked[0], finish="cancelled", tokens=Tokens(input=7, output=2))
        exchange = Exchange(id=app.asked[0].id, at=AT, explanation=explanation(), outcome=settled)
        app.chat.post_message(StateChanged(msgspec.structs.replace(STATE, exchanges=(exchange,))))
        await shows(pilot, "7 in, 2 out")
        await press(pilot, "escape", "enter")
        await until(pilot, lambda: len(app.asked) == 2)
        assert app.cancelled == [app.asked[0].id]


async def test_a_failure_shows_its_line_and_alt_r_takes_the_other_engine() -> None:
    app = ChatHost(lambda _: "the budget of today is spent: raise it in claw.toml, or ask local")
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "alt+r")
        await shows(pilot, "Nothing to retry yet")
        await send(pilot, "go")
        await shows(pilot, "▲ the budget of today is spent")
        app.script = says("Better.")
        await press(pilot, "alt+r")
        await shows(pilot, "Better.")
        await press(pilot, "alt+r")
        await until(pilot, lambda: len(app.asked) == 3)
    assert [(r.engine, r.cache, r.messages[-1].text) for r in app.asked] == [
        ("auto", True, "go"),
        ("cloud", False, "go"),
        ("cloud", False, "go"),
    ]


async def test_the_chat_stays_live_while_the_other_panes_show_the_past() -> None:
    app = ChatHost()
    async with app.run_test(size=SIZE) as pilot:
        await send(pilot, "now")
        await shows(pilot, "Fine.")
        app.chat.post_message(StateChanged(msgspec.structs.replace(STATE, past=True, engines=())))
        await shows(pilot, "live: only the other panes show the past")
        await press(pilot, "ctrl+t")
        await shows(pilot, "engine  auto  local cloud")
        await press(pilot, "escape")
        await send(pilot, "and now")
        app.chat.post_message(StateChanged(STATE))
        await until(pilot, lambda: "past" not in app.screen_text())


async def test_messages_for_turns_that_are_gone_change_nothing() -> None:
    app = ChatHost()
    async with app.run_test(size=SIZE) as pilot:
        await send(pilot, "go")
        await shows(pilot, "Fine.")
        before = app.screen_text()
        app.chat.post_message(ChunkArrived("gone", Delta("ghost")))
        app.chat.post_message(AnswerFailed("gone", "ghost"))
        app.chat.post_message(AnswerFailed(app.asked[0].id, "too late"))
        app.chat.post_message(RoutePreviewed("gone", None, "ghost"))
        await press(pilot, "x")
        await shows(pilot, "❯ x")
        assert "ghost" not in app.screen_text()
        assert app.screen_text().split("\n")[:6] == before.split("\n")[:6]


async def test_clear_scroll_and_wheel() -> None:
    app = ChatHost(says("\n\n".join(f"line {number}" for number in range(40))))
    async with app.run_test(size=SIZE) as pilot:
        await send(pilot, "go")
        await shows(pilot, "line 39")
        await press(pilot, "pageup")
        await shows(pilot, "↓ 19 more")
        app.post_message(
            MouseScrollUp(None, 5, 5, 0, -1, 0, shift=False, meta=False, ctrl=False, screen_x=5, screen_y=5)
        )
        await shows(pilot, "↓ 22 more")
        await press(pilot, "ctrl+end")
        await until(pilot, lambda: "more" not in app.screen_text())
        await press(pilot, "ctrl+l")
        await shows(pilot, "No prompts yet")
        await send(pilot, "again")
    assert [message.text for message in app.asked[-1].messages] == ["again"]


@pytest.mark.proves("S32")
async def test_copy_goes_to_the_clipboard_on_its_key_alone_cleaned_and_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TMUX", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    app = ChatHost(says("make:\n\tall\x1b]52;c;eA==\x07"), copied=tmp_path / "copied.txt")
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "ctrl+o")
        await shows(pilot, "No answer to copy yet")
        await send(pilot, "go")
        await shows(pilot, "make:")
        assert app.clipboard == ""
        await press(pilot, "ctrl+o")
        await shows(pilot, "Sent 22 characters to the terminal (OSC 52); whether it took them is not")
        assert app.clipboard == "make:\n\tall␛]52;c;eA==␇"
        app.script = says("y" * (OSC_52_MAX * 2))
        await send(pilot, "more")
        await until(pilot, lambda: not app.chat.answering)
        await press(pilot, "ctrl+o")
        await shows(pilot, "128 KB are more than terminals take: written to")
    assert (tmp_path / "copied.txt").read_text() == "y" * (OSC_52_MAX * 2)


async def test_prompts_are_recalled_and_kept_where_a_path_is_given(tmp_path: Path) -> None:
    path = tmp_path / "console.json"
    path.write_text(json.dumps({"prompts": ["from yesterday"]}))
    history = ChatHistory(path)
    app = ChatHost(history=history)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: len(history) == 1)
        await press(pilot, "up")
        await shows(pilot, "❯ from yesterday")
        await press(pilot, "enter")
        await until(pilot, lambda: bool(app.asked))
        await send(pilot, "today")
        await until(pilot, lambda: json.loads(path.read_text())["prompts"] == ["from yesterday", "today"])


@pytest.mark.proves("S31")
async def test_hostile_answers_never_reach_the_terminal_raw() -> None:
    evil = "\x1b]52;c;aGk=\x07 \x9b31m \u202e [/][@click=app.quit]x[/] &#x1b;[2J"

    def script(request: Request) -> list[Chunk]:
        named = msgspec.structs.replace(explanation(), intent=evil, model=evil)
        return [
            Routed(id=request.id, explanation=named),
            Delta(evil),
            Done(outcome(request, finish="error", error=evil)),
        ]

    app = ChatHost(script)
    async with app.run_test(size=SIZE) as pilot:
        app.chat.post_message(Paste(evil))
        await press(pilot, "enter")
        await shows(pilot, "[@click=app.quit]")
        await until(pilot, lambda: not app.chat.answering)
        assert not set("\x1b\x07\x9b\u202e") & set(app.screen_text())
        assert app.asked[0].messages[0].text == evil


@pytest.mark.parametrize("size", [(1, 1), (20, 5), (12, 3), (200, 60)])
async def test_any_size_holds_the_prompt(size: tuple[int, int]) -> None:
    app = ChatHost(says("some answer"))
    async with app.run_test(size=size) as pilot:
        await send(pilot, "go")
        await until(pilot, lambda: not app.chat.answering)
        await write(pilot, "a\n" * 30)
        lines = app.screen_text().split("\n")
        assert len(lines) == size[1]
        if size[1] >= 3:
            assert any("a" in line for line in lines)
