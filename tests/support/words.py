"""The words that a test can say of any call, whatever stack its phone runs on."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import NamedTuple

from .ear import Ear
from .tones import Pcm
from .until import until


class CallEndedError(AssertionError):
    """The call ended while a test waited for something else."""


class Status(NamedTuple):
    """A final SIP answer."""

    code: int
    reason: str


class CallWords(ABC):
    """Waiting for a call. Each wait raises TimedOutError, or CallEndedError once it is hopeless."""

    @property
    @abstractmethod
    def is_answered(self) -> bool:
        """Whether the call was answered."""

    @property
    @abstractmethod
    def is_over(self) -> bool:
        """Whether the call is over."""

    @property
    @abstractmethod
    def is_held(self) -> bool:
        """Whether the other side holds us."""

    @property
    @abstractmethod
    def ear(self) -> Ear:
        """What this side hears."""

    async def answered(self, within: float = 5.0) -> None:
        """Wait for the answer."""
        await self._wait(lambda: self.is_answered, within, "the answer")

    async def ended(self, within: float = 5.0) -> None:
        """Wait until the call is over, by whomever."""
        await until(lambda: self.is_over, within, lambda: f"the end of {self}")

    async def held(self, within: float = 5.0) -> None:
        """Wait until the other side holds us."""
        await self._wait(lambda: self.is_held, within, "hold")

    async def resumed(self, within: float = 5.0) -> None:
        """Wait until the other side does not hold us any more."""
        await self._wait(lambda: not self.is_held, within, "the end of hold")

    async def hears(self, hz: float, within: float = 5.0) -> None:
        """Wait for a tone of `hz`, from now on."""
        await self.ear.hears(hz, within)

    async def hears_nothing(self, lasting: float = 0.5, within: float = 5.0) -> None:
        """Wait for `lasting` seconds of silence, from now on."""
        await self.ear.hears_nothing(lasting, within)

    @property
    def heard(self) -> Pcm:
        """Everything heard so far, at `ear.rate` samples a second."""
        return self.ear.heard

    async def _wait(self, condition: Callable[[], bool], within: float, what: str) -> None:
        def came() -> bool:
            if not condition() and self.is_over:
                raise CallEndedError(f"the call ended while waiting for {what}: {self}")
            return condition()

        await until(came, within, lambda: f"{what} of {self}")
