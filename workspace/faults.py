"""Faults that can be ordered: what goes wrong with Slack, on purpose and countable."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

FaultKind = Literal[
    "latency",
    "ratelimited",
    "server_error",
    "error",
    "truncated",
    "slow_body",
    "reset_before",
    "reset_after",
    "drop_ack",
    "lose_share",
    "delay_share",
]


@dataclass
class Fault:
    """One order.

    - `kind`: `latency` (answer after `seconds`), `ratelimited` (429 with `Retry-After: seconds`, or
      with `retry_after` as it is; empty: without the header), `server_error` (500), `error` (answer
      `code`), `truncated` (half the JSON), `slow_body` (half of it at once, the rest `seconds`
      later), `reset_before` (connection reset before anything happened), `reset_after` (done, but
      the answer is lost), `drop_ack` (an acknowledgement is not heard), `lose_share` (a completed
      upload is never shared), `delay_share` (it is shared `seconds` later).
    - `method`: what it spoils: a Web API method, `response_url`, `upload`, `download`; for `drop_ack`
      `slash_commands`, `interactive`, `events_api`; `*` for any.
    - `count`: how many times; None is until cleared. `skip`: how many to let pass first.
    """

    kind: FaultKind
    method: str = "*"
    count: int | None = 1
    skip: int = 0
    seconds: float = 1.0
    code: str = "internal_error"
    retry_after: str | None = None


class Faults:
    """The orders in force; each is used up by what it spoils."""

    def __init__(self) -> None:
        self._orders: list[Fault] = []

    def order(self, **fields: Any) -> None:
        """Order a fault; see `Fault`. Raises ValueError for what is not one."""
        known = Fault.__dataclass_fields__
        unknown = sorted(set(fields) - set(known))
        if unknown:
            raise ValueError(f"unknown field of a fault: {', '.join(unknown)}")
        if fields.get("kind") not in get_args(FaultKind):
            raise ValueError(f"unknown kind of fault: {fields.get('kind')!r}")
        self._orders.append(Fault(**fields))

    def clear(self) -> None:
        """Everything works again."""
        self._orders.clear()

    def listed(self) -> list[dict[str, Any]]:
        """The orders still in force."""
        return [asdict(fault) for fault in self._orders]

    def take(self, kinds: tuple[FaultKind, ...], method: str = "*") -> Fault | None:
        """The first order of these kinds for this method, used up by one."""
        for fault in list(self._orders):
            if fault.kind in kinds and (method == "*" or fault.method in ("*", method)):
                if fault.skip:
                    fault.skip -= 1
                    continue
                if fault.count is not None:
                    fault.count -= 1
                    if fault.count <= 0:
                        self._orders.remove(fault)
                return fault
        return None

    def drops_acknowledgement(self, kind: str) -> bool:
        """Whether this acknowledgement, of an envelope of that type, is lost."""
        return self.take(("drop_ack",), kind) is not None
