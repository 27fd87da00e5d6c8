"""`claw explain --request` as a person runs it, and the same bodies sent to the gateway."""

import json
from contextlib import aclosing
from pathlib import Path

import aiohttp
import pytest

from backends.commands.explain_requests import explain_all
from tests.agent_bodies import CHAT, CHAT_PROGRAMS, CONVERSATIONS, PROGRAMS
from tests.core import served, stand
from tests.e2e.test_commands import Shell


@pytest.fixture
def shell(stage: dict[str, str], home: Path) -> Shell:
    return Shell(stage, home)


def test_a_file_of_requests_gives_one_object_a_line_in_order(shell: Shell, tmp_path: Path) -> None:
    shell.reset()
    lines = [
        {"id": program, "headers": headers, "body": body("hello")} for program, (body, headers) in PROGRAMS.items()
    ]
    file = tmp_path / "requests.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)))
    done = shell.claw("explain", "--json", "--request", str(file))
    assert (done.returncode, done.stderr) == (0, b"")
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [each["id"] for each in told] == list(PROGRAMS)
    assert list(told[0]) == [
        "id", "agent", "engine", "model", "intent", "complexity", "sensitive", "reasons", "decision_us", "estimate",
        "alternatives", "zone", "quality", "session", "ask", "envelope", "status", "error",
    ]  # fmt: skip
    assert all(each["status"] == 200 and each["engine"] in ("local", "cloud") for each in told)
    assert all(set(span) == {"kind", "characters"} for each in told for span in each["envelope"])
    assert shell.counts("cloud_url")["calls"] == shell.counts("local_url")["calls"] == {}


def test_wrong_lines_are_named_with_their_number_and_the_others_are_answered(shell: Shell) -> None:
    stdin = b'nonsense\n{"id": 1, "body": %b}\n{"messages": 5}\n' % json.dumps(CHAT).encode()
    done = shell.claw("explain", "--json", "--request", "-", stdin=stdin)
    assert done.returncode == 2
    assert [line.partition(b":")[2][:8] for line in done.stderr.splitlines()] == [b" line 1:", b" line 3:"]
    assert [json.loads(line)["status"] for line in done.stdout.splitlines()] == [400, 200, 400]


def test_a_body_is_explained_in_words(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "recorded.json"
    recorded = {"client": "a program", "headers": {"X-Claw-Agent": "ada"}, "body": CONVERSATIONS["anthropic"]}
    file.write_text(json.dumps(recorded, indent=1))
    done = shell.claw("explain", "--request", str(file))
    assert done.returncode == 0
    words = done.stdout.decode()
    assert words.startswith("ada → ")
    assert "ask         And how many hinges are that?" in words
    assert "envelope    system" in words


def test_what_would_be_refused_exits_0(shell: Shell) -> None:
    shell.settings('[agents.scout]\npolicy = "local"\n')
    done = shell.claw(
        "explain", "--agent", "scout", "--request", "-", stdin=json.dumps(CHAT | {"model": "cloud"}).encode()
    )
    assert done.returncode == 0
    assert "refused     403: scout has the policy local" in done.stdout.decode()


@pytest.mark.parametrize("words", [(), ("hello", "--request", "-"), ("--request", "/nowhere/at/all")])
def test_neither_both_and_no_file_are_wrong_use(shell: Shell, words: tuple[str, ...]) -> None:
    done = shell.claw("explain", *words)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.count(b"\n") == 1


@pytest.mark.parametrize("program", CHAT_PROGRAMS)
async def test_a_program_that_speaks_chat_completions_is_answered_as_it_was_explained(home: Path, program: str) -> None:
    body, headers = PROGRAMS[program]
    fields = body("Say hello to the workshop")
    async with stand(home) as it, served(it, lambda settings: settings) as url, aiohttp.ClientSession() as session:
        given = iter([(1, json.dumps({"headers": headers, "body": fields}).encode())])
        async with aclosing(explain_all(it.core, it.resources.settings, given, None)) as explained:
            (told,) = [one.explanation async for one in explained]
        async with session.post(f"{url}/v1/chat/completions", json=fields, headers=headers) as answer:
            assert answer.status == 200
            assert answer.headers["X-Claw-Engine"] == told.engine
            assert (await answer.read()).rstrip().endswith(b"data: [DONE]")
        (row,) = it.rows()
    assert (row["intent"], row["session"]) == (told.intent, told.session)
