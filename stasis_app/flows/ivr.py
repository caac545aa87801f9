"""A menu: the caller hears what there is and chooses by key."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from stasis_app.call.call import Call
from stasis_app.call.keys import EVERY_KEY
from stasis_app.call.present import Present
from stasis_app.call.said import MediaFile, Said
from stasis_app.rules.menu import (
    COMMIT,
    Chosen,
    Dialled,
    Invalid,
    Reading,
    Wait,
    dialled_target,
    invalid_target,
    menu_target,
    read,
    timeout_target,
)
from stasis_app.rules.models import Destination, DestinationKind, Menu, MenuOption, Position
from stasis_app.rules.sentences import Sentence, say
from stasis_app.words import HangupCause, IvrAction, Moment

STEP = "ivr"

MAX_MENUS = 30
PAUSE_SECONDS = 1.0
MOST_DIGITS = 20


class Failure(StrEnum):
    """Why nothing was chosen. Each is counted apart."""

    INVALID = "invalid"
    TIMEOUT = "timeout"


SORRY = {Failure.INVALID: Sentence.INVALID_KEY, Failure.TIMEOUT: Sentence.TRY_AGAIN}
WAY_OUT = {Failure.INVALID: invalid_target, Failure.TIMEOUT: timeout_target}

REPEATED = "repeat"
ADOPTED = "adopted"


@dataclass(frozen=True, slots=True)
class Again:
    """The menu is to be said again, after what is `said`."""

    why: str
    said: tuple[Said, ...] = ()


async def ivr(call: Call, destination: Destination) -> Destination | None:
    """Answer, say a menu, and return what the caller chooses or where the menu leads him."""
    call.menus += 1
    called, _ = destination.payer.diverted or ("", "")
    visit = Visit(call, destination.id, called)
    visit.stand()
    await call.answer()
    return await visit.tell()


async def go_on(call: Call, position: Position, asterisk: Present) -> Destination | None:
    """Enter the menu where a process that is gone has left it: it is said again."""
    arguments = position.arguments
    call.menus = arguments["menus"]
    menu = arguments["menu"]
    visit = Visit(call, UUID(menu) if menu else None, arguments["called"], arguments["failures"])
    visit.stand(arguments["chosen"], over=arguments["over"])
    await call.answer()
    if arguments["over"]:
        await visit.goodbye()
        return None
    return await visit.tell_again(arguments["chosen"])


class Visit:
    """A caller in a menu. `called` is the number from outside that led here.

    The menu is looked up at every turn: a changed one counts at once, a deleted one ends the call.
    """

    def __init__(
        self, call: Call, menu: UUID | None, called: str, failures: Mapping[str, int] | None = None
    ) -> None:
        self.call = call
        self.called = called
        self.failures = {kind: (failures or {}).get(kind, 0) for kind in Failure}
        self._id = menu

    @property
    def menu(self) -> Menu | None:
        return self.call.exchange.book.ivr_menus.get(self._id)

    @property
    def options(self) -> Mapping[str, MenuOption]:
        options = self.call.exchange.book.ivr_menu_options
        return options.of(self._id) if self._id else {}

    def stand(self, chosen: str = "", *, over: bool = False) -> None:
        """Write down where the caller is; `chosen` are the keys of the option that he has taken."""
        arguments: dict[str, Any] = {
            "menu": str(self._id) if self._id else None,
            "called": self.called,
            "failures": {kind.value: count for kind, count in self.failures.items()},
            "chosen": chosen,
            "over": over,
            "menus": self.call.menus,
        }
        self.call.stands(STEP, arguments)

    async def tell(self, again: Again | None = None) -> Destination | None:
        """Say the menu until something is chosen or the tries are used up."""
        while (menu := self.menu) and self._may_enter():
            why: dict[str, Any] = {"again": again.why} if again else {}
            self.call.journal.note(Moment.MENU_ENTERED, menu=menu.name, **why)
            outcome = await self._act(menu, await self._listen(menu, again.said if again else ()))
            if not isinstance(outcome, Again):
                return outcome
            again = outcome
            self.stand()
        if self.menu is None:
            self.call.journal.note(Moment.CONFIG_IGNORED, problem="the menu is gone")
        await self.goodbye()
        return None

    async def tell_again(self, chosen: str) -> Destination | None:
        """Go on with the option that was chosen, if there was one and it is still there."""
        menu, option = self.menu, self.options.get(chosen)
        if menu is None or option is None:
            return await self.tell(Again(ADOPTED))
        outcome = await self._choose(menu, option)
        return await self.tell(outcome) if isinstance(outcome, Again) else outcome

    async def goodbye(self) -> None:
        self.call.cause = HangupCause.NORMAL_CLEARING
        self.stand(over=True)
        await self.call.announce(Sentence.GOODBYE)

    def _may_enter(self) -> bool:
        """Return whether the caller may hear one more menu: keys alone lead round for ever."""
        most = self.call.exchange.book.number("ivr.max_menus", MAX_MENUS)
        if self.call.menus <= most:
            return True
        self.call.journal.note(Moment.LIMIT_REACHED, menus=most)
        return False

    async def _listen(self, menu: Menu, before: tuple[Said, ...]) -> Reading | None:
        """Say the menu and return what the keys mean; None: none was pressed in time.

        # ends an entry. Before the first key it means nothing, unless an option begins with it: who
        ended the entry before with it, though it was complete, has not pressed a wrong key.
        """
        call = self.call
        commits = not any(keys.startswith(COMMIT) for keys in self.options)
        first = EVERY_KEY.replace(COMMIT, "") if commits else EVERY_KEY
        otherwise = Sentence.ENTER_NUMBER if menu.direct_dial else Sentence.MENU
        prompt = self._prompt(menu.welcome, otherwise)
        digits = await call.ask(*before, *prompt, seconds=menu.digit_seconds, keys=first)
        if digits is None:
            return None
        while isinstance(reading := self._read(menu, digits), Wait):
            key = await call.key(menu.inter_digit_seconds)
            if key is None:
                return self._read(menu, digits, ended=True)
            digits += key
        return reading

    def _read(self, menu: Menu, digits: str, *, ended: bool = False) -> Reading:
        extensions = self.call.exchange.book.extensions
        dials = extensions.dials if menu.direct_dial else _nothing
        begins = extensions.begins if menu.direct_dial else _nothing
        return read(digits, self.options, dials, begins, ended=ended)

    async def _act(self, menu: Menu, reading: Reading | None) -> Destination | Again | None:
        match reading:
            case Chosen(option):
                self.call.journal.note(Moment.KEY_PRESSED, menu=menu.name, choice=option.keys)
                return await self._choose(menu, option)
            case Dialled(number):
                self.call.journal.note(Moment.KEY_PRESSED, menu=menu.name, number=number)
                return self._leave(dialled_target(menu, number))
            case _:
                return await self._fail(
                    menu, Failure.INVALID if isinstance(reading, Invalid) else Failure.TIMEOUT
                )

    async def _choose(self, menu: Menu, option: MenuOption) -> Destination | Again | None:
        """Do what an option says. One whose target is missing is no option."""
        if option.action is IvrAction.HANGUP:
            await self._hang_up(option)
            return None
        repeats = option.action is IvrAction.REPEAT
        destination = menu_target(self.call.exchange.book, menu, option, self.called)
        if destination is None and not repeats:
            self._ignored(menu, f"key {option.keys}: the {option.action} it leads to is missing")
            return await self._fail(menu, Failure.INVALID)
        if option.pre_transfer_prompt:
            self.stand(option.keys)
            await self.call.say(MediaFile(option.pre_transfer_prompt), keys="")
        if destination:
            return self._leave(destination)
        self.call.menus += 1
        return Again(REPEATED)

    async def _hang_up(self, option: MenuOption) -> None:
        if option.pre_transfer_prompt is None:
            await self.goodbye()
            return
        self.call.cause = HangupCause.NORMAL_CLEARING
        self.stand(option.keys)
        await self.call.say(*self._prompt(option.pre_transfer_prompt, Sentence.GOODBYE), keys="")

    async def _fail(self, menu: Menu, kind: Failure) -> Destination | Again | None:
        """Let the caller try again, `max_retries` times; then the menu says where he goes.

        What he has pressed ahead was meant for another place. So is the rest of a wrong number.
        """
        self.call.keys.clear()
        if menu.direct_dial and kind is Failure.INVALID:
            await self._hear_out(menu)
        self.failures[kind] += 1
        if self.failures[kind] <= menu.max_retries:
            own = menu.invalid_prompt if kind is Failure.INVALID else menu.timeout_prompt
            return Again(kind, self._prompt(own, SORRY[kind]))
        target = menu.on_invalid if kind is Failure.INVALID else menu.on_timeout
        destination = WAY_OUT[kind](self.call.exchange.book, menu, self.called)
        if destination:
            number = f"ivr {menu.name}"
            self.call.journal.note(
                Moment.FORWARDED, number=number, to=destination.number, reason=kind
            )
            return self._leave(destination)
        if target:
            self._ignored(menu, f"the {target.type} that {kind} leads to is missing")
        await self.goodbye()
        return None

    async def _hear_out(self, menu: Menu) -> None:
        """Wait until nothing more is typed: the rest would be taken for options."""
        pause = min(menu.inter_digit_seconds, PAUSE_SECONDS)
        for _ in range(MOST_DIGITS):
            if await self.call.key(pause) is None:
                return

    def _leave(self, destination: Destination) -> Destination:
        """Keys that were pressed ahead count for the next menu, and for nothing else."""
        if destination.kind is not DestinationKind.IVR:
            self.call.keys.clear()
        return destination

    def _prompt(self, media: UUID | None, otherwise: Sentence) -> tuple[Said, ...]:
        sentence = say(otherwise, self.call.language)
        return (MediaFile(media, sentence),) if media else sentence

    def _ignored(self, menu: Menu, problem: str) -> None:
        self.call.journal.note(Moment.CONFIG_IGNORED, menu=menu.name, problem=problem)


def _nothing(_: str) -> bool:
    return False
