"""Other gateways, each from an environment of its own that the command line names; none is a requirement of ours.

They are set up to do as much of what ours does as they can without a database: one provider, one retry, and limits and
cache in the same Redis where they have them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench.overhead.machine import LOOK_SECONDS, START_SECONDS, cores, free_port, running
from bench.overhead.programs import KEY, Endpoint, Surroundings
from bench.overhead.scenarios import CACHED, PLAIN
from bench.overhead.targets import Start, Started, Target
from lib.contract import JsonObject

MODEL: Final = "gpt-4o-mini"
TENSORZERO_CONFIG: Final = """
[gateway]
observability.enabled = false
[models.gpt-4o-mini]
routing = ["openai"]
[models.gpt-4o-mini.providers.openai]
type = "openai"
model_name = "gpt-4o-mini"
api_base = "{provider}/"
api_key_location = "none"
[rate_limiting]
enabled = true
[[rate_limiting.rules]]
model_inferences_per_minute = 10000000
always = true
"""


def litellm(environment: Path) -> Target:
    """LiteLLM's proxy with its router, cache and limits in Redis; `environment` is a virtual environment."""

    @contextmanager
    def start(around: Surroundings) -> Generator[Started]:
        port, config = free_port(), around.folder / "litellm.json"
        config.write_text(json.dumps(_litellm_config(around)), encoding="utf-8")
        command = (environment / "bin/litellm", "--config", config, "--port", str(port), "--host", "127.0.0.1")
        env = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_MODE": "PRODUCTION", "LITELLM_LOG": "ERROR"}
        with running(command, cores()[0], around.folder / "litellm.log", env) as program:
            program.wait_for(port)
            yield Started(Endpoint(port, "/v1/chat/completions"), program)

    return Target("litellm", "LiteLLM's proxy, Redis at 0 ms", start, (*PLAIN, *CACHED))


def _litellm_config(around: Surroundings) -> JsonObject:
    redis: JsonObject = {"host": "127.0.0.1", "port": around.redis}
    return {  # JSON is YAML
        "model_list": [
            {
                "model_name": MODEL,
                "litellm_params": {
                    "model": f"openai/{MODEL}",
                    "api_base": around.provider_url,
                    "api_key": "bench",
                    "rpm": 10_000_000,
                },
            }
        ],
        "litellm_settings": {
            "cache": True,
            "cache_params": {"type": "redis", **redis},
            "num_retries": 1,
            "set_verbose": False,
        },
        "router_settings": {"redis_host": "127.0.0.1", "redis_port": around.redis, "num_retries": 1},
        "general_settings": {"master_key": KEY},
    }


def portkey(modules: Path) -> Target:
    """Portkey's gateway from npm; `modules` is the node_modules folder that holds it."""

    @contextmanager
    def start(around: Surroundings) -> Generator[Started]:
        port = free_port()
        script = modules / "@portkey-ai/gateway/build/start-server.js"
        config: JsonObject = {
            "provider": "openai",
            "api_key": "bench",
            "custom_host": around.provider_url,
            "retry": {"attempts": 1},
        }
        env = {"TRUSTED_CUSTOM_HOSTS": "127.0.0.1", "NODE_ENV": "production"}
        command = ("node", script, "--headless", f"--port={port}")
        with running(command, cores()[0], around.folder / "portkey.log", env) as program:
            program.wait_for(port)
            headers = (f"x-portkey-config: {json.dumps(config)}",)
            yield Started(Endpoint(port, "/v1/chat/completions", headers), program)

    return Target("portkey", "Portkey", start, PLAIN)


def tensorzero(environment: Path) -> Target:
    """TensorZero's gateway, which is Rust, with one limit in Redis; `environment` is a virtual environment."""
    return Target("tensorzero", "TensorZero, Redis at 0 ms", _tensorzero(environment), PLAIN)


def _tensorzero(environment: Path) -> Start:
    @contextmanager
    def start(around: Surroundings) -> Generator[Started]:
        config, log = around.folder / "tensorzero.toml", around.folder / "tensorzero.log"
        config.write_text(TENSORZERO_CONFIG.format(provider=around.provider_url), encoding="utf-8")
        script = Path(__file__).with_name("tensorzero_server.py")
        command = (environment / "bin/python", script, config, f"redis://127.0.0.1:{around.redis}")
        with running(command, cores()[0], log, {"RUST_LOG": "error"}) as program:
            port = _port_in(log, program.process.poll)
            path = "/openai/v1/chat/completions"
            yield Started(Endpoint(port, path, model=f"tensorzero::model_name::{MODEL}"), program)

    return start


def _port_in(log: Path, ended: object) -> int:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        said = log.read_text(encoding="utf-8", errors="replace")
        addresses = [line for line in said.splitlines() if line.startswith("http://")]
        if addresses:
            return int(addresses[0].rstrip("/").removesuffix("/openai/v1").rpartition(":")[2])
        if callable(ended) and ended() is not None:
            break
        time.sleep(LOOK_SECONDS)
    raise RuntimeError(log.read_text(encoding="utf-8", errors="replace")[-600:])
