"""`claw explain`: the engine that a prompt would go to, why, and every other candidate, without sending it."""

import argparse
import asyncio
import sys
from collections.abc import Sequence

import msgspec

from backends.bootstrap.connect import open_core
from backends.commands.json_output import explanation_as_json
from backends.commands.prompt_arguments import add_prompt, request_from
from backends.paths import Paths
from backends.settings.model import Settings, load
from backends.text.explanation import Line, all_cloud, queue, read_from_prompt, verdict
from backends.text.terminal_safe import safe
from backends.text.usd import about_usd
from backends.types import Alternative, Explanation, Request


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_prompt(parser)


def run(args: argparse.Namespace) -> int:
    settings = load(Paths.find().config).settings
    explanation = asyncio.run(_explain(request_from(args), settings, rehearse=args.rehearse))
    if args.json:
        sys.stdout.write(msgspec.json.encode(explanation_as_json(explanation)).decode() + "\n")
    else:
        for line in lines(explanation):
            print(safe(line))
    return 0


async def _explain(request: Request, settings: Settings, *, rehearse: bool) -> Explanation:
    async with open_core(settings, rehearse=rehearse, one_shot=True) as opened:
        return await opened.core.explain(request)


LABEL = 12


def lines(told: Explanation) -> list[str]:
    """The explanation as text, a line each."""
    latency = told.estimate.latency_ms
    took = "–" if latency is None else f"~{latency / 1000:.1f} s"
    said = [*read_from_prompt(told), *queue(told)]
    said += _labelled("because", [f"{reason.rule}: {reason.detail}" for reason in told.reasons])
    said += _labelled("instead", [_instead(way) for way in told.alternatives])
    said += [("flips when", "; or ".join(told.flips))] if told.flips else []
    said += all_cloud(told)
    return [
        f"{told.agent} → {told.engine} {told.model} · {about_usd(told.estimate.cost_usd)} · {took}"
        f" · decided in {told.decision_us / 1000:.1f} ms",
        *(f"{label:<{LABEL}}{text}" for label, text in said),
    ]


def _labelled(label: str, texts: Sequence[str]) -> list[Line]:
    """One label for several lines; only the first line shows it."""
    return [(label if not index else "", text) for index, text in enumerate(texts)]


def _instead(way: Alternative) -> str:
    latency = "–" if way.latency_ms is None else f"~{way.latency_ms / 1000:.1f} s"
    figures = f" {way.model} · {about_usd(way.cost_usd)} · {latency}" if way.model and way.cost_usd is not None else ""
    return f"{way.engine}{figures}: {verdict(way)}"
