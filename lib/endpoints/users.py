"""/api/ai/users/{id}/data and …/usage."""

from __future__ import annotations

from secrets import token_hex

from lib.ai.alerts.book import AlertBook
from lib.ai.privacy.anonymise import Anonymiser
from lib.ai.privacy.deletion import Deletion
from lib.ai.privacy.export import Export
from lib.ai.privacy.places import Places
from lib.contract import JsonObject
from lib.site import Site
from lib.web.endpoint import Endpoint, EndpointRules
from lib.web.shell import Route
from lib.web.users_route import USERS, UserData, UsersRoute, shown


def places_of(site: Site) -> Places:
    """Where what is held about users lies."""
    gateway = site.gateway
    return Places(gateway.store, gateway.keys, gateway.world.clock, gateway.log.retention, gateway.vault)


def deletion_of(site: Site) -> Deletion:
    """What deletes users."""
    gateway = site.gateway
    places = places_of(site)
    alerts = AlertBook(gateway.store, gateway.keys, gateway.world.clock)
    return Deletion(places, Anonymiser(places, gateway.log), lambda: f"del_{token_hex(12)}", alerts.forget)


def routes(site: Site) -> tuple[Route, ...]:
    """What is held about a user."""
    gateway, deletion = site.gateway, deletion_of(site)
    export = Export(places_of(site), gateway.log)

    async def delete(user_id: str) -> JsonObject:
        receipt = await deletion.delete_user_data(user_id)
        if gateway.tiers is not None:
            gateway.tiers.changed(gateway.keys.person(user_id))
        return shown(receipt.id, receipt.begun_at, receipt.completed_at, receipt.deleted)

    data = UserData(export.export_user_data, delete, gateway.stats.get_user_usage)
    route = UsersRoute(site.access, data)
    rules = EndpointRules(methods=("GET", "DELETE"), cors=site.cors)
    return (
        Route(f"{USERS}/*/data", Endpoint(route.all, site.ids, rules)),
        Route(f"{USERS}/*/usage", Endpoint(route.usage, site.ids, EndpointRules(cors=site.cors))),
    )
