"""Everything that can be said is a file of the Asterisk that the stack runs."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import product
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from stasis_app.embedded import asterisk_root
from stasis_app.rules import sentences, spoken
from stasis_app.rules.sentences import Sentence
from stasis_app.rules.spoken import Language
from stasis_app.settings import EmbeddedSettings, load

pytestmark = pytest.mark.timeout(300)

SOUNDS = Path("usr/share/asterisk/sounds")
NEW_YEAR = datetime(2028, 1, 1, tzinfo=ZoneInfo("UTC"))
LATER = datetime(2029, 6, 1, tzinfo=ZoneInfo("UTC"))
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def cache() -> Path:
    return load(EmbeddedSettings).cache_home.expanduser()


@pytest.fixture
async def root(cache: Path, tmp_path: Path) -> Path:
    """The tree that `pbx up` uses; it is made if nobody has yet."""
    root = asterisk_root.root_below(cache)
    await asterisk_root.build(root, tmp_path / "build.log")
    return root


def below(root: Path, path: Path) -> Path:
    """Follow links as a process does whose root directory is `root`."""
    found = root
    for part in path.parts:
        found = found / part
        while found.is_symlink():
            link = found.readlink()
            found = root / link.relative_to("/") if link.is_absolute() else found.parent / link
    return found


def files(root: Path, tongue: Language) -> set[str]:
    directory = below(root, SOUNDS / tongue)
    found = (path.relative_to(directory) for path in directory.rglob("*.*"))
    return {f"sound:{tongue}/{path.with_suffix('')}" for path in found}


def fixed(tongue: Language) -> Iterator[tuple[str, ...]]:
    yield from (sentences.say(sentence, tongue) for sentence in Sentence)
    yield sentences.unavailable("1234567890*#", tongue)
    yield sentences.on_the_phone("1", tongue)
    yield sentences.callback("1", tongue)
    yield sentences.message_saved(1, tongue)
    yield sentences.callback_number("1", tongue)
    yield from (sentences.callback_offer(key, "1", tongue) for key in "1*#")
    yield from (sentences.position(place, tongue) for place in (1, 2, 99))
    yield from (sentences.waits_minutes(minutes, tongue) for minutes in range(121))
    for urgent, operator in product((None, True, False), (True, False)):
        yield sentences.review(tongue, urgent=urgent, operator=operator)
    for counts in product(range(4), range(4), range(4)):
        yield sentences.messages_waiting(*counts[:2], tongue, urgent=counts[2])
    for position, marked in product((1, 2, 3), (True, False)):
        yield sentences.message_number(position, 3, tongue, urgent=marked)
        yield sentences.message_menu(position, 3, tongue, deleted=marked)
    for caller, internal in product(("", "1"), (True, False)):
        yield sentences.envelope(caller, NEW_YEAR, LATER, tongue, internal=internal)


def counted(tongue: Language) -> Iterator[tuple[str, ...]]:
    for count, size in product(range(1000), (1, 1000, 1_000_000)):
        yield spoken.number(count * size, tongue)
        yield spoken.number(count * size, tongue, feminine=True)
    yield from (spoken.duration(seconds, tongue) for seconds in range(400))
    for day in range(366):
        yield spoken.moment(NEW_YEAR + day * DAY, LATER, tongue)
    for minute in range(10 * 24 * 60):
        yield spoken.moment(LATER - minute * MINUTE, LATER, tongue)


@pytest.mark.parametrize("tongue", Language)
async def test_everything_that_can_be_said_is_there(root: Path, tongue: Language) -> None:
    there = files(root, Language.DE) | files(root, Language.EN)
    said = {uri for uris in (*fixed(tongue), *counted(tongue)) for uri in uris}
    assert not said - there


async def test_english_lacks_nothing_of_its_own(root: Path) -> None:
    """Who wants English hears no German."""
    said = {uri for uris in (*fixed(Language.EN), *counted(Language.EN)) for uri in uris}
    assert said <= files(root, Language.EN)
