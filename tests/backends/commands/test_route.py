"""`claw route`: judging answers, learning from that and taking it back, measuring a folder of prompts."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from blockbuster import BlockBuster

from backends.commands import main
from backends.paths import Paths
from backends.routing.classify.classifier import Classifier
from tests.backends.ledger.samples import attempt, opened, outcome

WEIGHTS = Classifier.load().version


@pytest.fixture(autouse=True)
def _alone(_guarded_loop: BlockBuster) -> None:
    """A command's loop serves nobody else: it may wait for a file."""
    _guarded_loop.deactivate()


@pytest.fixture
def answered(home: Path) -> Paths:
    """A ledger of forty local answers, each said to be likely good."""

    async def written() -> None:
        async with opened(home) as ledger:
            for number in range(40):
                call = attempt("0", engine="local", model="qwen2.5:14b")
                row = outcome(f"r{number}", call, agent="writer", p_local=0.8, p_cloud=0.9, weights=WEIGHTS)
                await ledger.settle(row)

    asyncio.run(written())
    return Paths.find()


def say(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["route", *words]) == 0, capsys.readouterr().err
    return capsys.readouterr().out


def told(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    return json.loads(say(capsys, *words, "--json"))


def wrong(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["route", *words]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 1
    return captured.err


def test_an_answer_is_judged_and_listed_with_the_verdict(answered: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    said = say(capsys, "label", "r39", "bad", "--engine", "cloud", "--intent", "coding", "--note", "made up")
    assert said == "answer r39 rated bad, cloud would have been better, it was coding\n"
    assert told(capsys, "label", "r38", "good")["action"]["good"] is True
    head, first, second, third = say(capsys, "label", "--list", "--limit", "3").splitlines()
    assert head.split() == ["id", "when", "agent", "intent", "by", "verdict"]
    assert first.endswith("local  bad better cloud coding")
    assert (second.split()[0], second.split()[-1], third.split()[-1]) == ("r38", "good", "–")
    listed = told(capsys, "label", "--list", "--limit", "1")["answers"]
    assert [(each["id"], each["verdict"], each["weights"]) for each in listed] == [("r39", "bad", WEIGHTS)]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("label",), "--list"),
        (("label", "r1"), "--list"),
        (("label", "r1", "fine"), "invalid choice"),
        (("label", "r1", "bad", "--intent", "poetry"), "invalid choice"),
        (("label", "r1", "bad", "--engine", "nobody"), "there is no engine 'nobody': use one of local, cloud"),
        (("label", "nobody", "good"), "no request nobody"),
        (("label", "--list", "--limit", "0"), "1 or more"),
        (("train",), "nothing to learn from"),
        (("train", "--rollback"), "nothing to take back"),
        (("train", "--data", "/nowhere"), "/nowhere"),
        (("eval",), "--data"),
        (("eval", "--data", "/nowhere"), "/nowhere"),
        ((), "label|train|eval"),
    ],
)
def test_wrong_use_is_one_line(
    answered: Paths, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], says: str
) -> None:
    assert says in wrong(capsys, *words)


