"""When to stop waiting for a store that does not answer: pure, the caller tells the time."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Circuit:
    """Closed until `limit` calls in a row have failed, then open: one call is let through every `open_seconds`.

    The first call that succeeds closes it. `now` is in seconds on a clock that never goes back.
    """

    limit: int
    open_seconds: float
    failures: int = 0
    retry_at: float = 0.0

    @property
    def is_open(self) -> bool:
        """Whether `limit` calls in a row have failed."""
        return self.failures >= self.limit

    def admit(self, now: float) -> tuple[bool, Circuit]:
        """Whether a call may be made, and the circuit after it.

        A probe moves the next one on, so one that never reports back blocks the circuit for `open_seconds` only.
        """
        if not self.is_open:
            return True, self
        if now < self.retry_at:
            return False, self
        return True, replace(self, retry_at=now + self.open_seconds)

    def after_success(self) -> Circuit:
        """The circuit after a call that brought a usable answer."""
        return replace(self, failures=0) if self.failures else self

    def after_failure(self, now: float) -> Circuit:
        """The circuit after a call that brought none."""
        return replace(self, failures=self.failures + 1, retry_at=now + self.open_seconds)
