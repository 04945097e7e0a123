"""When to stop waiting for a store that does not answer: pure, the caller tells the time."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Circuit:
    """Closed until `limit` calls in a row have failed or one has timed out, then open: nobody waits for the store.

    While it is open, a probe every `open_seconds` asks whether the store answers again; the first call that
    succeeds closes it. Times are in seconds on a clock that never goes back.
    """

    limit: int
    open_seconds: float
    failures: int = 0
    is_open: bool = False
    probe_at: float = 0.0
    proven: float = float("-inf")
    """When the latest call began that the store is known to have answered."""

    def probe_due(self, now: float) -> bool:
        """Whether it is time to ask again."""
        return self.is_open and now >= self.probe_at

    def probing(self, now: float) -> Circuit:
        """The circuit after a probe was sent: one that never reports back holds up the next for `open_seconds` only."""
        return replace(self, probe_at=now + self.open_seconds)

    def after_success(self, began: float) -> Circuit:
        """The circuit after a usable answer to a call that `began` then."""
        return Circuit(self.limit, self.open_seconds, proven=max(self.proven, began))

    def after_failure(self, began: float, now: float, *, timed_out: bool) -> Circuit:
        """The circuit after a call without a usable answer.

        It says nothing if a later call has been answered since: so a probe that slept in a frozen process does not
        open what another one closed.
        """
        if began < self.proven:
            return self
        failures = self.failures + 1
        opened = self.is_open or timed_out or failures >= self.limit
        probe_at = now + self.open_seconds if opened else self.probe_at
        return replace(self, failures=failures, is_open=opened, probe_at=probe_at)
