"""The line above a prompt: where it would go and its price, at any width."""

from decimal import Decimal

import pytest

from backends.types import Classes, Estimate, Explanation, Reason
from console.bench.prompt_settings import PromptSettings
from console.present.settings_rows import Prospect, settings_rows
from console.present.spans import fit
from console.state import ViewState

CLASSES = Classes(intent="chat", intent_p=0.9, complexity=0.3, p_local=0.7, p_cloud=0.8, input_tokens=310)
GOES = Explanation(
    agent="default",
    engine="cloud",
    zone="cloud",
    model="gemini-3.5-flash-lite",
    intent="chat",
    complexity=0.3,
    sensitive=False,
    reasons=(Reason(rule="policy", detail="cloud"),),
    classes=CLASSES,
    decision_us=200.0,
    estimate=Estimate(cost_usd=Decimal("0.0008"), latency_ms=1_200.0),
)


@pytest.mark.parametrize("cells", [44, 60, 80, 120])
def test_zone_tokens_price_and_time_are_read_at_any_width(cells: int) -> None:
    rows = settings_rows(PromptSettings(agent="default"), (), Prospect(explanation=GOES), ViewState(), cells)
    shown = "\n".join("".join(span.text for span in fit(row, cells)) for row in rows)
    assert "as default · auto" in shown
    for figure in ("→ ▐cloud", "~310 tok", "~$0.0008", "~1.2 s"):
        assert figure in shown
