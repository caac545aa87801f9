"""What is played in one go, and where Asterisk finds it."""

from uuid import UUID

import pytest

from stasis_app.call.said import MediaFile, Passage, Said, Voicemail, passages
from tests.support.fake_mailboxes import FakeAudio, media_address, message_address
from tests.support.virtual_time import run

HELLO, BYE = "sound:en/hello", "sound:en/bye"
PROMPT, OTHER, MESSAGE, LOST = (UUID(int=number) for number in range(1, 5))


def address(identity: UUID) -> str:
    return f"sound:{media_address(identity)}"


def fetched(identity: UUID, instead: tuple[str, ...] = ()) -> Passage:
    return Passage(str(identity), (address(identity),), instead)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ((), []),
        ((HELLO,), [Passage(HELLO, (HELLO,))]),
        ((HELLO, BYE), [Passage(HELLO, (HELLO, BYE))]),
        ((MediaFile(PROMPT),), [fetched(PROMPT)]),
        ((MediaFile(PROMPT), MediaFile(OTHER)), [fetched(PROMPT), fetched(OTHER)]),
        (
            (HELLO, MediaFile(PROMPT), HELLO, BYE),
            [Passage(HELLO, (HELLO,)), fetched(PROMPT), Passage(HELLO, (HELLO, BYE))],
        ),
        (
            (Voicemail(MESSAGE),),
            [Passage(str(MESSAGE), (f"sound:{message_address(MESSAGE)}",))],
        ),
        ((MediaFile(PROMPT, (BYE,)),), [fetched(PROMPT, (BYE,))]),
        ((MediaFile(LOST, (BYE,)),), [Passage(str(LOST), (), (BYE,))]),
        ((Voicemail(LOST), HELLO), [Passage(str(LOST), ()), Passage(HELLO, (HELLO,))]),
    ],
)
def test_what_is_fetched_stands_alone(said: tuple[Said, ...], expected: list[Passage]) -> None:
    assert run(passages(FakeAudio({LOST}), said)) == expected
