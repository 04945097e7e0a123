"""What may be cached, under which key, for how long and in which form: decisions only, the KV is elsewhere."""

from lib.kv.cache.canonical import canonical
from lib.kv.cache.eligibility import Ineligible, read_eligible, store_eligible
from lib.kv.cache.entry import Entry, EntryMeta, answer_from_json, answer_to_json, decode, encode, opened
from lib.kv.cache.scope import (
    body_digest,
    cache_key,
    dedup_key,
    idempotency_digest,
    lone_question,
    scope_fingerprint,
)
from lib.kv.cache.ttl import ClassSeconds, Lifetimes, Ttl, jittered, ttl_for
from lib.kv.cache.ttl_rules import TtlClass

__all__ = [
    "ClassSeconds",
    "Entry",
    "EntryMeta",
    "Ineligible",
    "Lifetimes",
    "Ttl",
    "TtlClass",
    "answer_from_json",
    "answer_to_json",
    "body_digest",
    "cache_key",
    "canonical",
    "decode",
    "dedup_key",
    "encode",
    "idempotency_digest",
    "jittered",
    "lone_question",
    "opened",
    "read_eligible",
    "scope_fingerprint",
    "store_eligible",
    "ttl_for",
]
