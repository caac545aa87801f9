"""Queues with the same agents: as rows of PBX-X, and as Queue() (app_queue) in the dialplan.

Queue() is as quick as it can be set: `retry` is 1 instead of 5 seconds. It sees by hints whether an
agent talks: phones alone are unavailable to it, since contacts of realtime are not qualified.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from .stack import NATIVE, PRODUCT, Stack, register

MODULE, CONFIGURATION = "app_queue.so", "queues.conf"
HINTS = "bench-agents"
FREE, BUSY = "Custom:bench-free", "Custom:bench-busy"
RINGS_ALL, RINGS_ONE = ("ringall", "ring_all"), ("leastrecent", "longest_idle")
BUSY_AGENTS = [f"3{number:05d}" for number in range(1000)]

QUEUES_CONF = """
[general]
persistentmembers = no

[bench]
strategy = {strategy}
timeout = 20
retry = 1
ringinuse = no
autofill = yes
{members}
"""
QUEUE = """
INSERT INTO queues (name, extension_number, strategy, wrap_up_time_seconds, max_queue_size,
    position_announcement_enabled, wait_announcement_enabled, overflow_action)
VALUES ('bench', $1, $2, 0, NULL, FALSE, FALSE, 'hangup')
"""
MEMBERS = """
INSERT INTO queue_members (queue_id, extension_id)
SELECT q.id, e.id FROM queues AS q, extensions AS e WHERE q.name = 'bench' AND e.number = ANY ($1)
"""
BUSY_EXTENSIONS = """
INSERT INTO extensions (number, sip_password, display_name, voicemail_enabled)
SELECT unnest($1::text[]), 'bench', 'Bench', FALSE
"""
BREAK = """
UPDATE agent_states AS state SET wanted = 'break' FROM extensions AS e
WHERE e.id = extension_id AND queue_id IS NULL AND number = ANY ($1)
"""


@dataclass(frozen=True)
class Line:
    """A queue of a variant, and the number that leads to it."""

    variant: str
    dialled: str


LINES = (Line(NATIVE.name, "7601"), Line(PRODUCT.name, "7602"))


@asynccontextmanager
async def registered(stack: Stack, port: int, before: int) -> AsyncIterator[None]:
    """Have the callees answer at another port while the block lasts."""
    await register(stack, port)
    try:
        yield
    finally:
        await register(stack, before)


@asynccontextmanager
async def lines(
    stack: Stack,
    agents: Sequence[str],
    strategy: tuple[str, str] = RINGS_ONE,
) -> AsyncIterator[None]:
    """Have both queues, with these agents. The strategy is given in the words of both."""
    states = [(number, f"hint:{number}@{HINTS}") for number in agents]
    async with _native(stack, states, strategy[0]), _product(stack, agents, strategy[1]):
        yield


@asynccontextmanager
async def unstaffed_lines(stack: Stack, agents: int) -> AsyncIterator[None]:
    """Have both queues, with so many agents who can take no call: busy to Queue(), on a break."""
    numbers = BUSY_AGENTS[:agents]
    await stack.cli(f"devstate change {BUSY} INUSE")
    await stack.execute(BUSY_EXTENSIONS, numbers)
    try:
        states = [(number, BUSY) for number in numbers]
        async with _native(stack, states, RINGS_ONE[0]), _product(stack, numbers, RINGS_ONE[1]):
            await stack.execute(BREAK, numbers)
            yield
    finally:
        await stack.execute("DELETE FROM extensions WHERE number = ANY ($1)", numbers)


@asynccontextmanager
async def _native(
    stack: Stack, states: Sequence[tuple[str, str]], strategy: str
) -> AsyncIterator[None]:
    """Load app_queue with one queue: its agents, and where each one's state is seen."""
    members = "\n".join(f"member => PJSIP/{agent},0,{agent},{state}" for agent, state in states)
    configuration = QUEUES_CONF.format(strategy=strategy, members=members)
    (stack.asterisk / "etc" / CONFIGURATION).write_text(configuration)
    await stack.cli(f"devstate change {FREE} NOT_INUSE")
    await stack.cli(
        f"dialplan add extension _20XX,hint,{FREE}&PJSIP/${{EXTEN}} into {HINTS} replace"
    )
    said = await stack.cli(f"module load {MODULE}")
    if "Loaded" not in said:
        raise RuntimeError(f"{MODULE}: {said}")
    await stack.extension("from-phones", LINES[0].dialled, 1, "Answer()")
    await stack.extension("from-phones", LINES[0].dialled, 2, "Queue(bench)")
    try:
        yield
    finally:
        await stack.cli(f"module unload {MODULE}")


@asynccontextmanager
async def _product(stack: Stack, agents: Sequence[str], strategy: str) -> AsyncIterator[None]:
    await stack.execute(QUEUE, LINES[1].dialled, strategy)
    try:
        await stack.execute(MEMBERS, agents)
        yield
    finally:
        await stack.execute("DELETE FROM queues WHERE name = 'bench'")
