"""What a waiting caller hears, and the key that ends the waiting. Agents ring meanwhile."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from stasis_app.call.call import MEDIA_SECONDS, Call
from stasis_app.call.dialogue import unless_it_fails
from stasis_app.call.place import Place
from stasis_app.call.said import MediaFile, Said
from stasis_app.rules import announcing
from stasis_app.rules.queues import Queue
from stasis_app.rules.sentences import callback_number, callback_offer, position, waits_minutes
from stasis_app.words import Moment

LONGEST_PAUSE_SECONDS = 3600.0
LOOK_SECONDS = 5.0
"""So often a caller's place is looked at: it may be better."""
CONFIRM_KEY, CONFIRM_SECONDS = "1", 8.0


class Ear:
    """`ended` is done when the caller has pressed a key that ends the waiting.

    It is the exit key, or he has `confirmed` that he is to be called back. `plays` says whether a
    process that is gone may have begun the music.
    """

    def __init__(self, call: Call, *, plays: bool = False) -> None:
        self._call = call
        self._plays = plays
        self._keys = ""
        self._number: str | None = None
        self._told: announcing.Told | None = None
        self._music: asyncio.Task[None] | None = None
        self._still = True
        self._offered = False
        self._exit_key: str | None = None
        self._listens = False
        self.confirmed = False
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def listen(
        self,
        queue: Queue,
        place: Place,
        *,
        new: bool,
        welcomed: Callable[[], None],
        exits: bool,
        number: str | None,
    ) -> None:
        """Begin; `welcomed` is told when a new caller has heard the welcome prompt.

        `exits` says whether the exit key leads anywhere. `number` is where he can be called back;
        None: he is not asked.
        """
        self._call.exchange.waits.prepare(queue.id)
        self.queue = queue
        self._place = place
        self._number = number
        self.confirmed = False
        self._exit_key = queue.exit_key if exits else None
        keys = (self._exit_key, queue.callback_key if number else None)
        self._keys = "".join(key for key in keys if key)
        self._listens = True
        self.ended = asyncio.create_task(self._listen(welcomed if new else None), name="ear")

    @property
    def listens(self) -> bool:
        return self._listens and not self.ended.done()

    async def stop(self) -> None:
        """Let the caller hear nothing more: in a bridge he would hear both."""
        if self.listens:
            self.cancel()
            await asyncio.wait([self.ended])
        self._still = True
        await unless_it_fails(self._call.be_silent())
        music, self._music = self._music, None
        if music:
            await asyncio.wait([music])
        if music or self._plays:
            self._plays = False
            stop = self._call.exchange.door.stop_music(self._call.caller.id)
            await unless_it_fails(stop)

    def cancel(self) -> None:
        self._listens = False
        self.ended.cancel()

    async def _listen(self, welcomed: Callable[[], None] | None) -> str:
        key = None
        if welcomed:
            await asyncio.sleep(MEDIA_SECONDS)
            key = await self._welcome()
            welcomed()
        while True:
            if key and key == self._exit_key:
                return key
            if key and await self._confirms(self._number or ""):
                return key
            key = await self._tell()
            if key is None:
                await self._go_on_playing()
                key = await self._call.key(self._pause(), self._keys)

    async def _say(self, *said: Said) -> str | None:
        """Say something: that is the end of the music (Asterisk 22.10)."""
        self._still = True
        return await unless_it_fails(self._call.say(*said, keys=self._keys))

    async def _confirms(self, number: str) -> bool:
        """Read the number out; any key but one, or none, lets the caller go on waiting."""
        said = callback_number(number, self._call.language)
        self._still = True
        asked = self._call.ask(*said, seconds=CONFIRM_SECONDS)
        self.confirmed = await unless_it_fails(asked) == CONFIRM_KEY
        return self.confirmed

    async def _go_on_playing(self) -> None:
        """To stop it must not overtake it: the request is not broken off with the listening."""
        if not self._still:
            return
        self._still = False
        start = self._call.exchange.door.start_music(self._call.caller.id, self.queue.music)
        self._music = asyncio.create_task(unless_it_fails(start), name="music")
        await asyncio.shield(self._music)

    async def _welcome(self) -> str | None:
        prompt: Sequence[Said] = (MediaFile(self.queue.welcome),) if self.queue.welcome else ()
        return await self._say(*prompt)

    async def _tell(self) -> str | None:
        """Say the place and the wait if they are due, and what the caller may ask for."""
        now, place = datetime.now(UTC), self._place.position
        wait = self._call.exchange.waits.seconds(self.queue.id, place)
        word = announcing.next_word(self.queue, self._told, place, wait, now)
        said = self._words(word) if word else []
        if word:
            self._told = announcing.Told(place, now)
        if said and word:
            journal, place_told = self._call.journal, word.position
            journal.note(Moment.POSITION_TOLD, position=place_told, minutes=word.minutes)
        if self._number and self.queue.callback_key and (said or not self._offered):
            self._offered = True
            tongue = self._call.language
            said += callback_offer(self.queue.callback_key, self._number, tongue)
        return await self._say(*said) if said else None

    def _words(self, word: announcing.Word) -> list[str]:
        tongue = self._call.language
        said: list[str] = []
        if word.position is not None:
            said += position(word.position, tongue)
        if word.minutes is not None:
            said += waits_minutes(word.minutes, tongue)
        return said

    def _pause(self) -> float:
        now = datetime.now(UTC)
        due = announcing.due_in(self.queue, self._told, self._place.position, now)
        longest = LOOK_SECONDS if self.queue.announces_position else LONGEST_PAUSE_SECONDS
        return min(max(due, 0.05), longest)
