"""`claw route train`: correct the router's chances by feedback, list what was learned, or take the last step back."""

import argparse
import asyncio
import contextlib
import getpass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backends.bootstrap.connect import attach
from backends.catalogue import Catalogue
from backends.commands.json_output import encoded
from backends.commands.route_label import table
from backends.errors import Unreachable, WrongUse
from backends.paths import Paths
from backends.settings.loading import load
from backends.settings.model import Settings
from backends.types import Action

if TYPE_CHECKING:
    from backends.routing.calibration.calibration_fit import CalibrationFit, QualityLabel
    from backends.routing.calibration.calibration_store import Calibration, CalibrationStore
    from backends.routing.quality.platt_scaling import Correction

READ = 20_000
"""The last answers that are looked at."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help='also learn from its .jsonl files: lines as {"prompt": "…", "labels": {"local": 1, "cloud": 1}}',
    )
    parser.add_argument("--rollback", action="store_true", help="put the state before the last training in force")
    parser.add_argument("--list", action="store_true", help="show what was learned so far")
    parser.add_argument("--rehearse", action="store_true", help="learn from the rehearsal's answers, for the rehearsal")


def run(args: argparse.Namespace) -> str:
    from backends.routing.calibration.calibration_store import CalibrationStore

    paths = Paths.find(rehearsal=args.rehearse)
    calibrations = CalibrationStore(paths.learned)
    if args.list:
        return _list(calibrations, as_json=args.json)
    if args.rollback:
        learned = calibrations.roll_back()
        told = [f"{learned.name} in force again"]
        facts = _facts(learned)
    else:
        lesson = _lesson(paths, load(paths.config).settings, args.data)
        learned = calibrations.add(lesson.calibration)
        told, facts = _told(lesson, learned), _facts(learned, lesson)
    running = asyncio.run(_reload(paths))
    if args.json:
        return encoded({**facts, "reloaded": running})
    return "\n".join(
        [*told, "the running core uses it from now on" if running else "the next core that starts uses it"]
    )


def _lesson(paths: Paths, settings: Settings, data: Path | None) -> "CalibrationFit":
    """Raises WrongUse where nobody has said anything yet."""
    from backends.ledger.answer_ratings import answered_requests
    from backends.ledger.sqlite_connection import open_read_only
    from backends.routing.calibration.calibration_fit import fit_calibration
    from backends.routing.calibration.calibration_store import Calibration
    from backends.routing.classify.classifier import Classifier
    from backends.routing.evaluate import Row

    classifier = Classifier.load()
    with open_read_only(paths.ledger) as db:
        rows = answered_requests(db, limit=READ)
    named = {row.agent for row in rows}
    lesson = fit_calibration(
        rows,
        _given(data, settings, classifier) if data is not None else [],
        weights=classifier.classify(Row(prompt="hello").request()).weights,
        dialled=[name for name in named if settings.agent(name).policy == "auto"],
        scores=_scores(settings),
        shipped=Calibration(),
        now=datetime.now(UTC),
    )
    if not lesson.labels:
        raise WrongUse("there is nothing to learn from yet: judge answers with `claw route label`, or in the chat")
    return lesson


def _given(data: Path, settings: Settings, classifier: Any) -> "list[QualityLabel]":
    """Labels of a folder's prompts. They may go by engine, or by the name of the model that it runs."""
    from backends.routing.calibration.calibration_fit import QualityLabel, chances
    from backends.routing.evaluate import datasets

    names = {engine.model: name for name, engine in reversed(settings.engines.items())}
    names |= {name: name for name in settings.engines}
    scores, found = _scores(settings), []
    for row in (row for dataset in datasets(data) if dataset.kind == "routing" for row in dataset.rows):
        labels = {names[name]: outcome for name, outcome in (row.labels or {}).items() if name in names}
        if labels:
            classes = classifier.classify(row.request())
            said = chances(classes.p_local, classes.p_cloud, scores)
            found += [QualityLabel(engine, said[engine], outcome) for engine, outcome in labels.items()]
    if not found:
        raise WrongUse(f"{data} has no labels of {', '.join(names)}: name the engines, or the models that they run")
    return found


def _scores(settings: Settings) -> dict[str, float]:
    """How able the engines' models are, as MMLU-Pro in percent; those of which nothing is known are left out."""
    catalogue = Catalogue(settings.models)
    known = {name: engine.ability or catalogue.ability(engine.model) for name, engine in settings.engines.items()}
    return {name: score for name, score in known.items() if score is not None}


async def _reload(paths: Paths) -> bool:
    """Tell the running core, if there is one."""
    with contextlib.suppress(Unreachable):
        async with attach(str(paths.socket)) as opened:
            await opened.core.act(Action(verb="relearn", actor=f"cli:{getpass.getuser()}"))
            return True
    return False


def _told(lesson: "CalibrationFit", learned: "Calibration") -> list[str]:
    rows = [("chance", "labels", "said", "was", "slope", "shift"), *_chances(lesson, learned)]
    traffic = f"{lesson.traffic} prompts of yours" if lesson.traffic else "the shipped prompts: yours are too few yet"
    lines = [*table(rows), f"dial read off {traffic}"]
    if lesson.weak:
        lines.append(f"{lesson.weak} of the labels are what checks said, the others people's words")
    if lesson.other_weights:
        lines.append(f"{lesson.other_weights} verdicts left out: they are on answers that other weights routed")
    return [*lines, f"{learned.name} in force"]


def _chances(lesson: "CalibrationFit", learned: "Calibration") -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for engine, correction in learned.corrections.items():
        labels = [label for label in lesson.labels if label.engine == engine]
        n = len(labels)
        said, was = (
            sum(values) / n if n else None for values in ([x.said for x in labels], [x.outcome for x in labels])
        )
        figures = (_unit(said), _unit(was), f"{correction.slope:.2f}", f"{correction.shift:+.2f}")
        rows.append((f"P({engine} answers well)", f"{n}", *figures))
    return rows


def _unit(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _facts(learned: "Calibration", lesson: "CalibrationFit | None" = None) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "version": learned.version,
        "weights": learned.weights,
        "trained_at": learned.trained_at,
        **{engine: _correction(correction) for engine, correction in learned.corrections.items()},
    }
    if lesson is not None:
        facts |= {"weak_labels": lesson.weak, "traffic": lesson.traffic, "left_out": lesson.other_weights}
    return facts


def _correction(correction: "Correction") -> dict[str, Any]:
    return {"labels": correction.labels, "slope": round(correction.slope, 4), "shift": round(correction.shift, 4)}


def _list(calibrations: "CalibrationStore", *, as_json: bool) -> str:
    now = calibrations.current.version
    kept = [calibrations.read(version) for version in calibrations.versions()]
    if as_json:
        return encoded({"in_force": now, "versions": [_facts(each) for each in kept]})
    rows = [
        ("version", "trained", "labels", "weights", "in force"),
        ("0", "as shipped", "–", "–", "yes" if not now else ""),
    ]
    rows += [
        (
            f"{each.version}",
            each.trained_at,
            ", ".join(f"{correction.labels} {engine}" for engine, correction in each.corrections.items()),
            each.weights,
            "yes" if each.version == now else "",
        )
        for each in kept
    ]
    return "\n".join(table(rows))
