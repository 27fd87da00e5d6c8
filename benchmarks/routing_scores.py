"""The measures of a router and of a classifier, as `claw route eval` takes them."""

from backends.router.evaluate.scores import Floats, apgr, auc, cpt, curve, macro_f1

__all__ = ["Floats", "apgr", "auc", "cpt", "curve", "macro_f1"]
