"""A small fuzzer that needs no package: seeded mutations of a target's seeds, without coverage to guide them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Final

from bench.fuzz.targets import Target

LONGEST: Final = 2_048
SPLICES: Final = (b'"', b"\\", b"{", b"[", b"]}", b"\n", b"\r\n", b"\0", b"\xff", b"\xed\xa0\x80", b"\\ud800", b"1e999")


def inputs(target: Target, seed: int) -> Iterator[bytes]:
    """The seeds, then mutations for ever; the same ones for the same seed."""
    yield from target.seeds
    chance = random.Random(seed)
    while True:
        data = bytearray(chance.choice(target.seeds) if chance.random() < 0.5 else chance.randbytes(200))
        for _ in range(chance.randrange(1, 12)):
            _mutate(data, chance)
        yield bytes(data[:LONGEST])


def _mutate(data: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(data) + 1)
    kind = chance.randrange(5)
    if kind == 0:
        data[at:at] = chance.choice(SPLICES)
    elif kind == 1:
        data[at : at + 1] = chance.randbytes(1)
    elif kind == 2:
        del data[at : at + chance.randrange(1, 16)]
    elif kind == 3:
        data[at:at] = data[at : at + chance.randrange(1, 64)]
    else:
        data[at:at] = chance.randbytes(chance.randrange(1, 32))
