"""Requests made up from the description, valid and broken: every answer is one that the description allows."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.support.local_product import ROOT, local_product

SERVICE: Final = "service-token"
ADMIN: Final = "admin-token"
CRON: Final = "cron-secret"
SECRETS: Final = f"""
[auth.openapi.bearer]
bearer = "{SERVICE}"
[auth.openapi.apiKey]
api_key = "{SERVICE}"
[auth.openapi.admin]
bearer = "{ADMIN}"
[auth.openapi.cron]
bearer = "{CRON}"
"""
ENVIRONMENT: Final = {
    "GATEWAY_SERVICE_TOKEN": SERVICE,
    "GATEWAY_ADMIN_TOKEN": ADMIN,
    "ALLOW_ANONYMOUS": "off",
    "TIER_LIMITS": "master=1000000/1",
    "IP_LIMIT_PER_MINUTE": "1000000",
    "CRON_SECRET": CRON,
    "STRIPE_WEBHOOK_SECRET": "whsec_0123456789abcdef",
    "QSTASH_TOKEN": "queue-token",
    "QSTASH_CURRENT_SIGNING_KEY": "sig_0123456789abcdef",
    "GATEWAY_URL": "https://gateway.example.com",
}
BOUNDARIES: Final = (
    "--phases=coverage",
    "--exclude-path=/api/chat",
    "--exclude-path=/api/ai/v2/chat",
    "--exclude-path=/api/ai/route",
    "--exclude-path=/api/ai/v2/batch",
    "--exclude-path=/api/ai/v1/chat/completions",
    "--exclude-path=/api/ai/v1/messages",
)
"""Each boundary of each field: hundreds of requests for bodies of this size, so chats have the other kind alone."""


@pytest.mark.parametrize("kind", [("--phases=examples,fuzzing", "--max-examples=3"), BOUNDARIES], ids=("any", "edges"))
def test_every_answer_is_one_that_the_description_allows(kind: tuple[str, ...], tmp_path: Path) -> None:
    config = tmp_path / "schemathesis.toml"
    config.write_text(SECRETS)
    with local_product(**ENVIRONMENT) as url:
        tried = subprocess.run(
            (
                str(Path(sys.executable).parent / "schemathesis"),
                *("--config-file", str(config), "run", f"{url}/api/ai/openapi.json", *kind),
                *("--checks=all", "--generation-deterministic", "--continue-on-failure", "--warnings=off"),
                *("-H", "x-user-id: u1", "-H", "x-user-tier: master"),
            ),
            cwd=ROOT,
            env={"PATH": os.defpath, "SCHEMATHESIS_HOOKS": "tests.support.openapi_hooks"},
            capture_output=True,
            text=True,
            check=False,
        )
    assert tried.returncode == 0, tried.stdout[-20_000:] + tried.stderr
