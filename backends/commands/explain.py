"""`claw explain`: the engine that a prompt would go to, why, and every other candidate, without sending it.

With `--request` the same of requests as agents send them, which are read as the gateway would.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from contextlib import aclosing
from decimal import Decimal
from typing import Any

from backends.bootstrap.connect import open_core
from backends.commands import explain_requests, recorded_requests
from backends.commands.json_output import encoded, explanation_as_json
from backends.commands.prompt_arguments import add_prompt, request_from
from backends.errors import WrongUse
from backends.paths import Paths
from backends.settings.loading import load
from backends.settings.model import Settings
from backends.text.explanation import Line, all_cloud, made_of, queue, read_from_prompt, refusal, verdict
from backends.text.measures import probability
from backends.text.terminal_safe import safe
from backends.text.usd import about_usd
from backends.types import CACHE, Alternative, Explanation, Request


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_prompt(parser, optional=True)
    parser.add_argument(
        "--request",
        metavar="FILE",
        help="explain the requests in this file: a body of any API that agents speak, or JSON lines of bodies or of"
        ' {"id", "agent", "headers", "body"}; - reads stdin',
    )


def run(args: argparse.Namespace) -> int:
    if (args.prompt is None) == (args.request is None):
        raise WrongUse("give either a prompt or --request FILE")
    settings = load(Paths.find().config).settings
    if args.request is not None:
        return asyncio.run(_explain_file(args, settings))
    explanation = asyncio.run(_explain(request_from(args), settings, rehearse=args.rehearse))
    _print(explanation_as_json(explanation) if args.json else explanation)
    return 0


async def _explain(request: Request, settings: Settings, *, rehearse: bool) -> Explanation:
    async with open_core(settings, rehearse=rehearse, purpose="one-shot") as opened:
        return await opened.core.explain(request)


async def _explain_file(args: argparse.Namespace, settings: Settings) -> int:
    """Explain each request of a file. What is no request is named on stderr with its line, and the exit code is 2."""
    code = 0
    with recorded_requests.opened(args.request) as file:
        given = recorded_requests.objects(file, 2 * settings.router.max_prompt_bytes)
        async with open_core(settings, rehearse=args.rehearse, purpose="one-shot") as opened:
            explained = explain_requests.explain_all(opened.core, settings, given, args.agent)
            async with aclosing(explained) as each:
                shown = 0
                async for one in each:
                    if one.wrong:
                        code = WrongUse.exit_code
                        print(f"claw: line {one.line}: {safe(one.wrong)}", file=sys.stderr)
                    if args.json:
                        _print({"id": one.id} | explanation_as_json(one.explanation))
                    elif not one.wrong:
                        print("\n" if shown else "", end="")
                        _print(one.explanation)
                        shown += 1
    return code


def _print(explanation: Explanation | dict[str, Any]) -> None:
    if isinstance(explanation, dict):
        sys.stdout.write(encoded(explanation) + "\n")
    else:
        for line in lines(explanation):
            print(safe(line))


LABEL = 12


def lines(explanation: Explanation) -> list[str]:
    """The explanation as text, a line each."""
    estimate = explanation.estimate
    chosen = _figures(explanation, estimate.cost_usd, estimate.latency_ms) if explanation.engine else "nobody"
    labelled = [*refusal(explanation), *made_of(explanation), *read_from_prompt(explanation), *queue(explanation)]
    labelled += _labelled("because", [f"{reason.rule}: {reason.detail}" for reason in explanation.reasons])
    labelled += _labelled("instead", [_alternative(each) for each in explanation.alternatives])
    labelled += [("flips when", "; or ".join(explanation.flips))] if explanation.flips else []
    labelled += all_cloud(explanation)
    return [
        f"{explanation.agent} → {chosen} · decided in {explanation.decision_us / 1000:.1f} ms",
        *(f"{label:<{LABEL}}{text}" for label, text in labelled),
    ]


def _labelled(label: str, texts: Sequence[str]) -> list[Line]:
    """One label for several lines; only the first line shows it."""
    return [(label if not index else "", text) for index, text in enumerate(texts)]


def _alternative(alternative: Alternative) -> str:
    figures = alternative.engine
    if alternative.model:
        figures = _figures(alternative, alternative.cost_usd, alternative.latency_ms)
    return f"{figures}: {verdict(alternative)}"


def _figures(candidate: Explanation | Alternative, cost_usd: Decimal | None, latency_ms: float | None) -> str:
    """A candidate with its expected cost, latency and quality, as far as they are known."""
    cost = "–" if cost_usd is None else about_usd(cost_usd)
    latency = "–" if latency_ms is None else f"~{latency_ms / 1000:.1f} s"
    quality = "" if candidate.quality is None else f" · quality {probability(candidate.quality)}"
    return f"{_engine_and_zone(candidate)} {candidate.model} · {cost} · {latency}{quality}"


def _engine_and_zone(candidate: Explanation | Alternative) -> str:
    """An engine's name, with its zone where the name does not say it."""
    named = candidate.engine in (candidate.zone, CACHE)
    return candidate.engine if named else f"{candidate.engine} ({candidate.zone})"
