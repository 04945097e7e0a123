"""The tables of docs/claims.md, in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from bench.claims.figures import (
    Figure,
    Tally,
    availability,
    availability_up,
    figure,
    hits,
    lost_to_best,
    quality_lost,
    saved,
    saved_of_best,
    saved_of_newer,
    seconds,
    surely,
    together,
)
from bench.claims.layers import LAYERS, LEVELS, PRODUCT
from bench.claims.simulation import ALONE, Scenario

ANSWERED: Final = 0.999
ANSWERED_UP: Final = 0.9999
SAVED: Final = 0.58
LOST: Final = 0.01
NO: Final = "**no**"
PERHAPS: Final = "yes, but not the whole interval"
YES: Final = "yes"
VERDICTS: Final = (NO, PERHAPS, YES)
LAYER_COLUMNS: Final = (
    "layer",
    "answered",
    "while any provider was up",
    "average",
    "p95",
    "exact hits",
    "saved",
    "errors",
)
LEVEL_COLUMNS: Final = (
    *("asked before", "exact, same words", "exact, other words", "near", "double clicks"),
    *("of those reached a provider", "saved"),
)
QUALITY_COLUMNS: Final = (
    *("mix, policy", "exact hits", "saved", "quality lost"),
    *("saved of the best tier's price", "lost of its quality"),
)
RUN_COLUMNS: Final = (
    *("the product", "requests", "answered", "exact hits", "saved", "average", "p95"),
    "double clicks that reached a provider",
)


def report(found: Mapping[str, Sequence[Tally]], judged: Sequence[Scenario]) -> Iterator[str]:
    """All tables; `found` has a tally for each seed by the scenario's name."""
    yield from _table(LAYER_COLUMNS, ((row.name, _layer(together(found[row.name]))) for row in LAYERS))
    yield from _table(LEVEL_COLUMNS, ((title, _level(together(found[row.name]))) for title, row in LEVELS))
    yield from _table(QUALITY_COLUMNS, ((row.name, _quality(together(found[row.name]))) for row in judged))
    product = found[PRODUCT.name]
    alone = zip(ALONE, (saved, saved_of_newer, saved_of_best), strict=True)
    against = ((name, (_shown(figure(together(product), ratio)),)) for name, ratio in alone)
    yield from _table(("one model for everything", "the product saves"), against)
    shares = together(product).served
    models = ((name, (_percent(count / shares.total()),)) for name, count in shares.most_common())
    yield from _table(("model", "share of provider calls"), models)
    yield from _table(RUN_COLUMNS, ((f"run {place}", _run(tally)) for place, tally in enumerate(product, 1)))
    quality = [(row.name, together(found[row.name])) for row in judged]
    yield from _table(("goal", "found", "holds"), _verdicts(together(product), quality))


def _layer(tally: Tally) -> tuple[str, ...]:
    return (
        _shown(surely(tally, availability), 2),
        _shown(surely(tally, availability_up), 2),
        f"{seconds(tally.total):.2f} s",
        f"{tally.percentile(0.95):.2f} s",
        _percent(hits(tally.total)),
        _shown(figure(tally, saved)),
        ", ".join(f"{count} × {status}" for status, count in tally.errors.most_common()) or "none",
    )


def _level(tally: Tally) -> tuple[str, ...]:
    total = tally.total
    return (
        _percent(total.same / total.requests),
        _percent(total.reworded / total.requests),
        _percent(total.near / total.requests),
        _percent(total.doubles / total.requests),
        f"{total.doubles_reached:.0f} of {total.doubles:.0f}",
        _shown(figure(tally, saved)),
    )


def _quality(tally: Tally) -> tuple[str, ...]:
    ratios = (saved, quality_lost, saved_of_best, lost_to_best)
    return (_percent(hits(tally.total)), *(_shown(figure(tally, ratio)) for ratio in ratios))


def _run(tally: Tally) -> tuple[str, ...]:
    total = tally.total
    return (
        f"{total.requests:,.0f}",
        _percent(availability(total), 2),
        _percent(hits(total)),
        _percent(saved(total)),
        f"{seconds(total):.2f} s",
        f"{tally.percentile(0.95):.2f} s",
        f"{total.doubles_reached:.0f} of {total.doubles:.0f}",
    )


def _verdicts(product: Tally, quality: Sequence[tuple[str, Tally]]) -> Iterator[tuple[str, tuple[str, ...]]]:
    total = product.total
    answered, up = surely(product, availability), surely(product, availability_up)
    yield f"answered: at least {_percent(ANSWERED)}", (_shown(answered, 3), _at_least(answered, ANSWERED))
    title = f"while any provider is up: at least {_percent(ANSWERED_UP, 2)}"
    yield title, (_shown(up, 3), _at_least(up, ANSWERED_UP))
    reached = f"{total.doubles_reached:.0f} of {total.doubles:.0f}"
    yield "no double click reaches a provider", (reached, NO if total.doubles_reached else YES)
    cheaper = figure(product, saved)
    saving = f"saved: at least {_percent(SAVED, 0)}"
    yield saving, (_shown(cheaper), _at_least(cheaper, SAVED))
    for name, tally in quality:
        cheaper, lost = figure(tally, saved), figure(tally, quality_lost)
        found = f"{_shown(cheaper)}; lost {_shown(lost)}"
        kept = Figure(-lost.value, -lost.high, -lost.low)
        holds = min(_at_least(cheaper, SAVED), _at_least(kept, -LOST), key=VERDICTS.index)
        yield f"{saving} at a loss of at most {_percent(LOST, 0)} ({name})", (found, holds)


def _at_least(found: Figure, goal: float) -> str:
    if found.value < goal:
        return NO
    return YES if found.low >= goal else PERHAPS


def _table(columns: Sequence[str], rows: Iterable[tuple[str, Sequence[str]]]) -> Iterator[str]:
    yield f"| {' | '.join(columns)} |"
    yield f"|{'---|' * len(columns)}"
    for name, cells in rows:
        yield f"| {' | '.join((name, *cells))} |"
    yield ""


def _shown(found: Figure, digits: int = 1) -> str:
    value, low, high = (_percent(each, digits) for each in (found.value, found.low, found.high))
    return f"{value} ({low.removesuffix(' %')} to {high.removesuffix(' %')})"


def _percent(share: float, digits: int = 1) -> str:
    return f"{share * 100:.{digits}f} %".replace("-", "−")