def test_an_empty_ledger_has_nothing_to_judge(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "nothing was answered yet" in say(capsys, "label", "--list")
    assert told(capsys, "label", "--list") == {"answers": []}


def test_what_was_judged_is_learned_kept_and_taken_back(answered: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    async def all_bad() -> None:
        from backends.types import Acted, Action
        from tests.backends.ledger.samples import AT

        async with opened(answered.state.parent) as ledger:
            for number in range(40):
                action = Action(verb="rate", actor="t", id=f"r{number}", good=False)
                await ledger.rate(Acted(at=AT, action=action, detail=""))

    asyncio.run(all_bad())
    said = say(capsys, "train")
    assert "P(local answers well)  40" in said
    assert "the shipped prompts: yours are too few yet" in said
    assert "calibration 1 in force" in said
    assert "the next core that starts uses it" in said
    facts = told(capsys, "train")
    assert (facts["version"], facts["weights"], facts["reloaded"]) == (2, WEIGHTS, False)
    assert facts["local"]["labels"] == 40
    assert facts["local"]["shift"] < -0.5
    listed = told(capsys, "train", "--list")
    assert (listed["in_force"], [each["version"] for each in listed["versions"]]) == (2, [1, 2])
    assert "calibration 1 in force again" in say(capsys, "train", "--rollback")
    assert told(capsys, "train", "--rollback")["version"] == 0
    assert "as shipped" in say(capsys, "train", "--list")


def test_labels_of_a_folder_teach_too(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"prompt": f"Is server {n} up?", "labels": {"local": 0.0, "gemini-3.5-flash-lite": 1.0}} for n in range(30)]
    (tmp_path / "mine.jsonl").write_text("\n".join(map(json.dumps, rows)))
    facts = told(capsys, "train", "--data", str(tmp_path))
    assert (facts["local"]["labels"], facts["cloud"]["labels"]) == (30, 30)
    (tmp_path / "mine.jsonl").write_text('{"prompt": "x", "labels": {"gpt": 1}}')
    assert "name the engines" in wrong(capsys, "train", "--data", str(tmp_path))


def test_a_folder_is_measured_by_what_its_rows_say(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    routing = [
        {"prompt": f"Prove lemma {n} step by step" if n % 2 else f"Hi {n}!", "labels": {"local": 1 - n % 2, "cloud": 1}}
        for n in range(40)
    ]
    intents = [
        {"prompt": "Translate this contract into Polish", "intent": "translation", "hard": False},
        {"prompt": "Is the web server up?", "intent": "health-check", "hard": True},
    ]
    private = [
        {"prompt": "my key is AKIAIOSFODNN7EXAMPLE", "sensitive": False, "kinds": ["api-key"]},
        {"prompt": "write to jane.doe@acme-corp.com", "sensitive": True, "kinds": ["email"]},
    ]
    files: dict[str, list[dict[str, Any]]] = {"pairs": routing, "asked": intents, "secret": private}
    for name, rows in files.items():
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    figures = told(capsys, "eval", "--data", str(tmp_path))["figures"]
    found = {(each["dataset"], each["of"], each["measure"]): each["value"] for each in figures}
    assert found["pairs", "random, local → cloud", "APGR"] == pytest.approx(0.5, abs=0.1)
    assert found["pairs", "router, local → cloud", "APGR"] > found["pairs", "random, local → cloud", "APGR"]
    assert ("pairs", "length, local → cloud", "CPT80") in found
    at = "dial 0.8 by quality, local → cloud"
    assert 0 <= found["pairs", at, "cloud share"] <= 1
    assert 0.5 <= found["pairs", at, "quality kept"] <= 1
    assert found["asked", "intent", "accuracy"] == 1.0
    assert ("asked", "hard for local", "AUC") in found
    assert found["secret", "personal data", "recall"] == 1.0
    only = say(capsys, "eval", "--data", str(tmp_path), "--dataset", "asked")
    assert "macro F1" in only
    assert "pairs" not in only
    assert "it has asked, pairs, secret" in wrong(capsys, "eval", "--data", str(tmp_path), "--dataset", "other")


def test_rows_that_allow_no_figure_say_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "one.jsonl").write_text('{"prompt": "hi", "labels": {"local": 1, "cloud": 0.5}}')
    assert "nothing to measure" in say(capsys, "eval", "--data", str(tmp_path))


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("a.jsonl", b"{", "line 1"),
        ("a.jsonl", b'{"prompt": "x", "intent": "chat"}\n\xff\xfe', "line 2"),
        ("a.jsonl", b'{"prompt": "x"}', "no row with labels"),
        ("a.jsonl", b"[" * 100_000, "line 1"),
        ("a.jsonl.gz", b"not gzip", "cannot be read"),
        ("a.txt", b"", "no .jsonl"),
    ],
)
def test_data_that_is_none_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, data: bytes, says: str
) -> None:
    (tmp_path / name).write_bytes(data)
    assert says in wrong(capsys, "eval", "--data", str(tmp_path))
