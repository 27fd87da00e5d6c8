"""What reaches the terminal and what comes from it: no foreign markup, no foreign sequence, and no answer of the
terminal's taken for keys.
"""

import ast
import csv
import io
import json
import os
import pty
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from tests.console.hostile_text import HOSTILE
from tests.console.test_terminal_answers import ANSWERS

ROOT = Path(__file__).parents[2]
EVIL = (
    "\x1b]52;c;ZXZpbA==\x07\x1b]0;evil title\x07\x1b]2;evil\x1b\\\x1b]8;;http://evil.example\x07here\x1b]8;;\x07"
    "\x1bPtmux;\x1b\x1b]52;c;ZXZpbA==\x07\x1b\\\x9b31m\x1b[5n\x1b[c\x1b[6n\x1bc\u202eevil"
)
END = "END OF ANSWER"
PROGRAM = f"""
from tests.console.chat_host import ChatHost, says
ChatHost(says({EVIL!r}, "\\n\\n{END}")).run()
"""


ECHO = """
from console.driver import terminal_driver
from tests.console.chat_host import ChatHost, says
app = ChatHost(lambda request: says(f"GOT<{request.messages[-1].text}>")(request))
app.driver_class = terminal_driver(lambda _: None, lambda: None, lambda _: None)
app.run()
"""


# ---- S31: markup is text


def test_s31_nothing_in_the_console_is_read_as_markup() -> None:
    """Foreign words are everywhere on screen, so no text at all is parsed."""
    odd = []
    for path in (ROOT / "console").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in ("from_markup", "from_rich_text", "notify"):
                odd.append(f"{path.name}:{node.lineno} {node.attr}")
            elif isinstance(node, ast.keyword) and node.arg == "markup" and ast.unparse(node.value) != "False":
                odd.append(f"{path.name}:{node.value.lineno} markup={ast.unparse(node.value)}")
            elif isinstance(node, ast.Call) and parses(node):
                odd.append(f"{path.name}:{node.lineno} {ast.unparse(node.func)} without markup=False")
    assert odd == []


def parses(call: ast.Call) -> bool:
    """Does it make one of Textual's widgets that take markup, unless they are told not to?"""
    named = {keyword.arg for keyword in call.keywords}
    return ast.unparse(call.func) in ("Static", "Label", "Button", "Tooltip") and "markup" not in named


# ---- S32: only claw writes to the terminal


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Path]:
    """The socket of a tmux server of its own."""
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed")
    socket = tmp_path / "tmux.sock"
    yield socket
    tell(socket, "kill-server")


def tell(socket: Path, *words: str) -> str:
    command = [shutil.which("tmux") or "tmux", "-S", str(socket), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    return done.stdout


def seen(socket: Path, text: str) -> str:
    """The pane's screen, once `text` is on it."""
    for _ in range(400):
        if text in (shown := tell(socket, "capture-pane", "-p")):
            return shown
        time.sleep(0.05)  # another process draws, and says nothing when it has
    raise AssertionError(shown)


@pytest.mark.parametrize("passthrough", ["on", "off"])
def test_s32_an_answer_sets_no_title_and_no_clipboard_in_tmux(tmux: Path, passthrough: str) -> None:
    env = f"env TERM=tmux-256color PYTHONPATH={':'.join(sys.path)}"
    program = tmux.with_name("program.py")
    program.write_text(PROGRAM, encoding="utf-8", errors="surrogatepass")
    tell(tmux, "-f", "/dev/null", "new-session", "-d", "-x", "120", "-y", "40", "cat")
    tell(tmux, "set", "-g", "allow-passthrough", passthrough)
    tell(tmux, "set", "-g", "set-clipboard", "on")
    before = tell(tmux, "display-message", "-p", "#{pane_title}")
    tell(tmux, "respawn-pane", "-k", f"{env} {sys.executable} {program}")
    seen(tmux, "as default")
    tell(tmux, "send-keys", "go")
    seen(tmux, "go")
    time.sleep(0.1)  # what follows at once counts as a paste
    tell(tmux, "send-keys", "Enter")
    shown = seen(tmux, END)
    assert "]52;c;" in shown
    assert "evil" not in tell(tmux, "list-buffers")
    assert "evil" not in tell(tmux, "display-message", "-p", "#{pane_title}")
    assert before


def test_s32_what_a_terminal_answers_is_never_a_key() -> None:
    child = pexpect.spawn(
        sys.executable,
        ["-c", ECHO],
        dimensions=(40, 120),
        encoding="utf-8",
        timeout=20,
        env={"TERM": "xterm-256color", "PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    try:
        child.expect("as default")
        for answer in (*ANSWERS, "zq"):
            time.sleep(0.06)  # a hand's pause
            child.send(answer)
        child.expect("zq")
        time.sleep(0.1)
        child.send("\r")
        child.expect("GOT<([^>]*)>")
        assert child.match is not None
        assert child.match[1] == "zq"
    finally:
        child.close(force=True)


# ---- S34: commands


def on_a_tty(*words: str, env: dict[str, str]) -> str:
    """What a command writes to a terminal."""
    parent, child = pty.openpty()
    heard: list[bytes] = []

    def read() -> None:
        while True:
            try:
                data = os.read(parent, 65_536)
            except OSError:  # the other side is closed
                return
            heard.append(data)

    reader = threading.Thread(target=read)
    reader.start()
    subprocess.run([sys.executable, "-m", "console.entry", *words], stdout=child, stderr=child, env=env, check=False)
    os.close(child)
    reader.join(timeout=20)
    os.close(parent)
    return b"".join(heard).decode("utf-8", "replace")


@pytest.fixture
def env(home: Path) -> dict[str, str]:
    """A home whose agent has a hostile group, and whose engine does not answer."""
    home.mkdir()
    settings = '[telemetry]\ngpu = false\n[cache]\nsemantic = false\n[engines.local]\nbase_url = "http://127.0.0.1:9"\n'
    (home / "claw.toml").write_text(settings, encoding="utf-8")
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "CLAW_HOME": str(home),
        "PYTHONPATH": ":".join(sys.path),
        "TERM": "xterm-256color",
    }


FOREIGN = set(map(chr, (*range(0x20), *range(0x7F, 0xA0)))) - {"\r", "\n", "\t"}


@pytest.mark.parametrize("command", [["explain"], ["explain", "--json"], ["ask"], ["ask", "--json"]])
def test_s34_no_prompt_and_no_error_acts_on_the_terminal(env: dict[str, str], command: list[str]) -> None:
    prompt = EVIL + "".join(HOSTILE[::40])
    said = on_a_tty(*command, prompt.replace("\0", "").encode("utf-8", "ignore").decode(), env=env)
    assert said
    assert not FOREIGN & set(said)
    assert "\u202e" not in said


def test_s34_json_is_ascii_for_a_pipe_and_cells_are_no_formulas(env: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "console.entry", "explain", "--json", EVIL], capture_output=True, env=env, check=False
    )
    assert not FOREIGN & set(done.stdout.decode())
    assert json.loads(done.stdout)["agent"]
    table = subprocess.run(
        [sys.executable, "-m", "console.entry", "report", "--format", "csv"], capture_output=True, env=env, check=True
    )
    for row in csv.reader(io.StringIO(table.stdout.decode())):
        assert not [cell for cell in row if re.match(r"[=+@]|-(?![\d.]+$)", cell)]
