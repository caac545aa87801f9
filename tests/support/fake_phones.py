"""What a fake network is made of: phones and what they do, channels, faults."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum

from stasis_app.ari import events

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Phone:
    """What a phone does when it is dialled.

    Seconds count from the dial, those of `hangs_up` from the answer. `trying` is when it says 100,
    `progresses` when 183. `rejects` is (seconds, Q.850 cause, SIP status), `holds` when it holds
    and when it resumes after the answer.
    """

    trying: float | None = 0.0
    progresses: float | None = None
    rings: float | None = 0.1
    answers: float | None = None
    rejects: tuple[float, int, int] | None = None
    hangs_up: float | None = None
    holds: tuple[float, float] | None = None


DEAD = Phone(trying=None, rings=None)


class Fault(Enum):
    """How a request goes wrong; a LOST one acts, and its answer never comes."""

    GONE = "gone"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    LOST = "lost"


@dataclass
class Channel:
    """`made_at`, `up_at` and `ended_at` are virtual seconds; `dialled_for` is whom a leg shows.

    `talks` are the times, from and to, in which its phone speaks.
    """

    id: str
    endpoint: str
    state: str
    args: tuple[str, ...]
    exten: str = "s"
    sip_call_id: str = ""
    caller_number: str = ""
    entered: bool = False
    ended_at: float | None = None
    up_at: float | None = None
    hung_up_with: int | None = None
    variables: dict[str, str] = field(default_factory=dict)
    made_at: float = 0.0
    dialled_for: str | None = None
    talks: list[tuple[float, float]] = field(default_factory=list)

    @property
    def alive(self) -> bool:
        return self.ended_at is None

    @property
    def was_up(self) -> bool:
        return self.up_at is not None

    @property
    def name(self) -> str:
        return f"{self.endpoint}-1"

    def described(self) -> events.Channel:
        return events.Channel(
            id=self.id,
            name=self.name,
            state=self.state,
            protocol_id=self.sip_call_id,
            caller_number=self.caller_number,
            caller_name="",
            exten=self.exten,
            context=f"from-{self.args[0]}s",
            app_data=",".join(("pbx", *self.args)),
            created_at=EPOCH,
        )
