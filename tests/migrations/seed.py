"""The seed schema as its own document gives it."""

import re
from collections.abc import Iterable
from pathlib import Path

import asyncpg
import pytest

from .deviations import Mend

PATH = Path(__file__).resolve().parents[2].parent / "shared" / "seed" / "pbx-x-database-schema.md"

CODE_BLOCK = re.compile(r"```sql\n(.*?)```", re.DOTALL)
COMMENT = re.compile(r"('[^']*')|--[^\n]*|/\*.*?\*/", re.DOTALL)
STATEMENT = re.compile(r"\s*((?:\$\$.*?\$\$|'[^']*'|[^;])++;)", re.DOTALL)
CREATE_TABLE = re.compile(r"CREATE TABLE (\w+) \(")
CREATE_RELATION = re.compile(r"CREATE (?:TABLE|VIEW) (\w+) (?:\(|AS)")
REFERENCES = re.compile(r"REFERENCES (\w+)")


def text() -> str:
    if not PATH.exists():
        pytest.skip(f"the seed schema is not at {PATH}")
    return PATH.read_text(encoding="utf-8")


def statements(mends: Iterable[Mend] = ()) -> list[str]:
    """The seed's SQL in its own order, with `mends` made."""
    sql = "\n".join(CODE_BLOCK.findall(text()))
    for mend in mends:
        assert sql.count(mend.seed) == 1, f"the seed does not say this just once: {mend.seed}"
        sql = sql.replace(mend.seed, mend.mended)
    return STATEMENT.findall(COMMENT.sub(lambda match: match[1] or "", sql))


def forward_references() -> set[tuple[str, str]]:
    """(table, table it refers to) where the second is created after the first."""
    bodies = {m[1]: s for s in statements() if (m := CREATE_TABLE.match(s))}
    place = {table: number for number, table in enumerate(bodies)}
    return {
        (table, other)
        for table, body in bodies.items()
        for other in REFERENCES.findall(body)
        if place[other] > place[table]
    }


async def load(db: asyncpg.Connection, mends: Iterable[Mend]) -> None:
    """Run the seed with `mends`: first its tables, in the order that their references need."""
    tables = [s for s in statements(mends) if s.startswith("CREATE TABLE")]
    rest = [s for s in statements(mends) if not s.startswith("CREATE TABLE")]
    while tables:
        put_off = [s for s in tables if not await _runs(db, s)]
        assert len(put_off) < len(tables), f"refers to what the seed does not have: {put_off[0]}"
        tables = put_off
    for statement in rest:
        await db.execute(statement)


async def _runs(db: asyncpg.Connection, statement: str) -> bool:
    try:
        await db.execute(statement)
    except asyncpg.UndefinedTableError:
        return False
    return True
