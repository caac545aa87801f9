"""Postgres alone."""

from pathlib import Path

import asyncpg

from stasis_app.embedded import postgres


async def test_it_runs_alone_and_keeps_its_rows(tmp_path: Path, port_base: int) -> None:
    async with postgres.running(tmp_path / "state", port_base + 432) as dsn:
        connection = await asyncpg.connect(dsn)
        await connection.execute("CREATE TABLE t AS SELECT 7 AS n")
        await connection.execute("CREATE DATABASE a_template_for_tests")
        await connection.close()
    async with postgres.running(tmp_path / "state", port_base + 432) as dsn:
        connection = await asyncpg.connect(dsn)
        assert await connection.fetchval("SELECT n FROM t") == 7
        await connection.close()
