"""Is a local answer good enough to be given? Each check is pure and returns pass, fail or unknown.

The requested format (JSON, a schema, tool calls, a tool that must be called) is always checked. The other checks are
for prompts in doubt: code that parses, refusals, repetition, answers cut off, the tokens' probabilities, a second
sample of a short answer, and a score learned from answers that are known to be right or wrong. `pipeline/cascade.py`
acts on the results.
"""

from backends.verification.call_repair import repaired
from backends.verification.check_result import CheckedAnswer, CheckResult
from backends.verification.check_runner import Depth, overall, run_checks

__all__ = ["CheckResult", "CheckedAnswer", "Depth", "overall", "repaired", "run_checks"]
