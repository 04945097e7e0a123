"""/api/chat, and how it is steered: GET and PUT /api/ai/admin/rollout."""

from __future__ import annotations

from lib.ai.rollout.board import RolloutBoard
from lib.ai.rollout.rules import AutoRollback, Rollout
from lib.ai.rollout.sides import LegacyBooks, Side, direct, unchanged
from lib.contract import Arm
from lib.endpoints.chat import chat_rules
from lib.site import Site
from lib.web.chat_route import ChatEndpoint
from lib.web.proxy import Proxy, Target, names_of
from lib.web.rollout_route import Legacy, RolloutAdmin, RolloutEndpoint, Sides
from lib.web.shell import Route


def routes(site: Site) -> tuple[Route, ...]:
    """The old route."""
    gateway, rules, board = site.gateway, chat_rules(site), board_of(site)
    clock, given = gateway.world.clock, gateway.settings.rollout

    def side(arm: Arm) -> ChatEndpoint:
        shape = unchanged if arm is Arm.NEW else direct(given.legacy_model)
        return ChatEndpoint(Side(gateway.pipeline, board, arm, shape), site.access, clock, site.ids, rules)

    old = legacy(site, board) if given.legacy_url else side(Arm.OLD)
    endpoint = RolloutEndpoint(board, site.access, Sides(side(Arm.NEW), old), clock, rules)
    return (Route("/api/chat", endpoint.app(site.ids)),)


def rollout_routes(site: Site) -> tuple[Route, ...]:
    """For the operator."""
    return (site.json("/api/ai/admin/rollout", RolloutAdmin(site.access, board_of(site)), "GET", "PUT"),)


def board_of(site: Site) -> RolloutBoard:
    """How far the rollout has come."""
    gateway, given = site.gateway, site.gateway.settings.rollout
    auto = AutoRollback(margin_percent=given.margin_percent, min_requests=given.min_requests)
    default = Rollout(given.hundredths, auto=auto)
    return RolloutBoard(gateway.store, gateway.keys, gateway.world.clock, default)


def legacy(site: Site, board: RolloutBoard) -> Legacy:
    """The old implementation."""
    gateway = site.gateway
    given, waits = gateway.settings.rollout, gateway.settings.timeouts
    target = Target(
        url=given.legacy_url,
        token=given.legacy_token or "",
        headers=names_of(given.legacy_headers),
        connect_seconds=waits.connect_seconds,
        idle_seconds=waits.reasoning_idle_seconds,
        on_vercel=gateway.settings.environment.on_vercel,
    )
    books = LegacyBooks(gateway.log, gateway.keys, gateway.world.clock, board)
    return Legacy(Proxy(gateway.world.transport, gateway.world.clock, target), books)
