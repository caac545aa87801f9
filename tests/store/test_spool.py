"""The local spool, between the calls and Postgres."""

import errno
import os
from pathlib import Path

import pytest

from stasis_app.store import spool as module
from stasis_app.store.spool import Record, Spool, SpoolInUse, SpoolPosition

START = SpoolPosition()


def everything(spool: Spool, position: SpoolPosition = START) -> tuple[list[Record], SpoolPosition]:
    """Read to the end, in as many steps as it takes."""
    found: list[Record] = []
    while True:
        records, position = spool.read(position)
        if not records:
            return found, position
        found += records


def segments(spool: Spool) -> list[str]:
    return sorted(path.name for path in spool._directory.glob("*.jsonl"))


def test_records_are_read_as_they_were_written(spool: Spool) -> None:
    records = [{"call": "a", "n": n, "text": "ä\n\u2028"} for n in range(3)]
    for record in records:
        spool.write(record)
    assert everything(spool)[0] == records
    assert spool.read(everything(spool)[1]) == ([], everything(spool)[1])


def test_another_process_reads_on(tmp_path: Path) -> None:
    first = Spool(tmp_path)
    first.write({"n": 1})
    _, position = everything(first)
    first.write({"n": 2})
    first.close()
    second = Spool(tmp_path)
    second.write({"n": 3})
    assert second.id == first.id
    assert everything(second, position)[0] == [{"n": 2}, {"n": 3}]
    second.close()


def test_a_line_cut_off_by_a_crash_is_passed_over(tmp_path: Path) -> None:
    first = Spool(tmp_path)
    first.write({"n": 1})
    first.close()
    with (tmp_path / segments(first)[0]).open("ab") as file:
        file.write(b'{"n": 2, "tex')
    second = Spool(tmp_path)
    assert everything(second)[0] == [{"n": 1}]
    second.write({"n": 3})
    records, position = everything(second)
    assert records == [{"n": 1}, {"n": 3}]
    second.drop_before(position)
    assert len(segments(second)) == 1
    second.close()


def test_segments_turn_and_are_dropped(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SEGMENT_BYTES", 100)
    records = [{"n": n, "text": "x" * 30} for n in range(10)]
    for record in records:
        spool.write(record)
    assert len(segments(spool)) == 5
    found, end = everything(spool)
    assert found == records
    _, middle = spool.read(spool.read(START)[1])
    spool.drop_before(middle)
    assert everything(spool, middle)[0] == records[4:]
    spool.drop_before(end)
    assert len(segments(spool)) == 1
    spool.write({"n": 10})
    assert everything(spool, end)[0] == [{"n": 10}]


def test_a_record_larger_than_what_is_read_at_once(spool: Spool) -> None:
    """It stops neither itself nor what comes after it."""
    large = {"text": "x" * (module.CHUNK_BYTES + 1)}
    spool.write(large)
    spool.write({"n": 2})
    assert everything(spool)[0][-1] == {"n": 2}


def test_at_the_limit_records_are_lost_and_it_says_so(tmp_path: Path) -> None:
    spool = Spool(tmp_path, limit=50)
    written = [spool.write({"n": n, "text": "x" * 10}) for n in range(10)]
    assert written == [True] + [False] * 9
    assert spool.failing
    assert everything(spool)[0] == [{"n": 0, "text": "x" * 10}]
    spool.close()


def test_room_that_was_made_is_used_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SEGMENT_BYTES", 40)
    spool = Spool(tmp_path, limit=100)
    for n in range(10):
        spool.write({"n": n, "text": "x" * 10})
    assert spool.failing
    _, end = everything(spool)
    spool.drop_before(end)
    spool.write({"n": 11})
    assert not spool.failing
    assert everything(spool, end)[0] == [{"n": 11}]
    spool.close()


def test_what_can_not_be_written_is_set_aside(spool: Spool) -> None:
    assert spool.write({"n": object()}) is False
    spool.reject({"n": 1}, "no reason")
    assert '"no reason"' in (spool._directory / "rejected.log").read_text()
    assert everything(spool)[0] == []


async def test_two_processes_never_share_a_spool(tmp_path: Path) -> None:
    first = Spool(tmp_path)
    with pytest.raises(SpoolInUse):
        Spool(tmp_path)
    first.close()
    Spool(tmp_path).close()


async def test_a_disk_that_takes_no_new_file_costs_nothing_but_the_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old file stays in use, and what was written is read."""
    spool = Spool(tmp_path)
    spool.write({"call": "before"})
    monkeypatch.setattr("stasis_app.store.spool.SEGMENT_BYTES", 1)
    with monkeypatch.context() as full:
        full.setattr(os, "open", _refuses)
        assert not spool.write({"call": "lost"})
    assert spool.failing
    assert spool.write({"call": "after"})
    assert not spool.failing
    seen = [record["call"] for record in everything(spool)[0]]
    assert seen == ["before", "after"]
    spool.close()


def _refuses(*_: object) -> int:
    raise OSError(errno.ENOSPC, "no space left")
