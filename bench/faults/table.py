"""The table: one row per fault, one column per model and form of answer, and a line that sums it up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bench.faults.verdict import GOOD, Asked, Verdict

INTRODUCTION: Final = """\
# What {name} makes of its providers' faults

Written by `python -m bench.faults {arguments}`. Behind the gateway stands a provider that can be made to fail in every
way listed here (`python -m bench.faults.provider --list`); the gateway may ask a model twice and then fall back to
another{more}. Each cell is what a caller gets who waits {patience:g} s:

- *right answer*: the asked model's, whole, its end told as it was; *fallback answer*: another model's, whole;
- *honest error*: an error status, an error event in the stream, or a connection that visibly broke;
- in capitals, what must not happen: a wrong, partial or empty answer as success, a stream that stops and looks whole,
  a caller's mistake (400) hidden behind another model, silence waited out, an error though the provider's answer was
  usable or came with the second try, no response at all.
"""


@dataclass(frozen=True)
class Cell:
    """One question's result."""

    asked: Asked
    verdict: Verdict
    seconds: float
    calls: int | None
    """Of the provider; None where it is not ours to ask."""

    @property
    def column(self) -> str:
        """Its heading."""
        return f"{self.asked.model}, {'stream' if self.asked.stream else 'JSON'}"


def table(cells: Sequence[Cell]) -> str:
    """GitHub's Markdown."""
    columns = tuple(dict.fromkeys(cell.column for cell in cells))
    rows: dict[str, dict[str, str]] = {}
    for cell in cells:
        fault = cell.asked.fault
        rows.setdefault(f"`{fault.name}` {fault.what}", {})[cell.column] = _words(cell)
    lines = [_line(["fault", *columns]), _line(["---"] * (len(columns) + 1))]
    lines += [_line([what, *(row.get(column, "–") for column in columns)]) for what, row in rows.items()]
    return "\n".join(lines)


def summary(cells: Sequence[Cell]) -> str:
    """The line that sums it up."""
    counted = Counter(cell.verdict for cell in cells)
    good = ", ".join(f"{counted[v]} {_plural(v, counted[v])}" for v in Verdict if v in GOOD)
    bad = ", ".join(f"{counted[v]} × {v.value}" for v in Verdict if v not in GOOD)
    faults = len({cell.asked.fault.name for cell in cells})
    slowest = max(cells, key=lambda cell: cell.seconds)
    return (
        f"{len(cells)} questions under {faults} faults: {good}; {bad}. "
        f"Longest wait {slowest.seconds:.1f} s ({slowest.asked.fault.name})."
    )


def _words(cell: Cell) -> str:
    words = cell.verdict.value if cell.verdict in GOOD else f"**{cell.verdict.value}**"
    return words if cell.calls is None else f"{words} ({cell.calls}×)"


def _plural(verdict: Verdict, count: int) -> str:
    return verdict.value if count == 1 else f"{verdict.value}s"


def _line(fields: Sequence[str]) -> str:
    return "| " + " | ".join(fields) + " |"
