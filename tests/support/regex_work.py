"""Which patterns take more than linear time: a static check, stricter than need be, of what `re`'s backtracking can do.

A pattern passes when nothing unbounded is repeated, no two unbounded repeats can share a run of text, and (where it is
searched for rather than matched at the start) no run that one attempt has read can be read again by the next in vain.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tests.support.regex_tree import SAMPLE, WORD, Alt, At, Chars, Look, Node, Repeat, Seq, Set, tree


def complaints(pattern: re.Pattern[str], *, anchored: bool) -> list[str]:
    """Why the pattern may take more than linear time; empty when it cannot. `anchored`: only tried at one place."""
    return sorted(set(_walk((tree(pattern),), (), anchored=anchored)))


def longest_bounded(pattern: re.Pattern[str]) -> int:
    """The largest finite bound of a repeat: how often a character may be read again."""
    return max((node.most or 0 for node in _all(tree(pattern)) if isinstance(node, Repeat)), default=0)


def _walk(nodes: Sequence[Node], before: tuple[Node, ...], *, anchored: bool) -> Iterator[str]:
    """Complaints about `nodes`, which follow `before`."""
    if not nodes:
        return
    node, rest = nodes[0], nodes[1:]
    match node:
        case _ if not _repeats(node):
            yield from _walk(rest, (*before, node), anchored=anchored)
        case Repeat(Chars(members), most=None):
            yield from _of_repeat(members, before, rest, anchored=anchored)
            yield from _walk(rest, (*before, node), anchored=anchored)
        case Repeat(most=most) if most != 1:
            yield "a repeat of more than one character is repeated"
        case _:
            for way in _ways(node, rest):
                yield from _walk(way, before, anchored=anchored)


def _ways(node: Node, rest: Sequence[Node]) -> tuple[tuple[Node, ...], ...]:
    """What may have to be matched from a node on that holds a repeat: its alternatives one by one."""
    match node:
        case Seq(items):
            return ((*items, *rest),)
        case Alt(options):
            return tuple((option, *rest) for option in options)
        case Look(inner):
            return ((inner,), tuple(rest))
        case Repeat(inner):
            return ((inner, *rest), tuple(rest))
        case _:
            return ()


def _of_repeat(run: Set, before: tuple[Node, ...], rest: Sequence[Node], *, anchored: bool) -> Iterator[str]:
    between = True
    for node in reversed(before):
        match node:
            case Repeat(Chars(members), most=None, gives_back=True) if between and run & members:
                yield "two unbounded repeats can share a run of text"
            case _:
                between = between and _fits(node, run)
    if not (anchored or _always(rest, run) or _starts_elsewhere(before, run)):
        yield "a run can be read again from every place in it"


def _starts_elsewhere(before: tuple[Node, ...], run: Set) -> bool:
    """Whether no attempt can start within a run of these characters and reach the repeat."""
    first = before[0] if before else None
    if first == At("start") or (first == At("line") and "\n" not in run) or (first == At("boundary") and run <= WORD):
        return True
    return not all(_fits(node, run) for node in before)


def _fits(node: Node, run: Set) -> bool:
    """Whether a node can be matched by characters of the run alone."""
    match node:
        case Chars(members):
            return bool(members & run)
        case Seq(items):
            return all(_fits(item, run) for item in items)
        case Alt(options):
            return any(_fits(option, run) for option in options)
        case Repeat(inner, least):
            return least == 0 or _fits(inner, run)
        case _:
            return True


def _always(rest: Sequence[Node], run: Set) -> bool:
    """Whether what follows a maximal run of these characters matches whatever stands there."""
    for at, node in enumerate(rest):
        match node:
            case Seq(items):
                return _always((*items, *rest[at + 1 :]), run)
            case Repeat(Chars(members), least=0, most=None) if members == SAMPLE:
                run = SAMPLE
            case Repeat(least=0):
                pass
            case At("end") if run == SAMPLE:
                pass
            case Alt(options) if _covers(options, run) or any(_always((option,), run) for option in options):
                pass
            case _:
                return False
    return True


def _covers(options: Sequence[Node], run: Set) -> bool:
    """Whether the end, or else any character that cannot belong to the run, is one of the options."""
    flat = [item for option in options for item in (option.items if isinstance(option, Seq) else (option,))]
    after: Set = frozenset[str]().union(*(item.members for item in flat if isinstance(item, Chars)))
    return At("end") in flat and after >= SAMPLE - run


def _repeats(node: Node) -> bool:
    return any(isinstance(inner, Repeat) and inner.most is None for inner in _all(node))


def _all(node: Node) -> Iterator[Node]:
    yield node
    match node:
        case Seq(items) | Alt(items):
            for item in items:
                yield from _all(item)
        case Repeat(inner) | Look(inner):
            yield from _all(inner)
        case _:
            pass
