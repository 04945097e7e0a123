"""Settings, typed, from the environment."""

from lib.settings.groups import (
    GROUPS,
    Access,
    Cache,
    Dedup,
    Diagnostics,
    Environment,
    Kv,
    Limits,
    Providers,
    RequestTimeouts,
    Retry,
    Routing,
    Streams,
)
from lib.settings.settings import Settings, base_url_variable, json_text

__all__ = [
    "GROUPS",
    "Access",
    "Cache",
    "Dedup",
    "Diagnostics",
    "Environment",
    "Kv",
    "Limits",
    "Providers",
    "RequestTimeouts",
    "Retry",
    "Routing",
    "Settings",
    "Streams",
    "base_url_variable",
    "json_text",
]
