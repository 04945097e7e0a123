"""How good a classifier is: accuracy, macro-F1, by language, calibration error, and whether rewritten twins agree."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Final

import numpy as np

from training.logistic import Floats, Whole
from training.tasks.authored import OPENINGS, Prompt, mistyped

BINS: Final = 10


def line(name: str, prompts: Sequence[Prompt], labels: Whole, chances: Floats) -> str:
    """One line of figures for one set."""
    said = chances.argmax(axis=1)
    right = said == labels
    parts = [f"{name:34} {len(prompts):5}  accuracy {right.mean():.3f}  macro-F1 {macro_f1(labels, said):.3f}"]
    languages = np.array([prompt.language for prompt in prompts])
    parts += [f"{one} {right[languages == one].mean():.3f}" for one in ("en", "zh") if (languages == one).any()]
    return "  ".join([*parts, f"calibration error {calibration_error(chances, right):.3f}"])


def macro_f1(labels: Whole, said: Whole) -> float:
    """The mean over the classes of the harmonic mean of precision and recall."""
    scores = [
        2 * float(((said == one) & (labels == one)).sum()) / max(1, int((said == one).sum() + (labels == one).sum()))
        for one in np.unique(labels)
    ]
    return sum(scores) / len(scores)


def calibration_error(chances: Floats, right: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> float:
    """Expected calibration error in ten bins of equal width (Guo et al., 2017)."""
    sure = chances.max(axis=1)
    bins = np.minimum((sure * BINS).astype(np.int64), BINS - 1)
    return sum(
        abs(float(right[bins == one].mean()) - float(sure[bins == one].mean())) * float((bins == one).mean())
        for one in range(BINS)
        if (bins == one).any()
    )


def twins(text: str, chance: random.Random) -> list[str]:
    """The same request as others type it: in lower or upper case, greeted, mistyped, with more white space."""
    return [
        text.lower(),
        text.upper() if len(text) < 200 else text.lower(),
        chance.choice(OPENINGS) + text,
        text + "\n\nThank you!",
        mistyped(text, chance),
        "  " + text.replace(" ", "  ", 3) + "\n",
    ]
