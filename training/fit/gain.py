"""How well prompts are told apart that need the strong model: performance gap recovered, after RouteLLM (2024)."""

from __future__ import annotations

import numpy as np

from training.logistic import Floats


def apgr(gains: Floats, weak: Floats, strong: Floats) -> float:
    """Average performance gap recovered, of the prompts' predicted gains and both models' scores.

    Prompts go to the strong model in the order of their gains. At each share of strong calls, quality lies between
    that of the weak model (0) and that of the strong one (1); this is the area below that line. 0.5 is chance.
    """
    order = np.argsort(-gains, kind="stable")
    won = np.concatenate((np.zeros(1), np.cumsum((strong - weak)[order])))
    return float(np.trapezoid(won / won[-1], np.linspace(0.0, 1.0, len(won))))
