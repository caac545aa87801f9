"""Somebody is in a mailbox: what is said, and the keys that do something."""

import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from stasis_app.call.call import Call
from stasis_app.rules.mailbox import Message
from stasis_app.rules.models import Box, Destination
from stasis_app.rules.sentences import Sentence, say

from .cursor import Cursor
from .take import Outcome

STEP = "mailbox"
OVER = "over"

BACK = "*"
EXIT = "#"
SILENT_SECONDS = 10.0
MOST_SILENT = 3
MOST_STEPS = 2000

Answer = str | Destination | None
"""What follows an action: the key that was pressed meanwhile, where the call goes, or the menu."""


@dataclass(slots=True)
class Visit:
    """An open mailbox. `zone` is its owner's; `steps` counts what was done: no visit is endless."""

    call: Call
    box: Box
    cursor: Cursor
    zone: tzinfo
    steps: int = 0

    def place(self, **more: Any) -> dict[str, Any]:
        """Return what `call_positions.arguments` holds, so that no PIN is asked for again."""
        message = self.cursor.message
        return {
            "box": str(self.box.id),
            "message": str(message.id) if message else None,
            **more,
        }

    def stands(self) -> None:
        self.call.stands(STEP, self.place())

    async def say(self, sentence: Sentence) -> str | None:
        """Say a sentence; return the key that cuts it short."""
        return await self.call.say(*say(sentence, self.call.language))

    async def look(self) -> None:
        """See what the box holds now; without Postgres what was known still counts."""
        with contextlib.suppress(ConnectionError):
            self.cursor.look(await self.call.exchange.mailboxes.messages(self.box.id))


Action = Callable[[Visit], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Menu:
    """Keys and what they do. A key of `leaving` leads out; after an action of `once` so does that.

    `said` is what explains the keys.
    """

    said: Callable[[Visit], Sequence[str]]
    actions: Mapping[str, Action]
    leaving: str = BACK + EXIT
    once: bool = False


async def choose(visit: Visit, menu: Menu, first: Action | None = None) -> Answer:
    """Do `first`, then what the keys say, until one leads out of the menu: it is returned.

    Who presses nothing, though asked three times, leaves as with `#`.
    """
    answer = await _do(visit, first) if first else None
    silent = 0
    while silent < MOST_SILENT and visit.steps < MOST_STEPS:
        visit.steps += 1
        if answer is None:
            answer = await visit.call.ask(*menu.said(visit), seconds=SILENT_SECONDS)
            silent = 0 if answer else silent + 1
        elif isinstance(answer, Destination) or answer in menu.leaving:
            return answer
        elif answer not in menu.actions:
            answer = await visit.say(Sentence.INVALID_KEY)
        else:
            answer = await _do(visit, menu.actions[answer])
            if menu.once:
                return answer
    return EXIT


async def submenu(visit: Visit, menu: Menu, first: Action | None = None) -> Answer:
    """Go through a menu that another one leads to; `*` leads back to that."""
    answer = await choose(visit, menu, first)
    return None if answer == BACK else answer


async def goodbye(call: Call) -> None:
    call.stands(STEP, {OVER: True, "language": call.language})
    await call.announce(Sentence.GOODBYE)


async def after(visit: Visit, outcome: Outcome, thanks: Sentence) -> Answer:
    """Say that something recorded is on its way; if Asterisk can't record the call is over."""
    if outcome is Outcome.FAILED:
        return EXIT
    visit.stands()
    return await visit.say(thanks) if outcome is Outcome.KEPT else None


def explained_by(sentence: Sentence) -> Callable[[Visit], Sequence[str]]:
    return lambda visit: say(sentence, visit.call.language)


def of_message(act: Callable[[Visit, Message], Awaitable[Answer]]) -> Action:
    """Make an action of what is done with the message that is listened to, if it is still there."""

    async def action(visit: Visit) -> Answer:
        await visit.look()
        message = visit.cursor.message
        return await act(visit, message) if message else await visit.say(Sentence.INVALID_KEY)

    return action


async def _do(visit: Visit, action: Action) -> Answer:
    try:
        return await action(visit)
    except ConnectionError:
        return await visit.say(Sentence.TRY_LATER)
