"""GET /api/ai/cron. A new task is one more row."""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

from lib.access.api_keys import ApiKeys
from lib.contract import Json
from lib.kv.expiry import ExpirySweep
from lib.site import Site
from lib.web.cron_route import CronRoute, CronTask
from lib.web.shell import Route

PAGES: Final = 50


def cron_routes(site: Site) -> tuple[Route, ...]:
    """What nobody else sees to, the quick first: alerts and their deliveries, models that retire, what was left behind,
    and durable batches that no queue and no client drives on.
    """
    secret = site.gateway.settings.access.cron_secret or ""
    work = _Tasks(site)
    tasks = (
        CronTask("usage", work.usage),
        CronTask("patrol", work.patrol),
        CronTask("retirement", work.retirement),
        CronTask("deliveries", work.deliveries),
        CronTask("digest", work.digest),
        CronTask("expiry", work.expiry),
        CronTask("keys", work.keys),
        CronTask("deletions", work.deletions),
        CronTask("batches", work.batches),
    )
    return (site.json("/api/ai/cron", CronRoute(secret, tasks)),)


class _Tasks:
    """Each may be done at any time, and twice, and raises StoreError."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._gateway = site.gateway

    async def usage(self) -> Json:
        """Requests whose function died are booked as lost."""
        return {"lost": len(await self._gateway.sweep.run())}

    async def patrol(self) -> Json:
        """Alerts that no request has raised."""
        return await self._gateway.alerts.patrol.run()

    async def retirement(self) -> Json:
        """Models near their date, or gone from their provider's list."""
        return await self._gateway.alerts.retirement.run()

    async def deliveries(self) -> Json:
        """Alerts that could not be delivered before."""
        return {"tried": await self._gateway.alerts.desk.deliver_due()}

    async def digest(self) -> Json:
        """What has been raised since the last one, in one message."""
        return {"alerts": await self._gateway.alerts.desk.send_digest()}

    async def expiry(self) -> Json:
        """Keys without a lifetime get one."""
        sweep = ExpirySweep(self._gateway.store, self._gateway.keys, self._gateway.log.retention.totals_seconds)
        return asdict(await sweep.run())

    async def keys(self) -> Json:
        """The list of API keys is rid of those that are no more."""
        return {"listed": await listed_keys(self._gateway.api_keys)}

    async def deletions(self) -> Json:
        """Deletions of users that were cut short."""
        from lib.endpoints.users import deletion_of

        return {"completed": await deletion_of(self._site).complete()}

    async def batches(self) -> Json:
        """A slice of some jobs."""
        from lib.endpoints.batch_worker import JobShop

        return {"jobs": await JobShop(self._site).work_on_some()}


async def listed_keys(keys: ApiKeys) -> int:
    """How many API keys there are, of the first pages of the list; reading one drops what is gone from it."""
    count, cursor = 0, ""
    for _ in range(PAGES):
        page = await keys.page("", cursor)
        count, cursor = count + len(page.records), page.cursor
        if not cursor:
            break
    return count
