"""Settings of batches, and of the queue that works durable jobs off."""

from __future__ import annotations

from typing import Final

from lib.settings.identity import https
from lib.settings.variables import Group, number, secret, text, whole

QSTASH: Final = "https://qstash.upstash.io"


class Batches(Group):
    """Batches. With QStash durable jobs run by themselves; without it while clients poll, and by cron."""

    lease_seconds: int = whole(
        "BATCH_LEASE_SECONDS", 30, "After this without a sign of life from its function an item is free again", low=1
    )
    slice_seconds: float = number(
        "BATCH_SLICE_SECONDS", 120.0, "How long one function call goes on starting items of a durable job", low=0.1
    )
    jobs_per_user: int = whole("BATCH_JOBS_PER_USER", 20, "Durable jobs that a user may have in the store", low=1)
    queue_token: str | None = secret("QSTASH_TOKEN", "Publishes to Upstash QStash; unset: no queue")
    queue_url: str = https("QSTASH_URL", f"Where QStash is, if not at {QSTASH}")
    signing_key: str | None = secret("QSTASH_CURRENT_SIGNING_KEY", "Signs QStash's calls; unset closes the hook")
    next_signing_key: str | None = secret("QSTASH_NEXT_SIGNING_KEY", "Signs them once the keys are rotated")
    own_url: str = https("GATEWAY_URL", "Where QStash reaches this deployment, if not at VERCEL's own address")
    vercel_domain: str = text("VERCEL_PROJECT_PRODUCTION_URL", "", "Set by Vercel: the domain of production")
    vercel_url: str = text("VERCEL_URL", "", "Set by Vercel: the domain of this deployment")

    def public_url(self, *, live: bool) -> str:
        """The deployment's address without a trailing slash; empty where nobody has said. `live`: it is production."""
        domain = (live and self.vercel_domain) or self.vercel_url
        return self.own_url or (f"https://{domain}" if domain else "")
