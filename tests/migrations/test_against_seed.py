"""The live catalogue is the seed's, but for the deviations that are listed."""

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase

import asyncpg
import pytest

from stasis_app.store.migrate import sql_folder

from . import catalogue, seed
from .catalogue import Catalogue
from .conftest import UTC, Server
from .deviations import DIFFERENCES, FORWARD_REFERENCES, MENDS, Mend


def beyond_the_seed() -> list[str]:
    """The names (also patterns) in the first column of that section's table in sql/README.md."""
    readme = (sql_folder() / "README.md").read_text(encoding="utf-8")
    section = readme.split("## Beyond the seed", 1)[1].split("\n## ", 1)[0]
    rows = re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row)]


def is_named(key: str, pattern: str) -> bool:
    """Whether a catalogue key is what `pattern` names: the object, or a part of that table."""
    name = key.split(" ", 1)[1]
    return fnmatchcase(name, pattern) or fnmatchcase(name.partition(".")[0], pattern)


def is_beyond(key: str) -> bool:
    return any(is_named(key, pattern) for pattern in beyond_the_seed())


def differing(ours: Catalogue, seeds: Catalogue) -> set[str]:
    """Keys that are not the same in both, without those beyond the seed."""
    unequal = {key for key in ours.keys() | seeds.keys() if ours.get(key) != seeds.get(key)}
    return {key for key in unequal if key in seeds or not is_beyond(key)}


async def load_seed(server: Server, mends: Iterable[Mend]) -> Catalogue:
    async with server.database() as name:
        db = await asyncpg.connect(server.dsn(name), server_settings=UTC)
        try:
            await seed.load(db, mends)
            return await catalogue.read(db)
        finally:
            await db.close()


async def test_only_listed_deviations(server: Server, db: asyncpg.Connection) -> None:
    seeds = await load_seed(server, MENDS.values())
    ours = await catalogue.read(db)
    assert differing(ours, seeds) == DIFFERENCES.keys()


@pytest.mark.parametrize("unneeded", MENDS)
async def test_mend_is_needed(server: Server, db: asyncpg.Connection, unneeded: str) -> None:
    mends = [mend for name, mend in MENDS.items() if name != unneeded]
    try:
        seeds = await load_seed(server, mends)
    except asyncpg.PostgresError:
        return
    ours = await catalogue.read(db)
    assert differing(ours, seeds) != DIFFERENCES.keys()


def test_order_is_the_only_trouble_with_forward_references() -> None:
    assert seed.forward_references() == FORWARD_REFERENCES


async def test_readme_names_only_what_is_there(db: asyncpg.Connection) -> None:
    keys = [*await catalogue.read(db), f"table {catalogue.LEDGER}"]
    stale = [p for p in beyond_the_seed() if not any(is_named(key, p) for key in keys)]
    assert not stale


async def test_readme_tells_each_deviation() -> None:
    readme = (sql_folder() / "README.md").read_text(encoding="utf-8")
    section = readme.split("## Deviations from the seed", 1)[1].split("\n## ", 1)[0]
    names = [key.split(" ", 1)[1].removesuffix("()") for key in DIFFERENCES]
    assert [name for name in [*MENDS, *names] if name.rpartition(".")[2] not in section] == []
