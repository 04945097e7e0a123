"""Which environment variables name the store."""

from __future__ import annotations

import pytest

from lib.errors import SettingsError
from lib.kv.client import KvEndpoint

URL = "https://eu1-store.upstash.io"


@pytest.mark.parametrize(
    ("url_name", "token_name"),
    [
        ("UPSTASH_REDIS_REST_URL", "UPSTASH_REDIS_REST_TOKEN"),
        ("KV_REST_API_URL", "KV_REST_API_TOKEN"),
        ("CACHE_KV_REST_API_URL", "CACHE_KV_REST_API_TOKEN"),
        ("CACHE_UPSTASH_REDIS_REST_URL", "CACHE_UPSTASH_REDIS_REST_TOKEN"),
    ],
)
def test_four_shapes_of_names_are_understood(url_name: str, token_name: str) -> None:
    assert KvEndpoint.from_env({url_name: URL + "/", token_name: " t \n"}) == KvEndpoint(URL, "t")


def test_no_store_is_configured_when_nothing_is_set() -> None:
    assert KvEndpoint.from_env({"KV_URL": "redis://x", "PATH": "/bin", "KV_REST_API_URL": " "}) is None


def test_a_read_only_token_is_never_taken() -> None:
    env = {"KV_REST_API_URL": URL, "KV_REST_API_READ_ONLY_TOKEN": "r"}
    with pytest.raises(SettingsError, match="KV_REST_API_TOKEN must be set"):
        KvEndpoint.from_env(env)
    assert KvEndpoint.from_env({**env, "KV_REST_API_TOKEN": "w"}) == KvEndpoint(URL, "w")


@pytest.mark.parametrize(
    ("env", "missing"),
    [
        ({"UPSTASH_REDIS_REST_URL": URL}, "UPSTASH_REDIS_REST_TOKEN"),
        ({"UPSTASH_REDIS_REST_TOKEN": "t"}, "UPSTASH_REDIS_REST_URL"),
        ({"X_KV_REST_API_TOKEN": "t"}, "X_KV_REST_API_URL"),
        ({"KV_REST_API_URL": URL, "KV_REST_API_TOKEN": ""}, "KV_REST_API_TOKEN"),
    ],
)
def test_half_a_pair_names_what_is_missing(env: dict[str, str], missing: str) -> None:
    with pytest.raises(SettingsError, match=f"^{missing} must be set"):
        KvEndpoint.from_env(env)


def test_the_plain_name_wins_over_a_prefixed_one_and_upstashs_over_vercels() -> None:
    env = {
        "A_KV_REST_API_URL": "https://prefixed",
        "A_KV_REST_API_TOKEN": "p",
        "KV_REST_API_URL": "https://vercel",
        "KV_REST_API_TOKEN": "v",
    }
    assert KvEndpoint.from_env(env) == KvEndpoint("https://vercel", "v")
    env |= {"UPSTASH_REDIS_REST_URL": "https://upstash", "UPSTASH_REDIS_REST_TOKEN": "u"}
    assert KvEndpoint.from_env(env) == KvEndpoint("https://upstash", "u")


def test_the_redis_url_is_not_mistaken_for_the_rest_url() -> None:
    with pytest.raises(SettingsError, match=r"KV_REST_API_URL must be an http\(s\) URL"):
        KvEndpoint.from_env({"KV_REST_API_URL": "rediss://x:6379", "KV_REST_API_TOKEN": "t"})


def test_the_token_is_not_shown() -> None:
    assert "secret" not in repr(KvEndpoint(URL, "secret"))
