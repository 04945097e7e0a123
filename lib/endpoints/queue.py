"""POST /api/ai/hooks/queue."""

from __future__ import annotations

from lib.site import Site
from lib.web.endpoint import EndpointRules
from lib.web.json_route import JsonEndpoint
from lib.web.queue_route import LARGEST, QueueRoute
from lib.web.shell import Route


def queue_routes(site: Site) -> tuple[Route, ...]:
    """Durable batches go on. What works on them is imported with the first call: most hooks do not need it."""
    given = site.gateway.settings
    url = given.batches.public_url(live=given.environment.vercel_stage == "production")

    async def work(job: str) -> None:
        from lib.endpoints.batch_worker import JobShop

        await JobShop(site).work(job)

    path = "/api/ai/hooks/queue"
    keys = (given.batches.signing_key or "", given.batches.next_signing_key or "")
    route = QueueRoute(keys, f"{url}{path}" if url else "", work, site.gateway.world.clock)
    return (Route(path, JsonEndpoint(route, site.ids, EndpointRules(methods=("POST",), body_limit=LARGEST))),)
