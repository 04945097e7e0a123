"""Names of the keys in the KV: one namespace, user ids and addresses only as keyed hashes."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Final

_SPECIAL: Final = re.compile(r"[*?\[\]\\]")
DAY_SECONDS: Final = 86_400
LOG_SHARDS: Final = 16
"""Lists a day's usage log is spread over, by user."""


def day_of(now: float) -> str:
    """`20261124`: the UTC day of a time."""
    return _stamp(int(now // DAY_SECONDS))


@lru_cache(maxsize=64)
def _stamp(days: int) -> str:
    return datetime.fromtimestamp(days * DAY_SECONDS, UTC).strftime("%Y%m%d")


class Keys:
    """Builds every key. `secret` keeps the hashes from being guessed by trying user ids."""

    def __init__(self, namespace: str, secret: str) -> None:
        self._prefix = namespace + ":"
        self._secret = blake2b(secret.encode(), digest_size=32).digest()

    def person(self, identity: str) -> str:
        """The hash under which a user id or an address is known to the KV (20 hex digits)."""
        return blake2b(identity.encode("utf-8", "surrogatepass"), key=self._secret, digest_size=10).hexdigest()

    def user_state(self, person: str) -> str:
        """Windows, lockouts, spend and holds of one user."""
        return f"{self._prefix}u1:{person}"

    def shared_spend(self, scope: str, name: str) -> str:
        """Spend and holds of all who share a budget: of one key, or of the deployment, whose name is empty."""
        return f"{self._prefix}b1:{scope}:{name}"

    @property
    def budgets(self) -> str:
        """Budgets that were set at run time."""
        return f"{self._prefix}bg"

    def address_state(self, address: str) -> str:
        """Windows of one client address."""
        return f"{self._prefix}i1:{address}"

    def answer(self, digest: str) -> str:
        """A cached answer."""
        return f"{self._prefix}c1:{digest}"

    def near(self, entry: str) -> str:
        """A cached answer together with its question, by the short id that postings hold."""
        return f"{self._prefix}n1:{entry}"

    def near_postings(self, scope: str, slot: int) -> str:
        """The questions of one scope and slot of time, by their rarest terms."""
        return f"{self._prefix}np:{scope}:{slot}"

    def near_pool(self, name: str) -> str:
        """What comparisons of near answers came to."""
        return f"{self._prefix}nc:{name}"

    def near_said(self, person: str, week: int) -> str:
        """How many of one user's comparisons have counted in a week."""
        return f"{self._prefix}nu:{person}:{week}"

    def near_wrong(self, question: str, entry: str) -> str:
        """There while an entry is known not to answer a question; both by their short ids."""
        return f"{self._prefix}nt:{question}:{entry}"

    @property
    def experiments(self) -> str:
        """The experiments with the cache that are on."""
        return f"{self._prefix}xp"

    def arm_votes(self, label: str) -> str:
        """First votes on answers of one arm of an experiment."""
        return f"{self._prefix}xv:{label}"

    def vector(self, digest: str) -> str:
        """The cached vector of one text."""
        return f"{self._prefix}v1:{digest}"

    def duplicate(self, digest: str) -> str:
        """The claim on, or the result of, one distinct request."""
        return f"{self._prefix}d1:{digest}"

    def awaited(self, digest: str) -> str:
        """There while a duplicate waits for the request in flight."""
        return f"{self._prefix}dw:{digest}"

    def health(self, model: str) -> str:
        """Recent outcomes and the circuit of one model."""
        return f"{self._prefix}h1:{model}"

    def probe(self, model: str) -> str:
        """Held by whoever may send the one trial request to a half-open model."""
        return f"{self._prefix}hp:{model}"

    def shard(self, person: str) -> int:
        """The part of the usage log a user's records go to."""
        return int(person[:4], 16) % LOG_SHARDS

    def log(self, day: str, shard: int) -> str:
        """A list of usage records, one per request, in order of arrival."""
        return f"{self._prefix}ev:{day}:{shard}"

    def cursor(self, day: str, shard: int) -> str:
        """How many records of that list the totals already hold."""
        return f"{self._prefix}cu:{day}:{shard}"

    def sweep(self, shard: int) -> str:
        """How far that part of the log has been searched for requests that were never closed."""
        return f"{self._prefix}sw:{shard}"

    def booked_once(self, kind: str, request_id: str) -> str:
        """Set when a record of this kind has been added to the log outside of its request."""
        return f"{self._prefix}bo:{kind}:{request_id}"

    def view(self, what: str, name: str, period: str) -> str:
        """Totals of one day or month (`20261124`, `202611`): `what` is user, model, task, …, `name` which one."""
        return f"{self._prefix}t2:{what}:{period}:{name}"

    def ranking(self, what: str, period: str) -> str:
        """The names that have such totals, by what they cost."""
        return f"{self._prefix}tr:{what}:{period}"

    def user_month(self, person: str, month: str) -> str:
        """Totals of one user and month, by day."""
        return self.view("user", person, month)

    def model_day(self, model: str, day: str) -> str:
        """Totals of one model and day, by hour."""
        return self.view("model", model, day)

    def model_month(self, model: str, month: str) -> str:
        """Totals of one model and month, by day."""
        return self.view("model", model, month)

    def user_votes(self, person: str, day: str) -> str:
        """A user's votes on a day's answers, by request id."""
        return f"{self._prefix}fb:{person}:{day}"

    def model_votes(self, model: str, day: str) -> str:
        """Counts of votes on one model's answers of a day, by task."""
        return f"{self._prefix}fm:{model}:{day}"

    def task_votes(self, task: str) -> str:
        """Votes that teach on the answers to one kind of task, by length of prompt and model."""
        return f"{self._prefix}ft:{task}"

    def user_lessons(self, person: str) -> str:
        """How many of a user's votes have taught, by task, length of prompt and model."""
        return f"{self._prefix}fl:{person}"

    def arm_day(self, arm: str, day: str) -> str:
        """Totals of one side of the gradual rollout and day."""
        return self.view("arm", arm, day)

    @property
    def rollout(self) -> str:
        """How far the gradual rollout has come, and who may turn it back."""
        return f"{self._prefix}ro"

    def rollout_window(self, generation: int, window: int) -> str:
        """Requests and errors of both sides since the rollout was last changed, by window of time."""
        return f"{self._prefix}rw:{generation}:{window}"

    def tier(self, person: str) -> str:
        """A user's tier as it was last looked up."""
        return f"{self._prefix}ti:{person}"

    def subscriptions(self, person: str) -> str:
        """What subscription events have told about a user."""
        return f"{self._prefix}sb:{person}"

    def webhook_event(self, event_id: str) -> str:
        """Set when an event has been taken in."""
        return f"{self._prefix}we:{self.person(event_id)}"

    def api_key(self, key_id: str) -> str:
        """The record of one API key, by its public id."""
        return f"{self._prefix}k1:{key_id}"

    def api_keys_of(self, person: str) -> str:
        """The names of one user's API keys."""
        return f"{self._prefix}ku:{person}"

    @property
    def api_keys(self) -> str:
        """The names of all API keys."""
        return f"{self._prefix}ka"

    def seal(self, text: str) -> str:
        """Eight hex digits by which a text that this deployment made is told from one that others made up."""
        return blake2b(text.encode(), key=self._secret, digest_size=4, person=b"seal").hexdigest()

    def chat(self, person: str, chat_id: str) -> str:
        """The hash under which one of a user's chats is known."""
        return self.person(f"{person} {chat_id}")

    def stream(self, person: str, request_id: str) -> str:
        """The text of an answer that its user may come back to."""
        return f"{self._prefix}ss:{person}:{request_id}"

    def stream_wish(self, person: str, request_id: str) -> str:
        """What readers of that text want of its writer."""
        return f"{self._prefix}sx:{person}:{request_id}"

    def streams_of(self, person: str, slot: int) -> str:
        """A user's chats and the request that answers each, by slot of time."""
        return f"{self._prefix}sn:{person}:{slot}"

    def batch(self, job: str) -> str:
        """What one batch job is: owner, size, lifetime."""
        return f"{self._prefix}bh:{job}"

    def batch_state(self, job: str) -> str:
        """How far it has come, and who works on which item."""
        return f"{self._prefix}bs:{job}"

    def batch_requests(self, job: str, digest: str, chunk: int) -> str:
        """Some of its requests. The digest of them all keeps two uploads under one name apart."""
        return f"{self._prefix}bq:{job}:{digest}:{chunk}"

    def batch_result(self, job: str, index: int) -> str:
        """One item's result."""
        return f"{self._prefix}br:{job}:{index}"

    def user_batches(self, person: str) -> str:
        """The jobs that a user has in the store."""
        return f"{self._prefix}bu:{person}"

    @property
    def open_batches(self) -> str:
        """The jobs that are not done."""
        return f"{self._prefix}bp"

    def alert_claim(self, once: str) -> str:
        """Set while an alert counts as raised."""
        return f"{self._prefix}ac:{self.person(once)}"

    def alert(self, alert_id: str) -> str:
        """One alert and who has been told."""
        return f"{self._prefix}al:{alert_id}"

    @property
    def alerts(self) -> str:
        """The ids of the latest alerts, by time."""
        return f"{self._prefix}ax"

    @property
    def alerts_due(self) -> str:
        """The ids of alerts that somebody has still to be told of, by when to try."""
        return f"{self._prefix}ad"

    @property
    def alerts_digested(self) -> str:
        """Up to when alerts have been summed up."""
        return f"{self._prefix}ag"

    @property
    def patrol(self) -> str:
        """Set when somebody has just looked for what is worth an alert."""
        return f"{self._prefix}ap"

    def health_told(self, model: str) -> str:
        """The state of a model that the last alert about it told."""
        return f"{self._prefix}ah:{model}"

    def models_listed(self, provider: str) -> str:
        """The models that a provider offered when it was last asked."""
        return f"{self._prefix}am:{provider}"

    @property
    def expiry_cursor(self) -> str:
        """How far the search for keys without a lifetime has come."""
        return f"{self._prefix}xc"

    @property
    def every(self) -> str:
        """The pattern that all keys match, and none of another namespace."""
        return _SPECIAL.sub(r"\\\g<0>", self._prefix) + "*"

    def holdings(self, person: str) -> str:
        """The names of the keys that hold texts of a user, by when they are gone."""
        return f"{self._prefix}ix:{person}"

    def tombstone(self, person: str) -> str:
        """There for a while after a user was deleted. Its name is another hash than any that data had."""
        name = blake2b(person.encode(), key=self._secret, digest_size=10, person=b"tombstone").hexdigest()
        return f"{self._prefix}go:{name}"

    def salt(self, person: str) -> str:
        """What makes the key of a user's sealed texts theirs."""
        return f"{self._prefix}sl:{person}"

    @property
    def deletions(self) -> str:
        """The users whose deletion has begun and is not complete."""
        return f"{self._prefix}dp"

    @property
    def simple_prefix(self) -> str:
        """What the keys of simple windows begin with; the limiter adds `:` and the caller's hash."""
        return f"{self._prefix}w1"
