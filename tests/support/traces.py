"""Everything a store holds, searched for what tells of one user."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from lib.kv.replies import Reply
from tests.support.deployment import Deployment
from tests.support.kv import client_of

READS: Final = {
    "string": ("GET", ()),
    "list": ("LRANGE", (0, -1)),
    "set": ("SMEMBERS", ()),
    "zset": ("ZRANGE", (0, -1, "WITHSCORES")),
    "hash": ("HGETALL", ()),
}


async def contents(site: Deployment) -> dict[str, Reply]:
    """Every key and its value; of totals, which are numbers only, the key alone."""
    kv = client_of(site.store, site.clock)
    names = await kv.run("KEYS", "*")
    assert isinstance(names, list)
    held: dict[str, Reply] = {}
    for name in map(str, names):
        command, arguments = READS[str(await kv.run("TYPE", name))]
        held[name] = None if ":t2:" in name else await kv.run(command, name, *arguments)
    return held


async def traces(site: Deployment, words: Sequence[str]) -> list[str]:
    """The keys that have one of these words in their name or value."""
    held = await contents(site)
    return sorted(name for name, value in held.items() if any(word in f"{name} {value!r}" for word in words))
