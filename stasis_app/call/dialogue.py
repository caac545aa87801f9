"""What the exchange says to a caller, and the keys that he presses meanwhile."""

import asyncio
import contextlib
import uuid
from collections.abc import Awaitable, Mapping
from dataclasses import replace
from functools import partial
from typing import TypeVar

import structlog

from stasis_app.ari.errors import AriError, Gone
from stasis_app.rules.models import Position
from stasis_app.rules.spoken import language
from stasis_app.words import Moment

from .exchange import Exchange
from .journal import Journal
from .keys import EVERY_KEY, Keys
from .line import LOST_AFTER, Line
from .playback import FAILED, LONGEST_SECONDS, Heard, Playback, playing
from .said import Passage, Said, passages

T = TypeVar("T")

log = structlog.get_logger()

PREFIX = "p-"
PLAYBACK = "playback"
NO_CONTROLS: Mapping[str, str] = {}


class Dialogue:
    """The part of a call that is spoken.

    `said_language` is what the last rule or menu with a language said, as it stands there; empty if
    none did.
    """

    def __init__(self, exchange: Exchange, caller: Line, journal: Journal) -> None:
        self.exchange = exchange
        self.caller = caller
        self.journal = journal
        self.id = journal.call
        self.keys = Keys()
        self.language = exchange.book.settings.language
        self.said_language = ""
        self._position: Position | None = None
        self._playback: str | None = None

    def new_id(self) -> str:
        """Return an id for a channel, bridge or playback that tells whose it is."""
        return made_id(self.id)

    def speak(self, said: str) -> None:
        """Speak the language of a rule or menu from here on, if it has one (de, en)."""
        if said:
            self.said_language = said
            self.language = language(said)

    @property
    def playback(self) -> str | None:
        """Return the id of what is played now."""
        return self._playback

    async def say(
        self,
        *said: Said,
        keys: str = EVERY_KEY,
        controls: Mapping[str, str] = NO_CONTROLS,
        longest: float = LONGEST_SECONDS,
    ) -> str | None:
        """Play one thing after another; one of the `keys` ends it, and is returned.

        A key that was pressed before counts: nothing is played then. A key of `controls` winds
        what is played (see Door.control_playback). What can't be played is passed over.
        """
        for passage in await passages(self.exchange.audio, said):
            heard = await self._hear(passage, keys, controls, longest)
            if heard.key:
                return heard.key
        return None

    async def hear(
        self,
        said: Said,
        *,
        keys: str = EVERY_KEY,
        controls: Mapping[str, str] = NO_CONTROLS,
        longest: float = LONGEST_SECONDS,
    ) -> Heard:
        """Play one thing like `say`, for who must know whether it could be played."""
        [passage] = await passages(self.exchange.audio, (said,))
        return await self._hear(passage, keys, controls, longest)

    async def key(self, seconds: float, keys: str = EVERY_KEY) -> str | None:
        """Wait for a key; None when none of the `keys` has come in time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                return await self.keys.next(keys)
        return None

    async def ask(self, *said: Said, seconds: float, keys: str = EVERY_KEY) -> str | None:
        """Say something and return the key that answers it, at the latest so long after its end."""
        return await self.say(*said, keys=keys) or await self.key(seconds, keys)

    async def _hear(
        self, passage: Passage, keys: str, controls: Mapping[str, str], longest: float
    ) -> Heard:
        key = self.keys.take(keys) if keys else None
        return Heard(key) if key else await self._play(passage, keys, controls, longest)

    async def _play(
        self, passage: Passage, keys: str, controls: Mapping[str, str], longest: float
    ) -> Heard:
        key, state = None, FAILED
        if passage.uris:
            playback = self._playback = self.new_id()
            self._note_playback(playback)
            async with playing(
                self.exchange, self.caller.id, playback, passage.uris, longest
            ) as played:
                key = await self._listen(played, keys, controls)
            self._playback = None
            state = "" if key else played.finished.result()
        if state != FAILED:
            return Heard(key)
        if self.caller.insisting:  # a playback fails when its caller hangs up
            await self._await_end()
        self.journal.note(Moment.MEDIA_SKIPPED, media=passage.name)
        if passage.instead:
            instead = Passage(passage.name, passage.instead)
            key = (await self._play(instead, keys, controls, longest)).key
        return Heard(key, skipped=True)

    async def _listen(self, played: Playback, keys: str, controls: Mapping[str, str]) -> str | None:
        """Hear what is played to its end, or to one of the keys."""
        wanted = keys + "".join(controls)
        while wanted and (key := await self.keys.next(wanted, before=played.finished)):
            if key not in controls:
                return key
            with contextlib.suppress(Gone):
                await self.exchange.door.control_playback(played.id, controls[key])
        await played.finished
        return None

    async def be_silent(self) -> None:
        """Stop what a story was playing that has been broken off."""
        playback, self._playback = self._playback, None
        if playback:
            with contextlib.suppress(Gone):
                await self.exchange.door.stop_playback(playback)

    def hush(self, position: Position) -> None:
        """Stop what a process that is gone was playing: what we play would wait behind it."""
        playback = position.arguments.get(PLAYBACK)
        if playback:
            stop = partial(self.exchange.door.stop_playback, playback)
            self.exchange.behind(stop, insist=False)

    def _note_playback(self, playback: str) -> None:
        if self._position:
            arguments = {**self._position.arguments, PLAYBACK: playback}
            self.journal.stand(replace(self._position, arguments=arguments))

    async def _await_end(self) -> None:
        """Wait some moments for the caller's end, which ends the story."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOST_AFTER):
                await self.caller.ended()


def made_id(call: uuid.UUID) -> str:
    """Return a new id that tells which call it belongs to (`call.call_of` reads it)."""
    return f"{PREFIX}{call}-{uuid.uuid4().hex[:12]}"


async def unless_it_fails(request: Awaitable[T]) -> T | None:
    """Return the answer, or None if Asterisk fails: who hears nothing may go on all the same."""
    try:
        return await request
    except AriError as error:
        log.warning("a caller hears nothing", action="not_heard", error=str(error))
        return None
