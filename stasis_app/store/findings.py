"""`config_findings`: what is wrong with the configuration, as last looked at."""

from collections.abc import Sequence

from stasis_app.rules.findings import Finding

from .connection import connected

CLEAR = """
DELETE FROM config_findings AS known WHERE NOT EXISTS (
    SELECT FROM unnest($1::text[], $2::uuid[], $3::text[]) AS now (table_name, row_id, problem)
    WHERE now.table_name = known.table_name AND now.problem = known.problem
        AND now.row_id IS NOT DISTINCT FROM known.row_id)
"""

ADD = """
INSERT INTO config_findings (table_name, row_id, problem, row_name, severity)
SELECT DISTINCT ON (1, 2, 3) *
FROM unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::text[])
ON CONFLICT (table_name, row_id, problem) DO NOTHING
"""


async def replace(dsn: str, found: Sequence[Finding]) -> None:
    """Make the table hold just these; one that was there keeps its time. Raises ConnectionError."""
    tables = [one.table for one in found]
    rows = [one.row for one in found]
    problems = [one.problem for one in found]
    names = [one.name for one in found]
    severities = [one.severity for one in found]
    async with connected(dsn, "findings can't be written") as connection, connection.transaction():
        await connection.execute(CLEAR, tables, rows, problems)
        await connection.execute(ADD, tables, rows, problems, names, severities)
