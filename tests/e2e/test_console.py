"""The console as a person uses it: a real terminal, real keys, the twins behind it, and the ledger held against it."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from backends.rehearsal.small_model import NoSmallModel, find_weights
from backends.text.measures import count
from backends.text.times import milliseconds
from backends.text.usd import usd, usd_cents
from tests.e2e.conftest import Open
from tests.e2e.terminal import WAIT_S

CLAW = [sys.executable, "-m", "console.entry"]
PANES = ("Runtime", "Routing", "Cache", "Spend", "Alerts", "Chat")
DOWN, ESCAPE, ENTER, F2 = "\x1b[B", "\x1b", "\r", "\x1bOQ"
PALETTE, QUIT, CTRL_Z = "\x10", "\x11", "\x1a"
MOUSE, ALTERNATE_SCREEN, PASTE = 1000, 1049, 2004


@pytest.fixture
def slow(stage: dict[str, str]) -> Iterator[None]:
    """The cloud twin speaks slowly enough to be caught in the middle of an answer."""
    behave(stage["cloud_url"], {"tokens_per_s": 15.0, "chunk_tokens": 1})
    yield
    urllib.request.urlopen(urllib.request.Request(f"{stage['cloud_url']}/rehearsal/reset", method="POST")).close()


def test_a_visit_from_the_first_frame_to_the_shell_again(terminal: Open, home: Path) -> None:
    it = terminal(rows=60, columns=200)
    before = it.attributes()
    it.see(r"local qwen2\.5:14b .* cloud gemini-3\.5-flash-lite .* embedded")
    assert it.modes() >= {MOUSE, ALTERNATE_SCREEN, PASTE}
    for number, name in enumerate(PANES, 1):
        it.press(str(number))
        it.see(f"┏━ {number} {name} ━")

    it.press(*"dns slow?")
    foreseen = it.see(r"as default · auto → ▐cloud gemini-3\.5-flash-lite · ~.*")[0]
    assert "policy cloud" in foreseen
    it.press(ENTER)
    ended = it.see(r"▐cloud gemini-3\.5-flash-lite · (\d.*? ms), (.* ms)")[0]
    (row,) = rows(home)
    assert (row["agent"], row["engine"], row["finish"]) == ("default", "cloud", "stop")
    figures = f"{count(row['input_tokens'])} in, {count(row['output_tokens'])} out"
    assert figures in ended
    assert f" · {usd(Decimal(row['cost_usd']))} · " in ended
    assert f", {milliseconds(row['latency_ms'])} ms" in ended
    assert Decimal(row["cost_usd"]) > 0
    it.see(rf"{usd_cents(Decimal(row['cost_usd'])).replace('$', '[$]')}/[$]5")

    it.press(F2)
    it.see("┏━ 2 Routing ━")
    it.see(r"default .* ▐cloud .* policy cloud")
    it.press("S")
    it.see("Stop cloud spend[?]")
    it.press("y")
    it.see(" CLOUD STOPPED ")
    it.press("S")
    it.until(" CLOUD STOPPED ", gone=True)

    it.press(DOWN, "p")
    it.see("━ Pin default ━")
    it.press(DOWN, ENTER, "a")
    it.see("default +cloud +▌local")

    it.press("?")
    it.see("━ Help ━")
    it.press(ESCAPE)
    it.until("━ Help ━", gone=True)
    it.press(PALETTE)
    it.see("Search for commands")
    it.press(*"nordic")
    it.until("Stop cloud\n", gone=True)
    it.see("Theme nordic")
    it.press(ESCAPE)
    it.until("Theme nordic", gone=True)

    it.resize(5, 20)
    it.see("needs 40×10")
    it.resize(40, 120)
    it.see("2 Routing [━─]")

    it.press(QUIT)
    assert it.end() == 0
    assert it.modes() == set()
    assert it.attributes() == before
    assert it.stray() == set()
    assert len(rows(home)) == 1


@pytest.mark.proves("I13")
def test_rehearsal_says_so_and_keeps_its_books_apart(terminal: Open, home: Path) -> None:
    it = terminal("--rehearse")
    it.see(" REHEARSAL ")
    it.see("simulated Gemini")
    it.see(r"\d+ s +[▌▐=]")  # the agents' traffic
    it.press(QUIT)
    assert it.end() == 0
    assert it.modes() == set()
    assert rows(home / "state" / "rehearsal")
    assert not (home / "state" / "ledger.db").exists()


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
@pytest.mark.proves("T1")
def test_a_signal_ends_it(terminal: Open, number: signal.Signals) -> None:
    it = terminal()
    before = it.attributes()
    it.see("embedded")
    it.child.kill(number)
    assert it.end() == 128 + number
    assert it.modes() == set()  # a shell is still there
    assert it.attributes() == before


@pytest.mark.proves("T1")
def test_a_closed_terminal_ends_it_also_where_hang_ups_are_ignored(terminal: Open) -> None:
    inherited = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        it = terminal()
    finally:
        signal.signal(signal.SIGHUP, inherited)
    it.see("embedded")
    assert it.hang_up() == 128 + signal.SIGHUP


@pytest.mark.usefixtures("slow")
@pytest.mark.proves("T1")
def test_a_console_that_leaves_a_core_leaves_its_calls_running(terminal: Open, env: dict[str, str], home: Path) -> None:
    with served(env), calling(env) as call:
        it = terminal(rows=60, columns=200)
        it.see("attached")
        it.see("default .*(running|▐cloud)")
        it.press(QUIT)
        assert it.end() == 0
        assert call.poll() is None
        told, _ = call.communicate(timeout=WAIT_S)
        answer = json.loads(told)
        assert (call.returncode, answer["finish"]) == (0, "stop")
        (row,) = rows(home / "state")
        assert (row["id"], Decimal(row["cost_usd"])) == (answer["id"], Decimal(answer["cost_usd"]))


def test_a_session_that_goes_round_is_seen_paused_and_let_go_on(terminal: Open, env: dict[str, str]) -> None:
    with served(env) as url:
        it = terminal(rows=24, columns=80)
        it.see("┏━ 2 Routing ━")
        it.press("s")
        it.see("No sessions yet")
        assert [going_round(url, turns) for turns in range(5)] == [200, 200, 200, 429, 429]
        it.see(r"openclaw loop.* coding +3 ▐cloud .* ‖ paused")
        it.see("1 session .* ‖ 1 paused")
        it.press("s")
        it.see(r"✗ refused today 2 +coding paused 2")
        it.press("5")
        it.see("a let it go on · b end it")
        it.press("a")
        it.see("━ Confirm ━")
        it.press("y")
        it.see("session loop of coding resumed")
        assert going_round(url, 4) == 200
        it.press(QUIT)
        assert it.end() == 0


def going_round(url: str, turns: int) -> int:
    """The status of a request in whose conversation one call has had the same result that many times."""
    call = {"id": "c", "type": "function", "function": {"name": "read", "arguments": '{"path": "stock.txt"}'}}
    turn = [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "12 bolts, and it said so before"},
    ]
    tool = {"type": "function", "function": {"name": "read", "parameters": {"type": "object"}}}
    asked = [{"role": "user", "content": "Read the stock list until it is empty."}]
    body = {"model": "cloud", "messages": asked + turn * turns, "tools": [tool]}
    headers = {"Content-Type": "application/json", "X-Claw-Session": "loop", "User-Agent": "openclaw/1"}
    request = urllib.request.Request(
        f"{url}/v1/chat/completions", json.dumps(body).encode(), headers | {"X-Claw-Agent": "coding"}
    )
    try:
        with urllib.request.urlopen(request, timeout=WAIT_S) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code


def test_the_small_real_model_answers(env: dict[str, str], home: Path) -> None:
    try:
        find_weights()
    except NoSmallModel as missing:
        pytest.skip(f"no answer of a real model is tested here: {missing}")
    home.mkdir(exist_ok=True)
    # A few tokens are proof enough: beside other tests on two cores the model makes two a second.
    (home / "claw.toml").write_text("[engines.local]\nmax_output = 12\n", encoding="utf-8")
    words = ["ask", "--rehearse", "--agent", "infra", "--json", "Say hello."]
    done = subprocess.run([*CLAW, *words], env=env, capture_output=True, timeout=100, check=True)
    answer = json.loads(done.stdout)
    assert answer["engine"] == "local"
    assert answer["finish"] in ("stop", "length")
    assert answer["text"].strip()
    (row,) = rows(home / "state" / "rehearsal")
    assert row["output_tokens"] == answer["tokens"]["output"]
    assert Decimal(row["cost_usd"]) == 0


@contextmanager
def served(env: dict[str, str]) -> Iterator[str]:
    """A core without a screen, and its gateway's address; it ends well."""
    with subprocess.Popen([*CLAW, "serve", "--port", "0"], env=env, stderr=subprocess.PIPE, text=True) as core:
        try:
            assert core.stderr is not None
            ready, _, url = core.stderr.readline().strip().partition(" ")
            assert ready == "ready"
            yield url
        finally:
            core.terminate()
    assert core.returncode == 0


