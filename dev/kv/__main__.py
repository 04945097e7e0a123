"""`python -m dev.kv --port 9210 --token t [--redis redis://127.0.0.1:6379]` serves a store on loopback."""

from __future__ import annotations

import argparse

import uvicorn

from dev import kv


def main() -> None:
    """Serve until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m dev.kv", description="Upstash's REST protocol on loopback")
    parser.add_argument("--port", type=int, default=9210)
    parser.add_argument("--token", default="local", help="bearer token that may read and write")
    parser.add_argument("--read-only-token", help="bearer token that may only read")
    parser.add_argument("--redis", metavar="URL", help="a Redis server to stand in front of, instead of fakeredis")
    given = parser.parse_args()
    app = kv.create(token=given.token, backend=given.redis, read_only_token=given.read_only_token)
    print(f"store on http://127.0.0.1:{given.port}", flush=True)
    uvicorn.run(app, host="127.0.0.1", port=given.port, log_level="warning", access_log=False)


main()
