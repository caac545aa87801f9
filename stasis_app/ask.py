"""`pbx explain` and `pbx check`: the configuration in Postgres, asked by a person."""

import sys

from stasis_app.rules.explain import Question, Unexplained, explain
from stasis_app.rules.findings import ERROR, Finding, findings
from stasis_app.store import findings as store
from stasis_app.store.directory import Directory


async def tell(dsn: str, question: Question) -> int:
    """Print what would happen to a call; return the exit code (1: the question makes no sense)."""
    try:
        book = await Directory(dsn).read_once()
        for line in explain(book, question):
            print(line)
    except (ConnectionError, Unexplained) as error:
        print(f"pbx: {error}", file=sys.stderr)
        return 1
    return 0


async def check(dsn: str) -> int:
    """Print what is wrong, and write it to `config_problems`; return 1 if there are errors."""
    try:
        book = await Directory(dsn).read_once()
        found = [finding for finding in findings(book) if finding]
        await store.replace(dsn, found)
    except ConnectionError as error:
        print(f"pbx: {error}", file=sys.stderr)
        return 1
    for finding in sorted(found, key=lambda one: (one.severity, one.table, one.name)):
        print(_line(finding))
    if not found:
        print("no problems")
    return int(any(finding.severity == ERROR for finding in found))


def _line(finding: Finding) -> str:
    return f"{finding.severity}: {finding.table} {finding.name or finding.row}: {finding.problem}"
