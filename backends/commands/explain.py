"""`claw explain`: where a prompt would go and why, without sending it."""

import argparse
import asyncio
import sys

import msgspec

from backends.commands.answer import explanation_as_json
from backends.commands.prompt import add_prompt, request_from
from backends.commands.screen import shown
from backends.opening import open_core
from backends.paths import Paths
from backends.settings import load
from backends.types import Explanation, Request


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_prompt(parser)


def run(args: argparse.Namespace) -> int:
    explanation = asyncio.run(_explain(request_from(args), rehearse=args.rehearse))
    if args.json:
        sys.stdout.write(msgspec.json.encode(explanation_as_json(explanation)).decode() + "\n")
    else:
        for line in _lines(explanation):
            print(shown(line))
    return 0


async def _explain(request: Request, *, rehearse: bool) -> Explanation:
    settings = load(Paths.find().config).settings
    async with open_core(settings, rehearse=rehearse, one_shot=True) as opened:
        return await opened.core.explain(request)


def _lines(explanation: Explanation) -> list[str]:
    latency = explanation.estimate.latency_ms
    took = "–" if latency is None else f"~{latency / 1000:.1f} s"
    lines = [
        f"{explanation.agent} → {explanation.engine} {explanation.model} · ~${explanation.estimate.cost_usd:f} · {took}"
        f" · decided in {explanation.decision_us / 1000:.1f} ms",
        f"intent      {explanation.intent}",
        f"complexity  {explanation.complexity:.2f}",
        f"sensitive   {'yes' if explanation.sensitive else 'no'}",
    ]
    lines += [
        f"{'why' if not index else '':<11} {reason.rule}: {reason.detail}"
        for index, reason in enumerate(explanation.reasons)
    ]
    lines += [
        f"{'instead' if not index else '':<11} {way.engine} {way.model}"
        + (f", ruled out by {way.ruled_out_by}" if way.ruled_out_by else "")
        for index, way in enumerate(explanation.alternatives)
    ]
    return lines + [f"{'flips' if not index else '':<11} {flip}" for index, flip in enumerate(explanation.flips)]
