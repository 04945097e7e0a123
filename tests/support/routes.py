"""The routes of every function, for tests that look at all of them."""

from __future__ import annotations

import importlib
import pkgutil

import lib.endpoints
from lib.site import Site
from lib.web.shell import Route


def functions() -> tuple[str, ...]:
    """The modules of `lib.endpoints` that hold a function's routes."""
    names = (module.name for module in pkgutil.iter_modules(lib.endpoints.__path__))
    return tuple(name for name in names if hasattr(importlib.import_module(f"lib.endpoints.{name}"), "routes"))


def routes_in(name: str, site: Site) -> tuple[Route, ...]:
    """Those of one function."""
    routes: tuple[Route, ...] = importlib.import_module(f"lib.endpoints.{name}").routes(site)
    return routes


def routes_of(site: Site) -> list[Route]:
    """Those of all."""
    return [route for name in functions() for route in routes_in(name, site)]
