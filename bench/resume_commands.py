"""What a stream costs in the KV that its caller can come back to: round trips and billed commands, on a real Redis.

    python -m bench.resume_commands

The same answers are streamed with and without `STREAM_RESUME`, word by word over so many seconds of a clock that is
turned by hand, with nobody reading along and with one reader.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Final

from bench.kv_commands import measured, read_stats
from dev.kv import RedisBridge
from lib.aiohttp_transport import AiohttpTransport
from tests.scripted.provider import ScriptedProvider
from tests.scripted.sayings import says
from tests.scripted.steps import Act, with_inserted
from tests.support.clock import HandTurnedClock
from tests.support.deployment import SERVICE, Deployment
from tests.support.kept_streams import passes, resuming, streaming, ui_chat
from tests.support.kv import TOKEN, embedded_server

SECONDS: Final = (0.5, 2.0, 10.0, 60.0)
UNREAD_SECONDS: Final = 1.5
"""Before a reader comes."""
KINDS: Final = (("plain", False, False), ("can be resumed", True, False), ("and is read along", True, True))
ROW: Final = "{:42} {:>11} {:>7}   {}"


async def cost(url: str, seconds: float, *, kept: bool, read: bool) -> tuple[int, int, dict[str, int]]:
    """Round trips, billed commands, and the commands by name of one streamed answer."""
    async with AsyncExitStack() as stack:
        bridge = RedisBridge.from_url(url)
        stack.push_async_callback(bridge.aclose)
        await bridge.run([[b"FLUSHALL"]])
        provider = await stack.enter_async_context(ScriptedProvider())
        provider.script("gpt-4o", [with_inserted(says("A lease ", "ends by itself."), 2, Act.HOLD)])
        clock, server, transport = HandTurnedClock(), embedded_server(bridge), AiohttpTransport()
        stack.push_async_callback(transport.aclose)
        env = {
            "UPSTASH_REDIS_REST_URL": "http://kv",
            "UPSTASH_REDIS_REST_TOKEN": TOKEN,
            "GATEWAY_SERVICE_TOKEN": SERVICE,
            "OPENAI_API_KEY": "key",
            "OPENAI_BASE_URL": provider.base_url,
            "STREAM_RESUME": "on" if kept else "off",
        }
        site = Deployment(provider, clock, server, transport, env)
        await bridge.run([[b"CONFIG", b"RESETSTAT"]])
        before = server.stats.requests
        async with streaming(site, site.instance(), ui_chat()) as answer:
            await answer.shows("A lease ")
            await passes(site, min(seconds, UNREAD_SECONDS))
            if read and seconds > UNREAD_SECONDS:
                reader = await stack.enter_async_context(resuming(site, site.instance()))
                await reader.shows("A lease ")
            await passes(site, max(0.0, seconds - UNREAD_SECONDS))
            provider.release()
            await answer.ends()
        (stats,) = await bridge.run([[b"INFO", b"commandstats"]])
        counts = read_stats(stats.decode() if isinstance(stats, bytes) else "")
        return server.stats.requests - before, sum(counts.values()), counts


async def measure(url: str) -> None:
    """Print the table."""
    print(ROW.format("stream", "round trips", "billed", "commands"))
    for seconds in SECONDS:
        for name, kept, read in KINDS:
            trips, billed, counts = await cost(url, seconds, kept=kept, read=read)
            shown = " ".join(f"{n} {c}" for n, c in sorted(counts.items(), key=lambda pair: -pair[1]))
            print(ROW.format(f"{seconds:g} s, {name}", trips, billed, shown))


if __name__ == "__main__":
    measured(measure)