@contextmanager
def calling(env: dict[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    """A call of another process, which is let go with this block."""
    with subprocess.Popen([*CLAW, "ask", "--json", "why is dns slow?"], env=env, stdout=subprocess.PIPE) as call:
        try:
            yield call
        finally:
            call.terminate()


def rows(home: Path) -> list[dict[str, Any]]:
    """The ledger's rows under a home or a state folder."""
    path = next(path for path in (home / "ledger.db", home / "state" / "ledger.db") if path.exists())
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        db.row_factory = sqlite3.Row
        found = db.execute("SELECT * FROM requests_v1 ORDER BY started_at").fetchall()
    db.close()
    return [dict(row) for row in found]


def behave(url: str, fields: dict[str, Any]) -> None:
    request = urllib.request.Request(f"{url}/rehearsal/behaviour", json.dumps(fields).encode(), method="PUT")
    urllib.request.urlopen(request, timeout=5).close()


def test_a_terminal_without_a_size_is_drawn_once_and_left(terminal: Open) -> None:
    it = terminal(rows=0, columns=0)
    it.see("2 Routing")
    it.press(QUIT)
    assert it.end() == 0
    assert len(it.written) < 250_000, "it redraws without end"


@pytest.mark.parametrize("how", ["key", "signal"])
def test_t2_ctrl_z_gives_the_terminal_back_and_fg_takes_it_again(terminal: Open, how: str) -> None:
    it = terminal()
    before = it.attributes()
    it.see("2 Routing")
    taken = it.modes()
    assert taken
    for times in range(2):
        if how == "key":
            it.press(CTRL_Z)
        else:
            os.kill(it.child.pid, signal.SIGTSTP)
        it.is_stopped()
        assert it.modes() == set()
        assert it.attributes() == before
        it.resize(30 + times, 100)
        os.kill(it.child.pid, signal.SIGCONT)
        it.takes_over(times + 2)
        it.see(r"Was stopped [\d.]+ s")
        it.press("?")
        it.see("━ Help ━")
        assert it.modes() == taken
        it.press(ESCAPE)
        it.until("━ Help ━", gone=True)
    it.press(QUIT)
    assert it.end() == 0


@pytest.mark.usefixtures("slow")
def test_t2_a_console_whose_core_works_for_agents_is_not_stopped(terminal: Open, env: dict[str, str]) -> None:
    it = terminal(rows=60, columns=200)
    it.see("embedded")
    with calling(env) as call:
        it.see("default .*(running|▐cloud)")
        it.press(CTRL_Z)
        it.see("Not stopped: 1 call would freeze")
        os.kill(it.child.pid, signal.SIGTSTP)
        it.see("default .*(running|▐cloud)")
        assert call.wait(WAIT_S) == 0, "its call ended well"
    it.press(QUIT)
    assert it.end() == 0


@pytest.mark.proves("T2")
def test_a_console_that_was_stopped_and_continued_takes_keys_again(terminal: Open) -> None:
    it = terminal()
    it.see("2 Routing")
    for times in range(3):
        os.kill(it.child.pid, signal.SIGSTOP)
        os.kill(it.child.pid, signal.SIGCONT)
        it.takes_over(times + 2)
        it.press("?")
        it.see("━ Help ━")
        it.press(ESCAPE)
        it.until("━ Help ━", gone=True)
    it.press(QUIT)
    assert it.end() == 0


@pytest.mark.usefixtures("slow")
def test_a_console_leaves_its_core_running_in_the_background(terminal: Open, env: dict[str, str], home: Path) -> None:
    it = terminal()
    it.see("embedded")
    with calling(env) as call:
        it.see("default .*(running|▐cloud)")
        it.press(QUIT)
        it.see("1 call runs in it")
        it.press("l")
        assert it.end() == 0
        found = re.search(rb"the core runs on as process (\d+)", it.written)
        assert found, it.written[-500:]
        pid = int(found[1])
        try:
            assert call.wait(WAIT_S) == 0, "its call ended well"
            asked = subprocess.run(
                [*CLAW, "status", "--json"], env=env, capture_output=True, timeout=WAIT_S, check=False
            )
            assert json.loads(asked.stdout)["pid"] == pid
        finally:
            os.kill(pid, signal.SIGTERM)
