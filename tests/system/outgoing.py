"""Ways out as a test lays them: carriers, their trunks, and the rule that leads there."""

import itertools
import uuid
from collections.abc import Mapping
from typing import Any, NamedTuple

import asyncpg

from tests.support.callee import IncomingCall
from tests.support.caller import OutgoingCall
from tests.support.carrier import Carrier
from tests.support.sip import RawPhone
from tests.support.sipmessage import Message
from tests.support.until import until

from .outside import carrier, outbound, trunk
from .pbx import Extension, Pbx

# numbers that the regulators keep for films
NUMBER = "03023125001"
MOBILE = "017139200001"
ABROAD = "00442079460018"
# before the rule of the demo company
PRIORITY = 10
USERS = itertools.count(1)


class Way(NamedTuple):
    """A carrier, and the row of the trunk to it."""

    carrier: Carrier
    trunk: uuid.UUID

    @property
    def invites(self) -> list[Message]:
        """The first INVITE of every call that came."""
        return invites(self.carrier)


def invites(at: Carrier) -> list[Message]:
    """Return the first INVITE of every call that came to a carrier, repetitions left out."""
    came = (t.message for t in at.messages if t.way == "<-" and t.message.method == "INVITE")
    calls: dict[str, Message] = {}
    for message in came:
        if not message.is_response:
            calls.setdefault(message["Call-ID"], message)
    return list(calls.values())


async def way_out(
    pbx: Pbx, pattern: str = "^[0+]", rule: Mapping[str, Any] | None = None, **columns: Any
) -> Way:
    """Lay a way out over one trunk; `columns` are those of its row."""
    (way,) = await ways_out(pbx, 1, pattern, rule, **columns)
    return way


async def ways_out(
    pbx: Pbx,
    amount: int,
    pattern: str = "^[0+]",
    rule: Mapping[str, Any] | None = None,
    **columns: Any,
) -> list[Way]:
    """Lay a way out over a trunk with its backups, in this order."""
    await no_other_trunks(pbx)
    carriers = [await carrier(pbx) for _ in range(amount)]
    ways: list[Way] = []
    for one in reversed(carriers):
        backup = ways[0].trunk if ways else None
        ways.insert(0, Way(one, await trunk(pbx, one, backup_trunk_id=backup, **columns)))
    await outbound(pbx, pattern, ways[0].trunk, **{"priority": PRIORITY, **(rule or {})})
    return ways


async def no_other_trunks(pbx: Pbx) -> None:
    """Turn off every trunk that the test has not made, until it ends."""
    ours = [row for table, row in pbx.rows if table == "trunks"]
    turn_off = """
        UPDATE trunks SET status = 'inactive'
        WHERE status = 'active' AND NOT (id = ANY($1)) RETURNING id"""
    off = [row["id"] for row in await pbx.db.fetch(turn_off, ours)]
    if off:
        turn_on = "UPDATE trunks SET status = 'active' WHERE id = ANY($1)"
        pbx.open.push_async_callback(pbx.db.execute, turn_on, off)
        await pbx.settled()


async def user(pbx: Pbx, role: str = "user", **columns: Any) -> uuid.UUID:
    """Insert a user with a role, for an extension's `user_id`."""
    row = {"email": f"{uuid.uuid4()}@example.com", "password_hash": "!", "role": role}
    names = {"first_name": "Test", "last_name": f"User {next(USERS)}"}
    return await pbx.insert("users", **row, **names, **columns)


async def phone(pbx: Pbx, **columns: Any) -> RawPhone:
    """Register a phone at a new extension that the exchange knows."""
    return await pbx.phone(await pbx.extension(**columns))


async def dial_out(
    anna: RawPhone, way: Way, number: str = NUMBER
) -> tuple[OutgoingCall, IncomingCall]:
    """Call a number; return the call and how it came to the carrier."""
    call = await anna.invite(number)
    return call, await way.carrier.expect_invite()


async def talk_out(
    anna: RawPhone, way: Way, number: str = NUMBER
) -> tuple[OutgoingCall, IncomingCall]:
    """Call a number and have the carrier answer."""
    call, incoming = await dial_out(anna, way, number)
    await incoming.answer()
    await call.answered()
    await incoming.answered()
    return call, incoming


async def refusal(pbx: Pbx, anna: RawPhone, number: str, code: int) -> asyncpg.Record:
    """Call a number, expect the SIP answer, and return the unanswered call's `cdr` row."""
    call = await anna.invite(number)
    answer = await call.final()
    assert answer.code == code, answer
    cdr = await pbx.cdr(anna.number)
    assert (cdr["answered_at"], cdr["duration_seconds"], cdr["billable_seconds"]) == (None, 0, 0)
    return cdr


async def last_cdr(pbx: Pbx, number: str, calls: int) -> asyncpg.Record:
    """Wait for the `cdr` rows of all calls that `number` has made; return the newest."""
    query = "SELECT * FROM cdr WHERE caller_number = $1 ORDER BY initiated_at DESC"

    async def all_came() -> list[asyncpg.Record]:
        rows: list[asyncpg.Record] = await pbx.db.fetch(query, number)
        return rows if len(rows) >= calls else []

    return (await until(all_came, what=f"{calls} cdr rows for {number}"))[0]


async def details(pbx: Pbx, call: uuid.UUID, event: str) -> list[Any]:
    """Return the details of the events of one kind in a call's timeline."""
    query = "SELECT details FROM call_events WHERE call_id = $1 AND event = $2 ORDER BY seq"
    return [row["details"] for row in await pbx.db.fetch(query, call, event)]


async def forwarding(pbx: Pbx, to: str, **columns: Any) -> Extension:
    """Insert an extension without a phone that sends every call on to a number."""
    return await pbx.extension(
        forward_unconditional_enabled=True, forward_unconditional_destination=to, **columns
    )
