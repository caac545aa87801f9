"""The local spool: an append-only file between the calls and Postgres.

A record is written here before the step it speaks of begins. `write` costs a system call and never
waits for a disk or a network; what a killed process had written is read by the next one.
"""

import asyncio
import errno
import fcntl
import json
import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import structlog

Record = Mapping[str, Any]

log = structlog.get_logger()

SEGMENT_BYTES = 16 * 1024 * 1024
CHUNK_BYTES = 256 * 1024


class SpoolInUse(Exception):
    """Two processes may not write in one spool directory."""


@dataclass(frozen=True, slots=True, order=True)
class SpoolPosition:
    """First byte that is not shipped yet: `segment` is the file's number."""

    segment: int = 0
    offset: int = 0


class Spool:
    """Numbered files `NNN.jsonl` in one directory, a JSON object a line."""

    def __init__(self, directory: Path, *, limit: int = 1024**3) -> None:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._directory = directory
        self._lock = _locked(directory / "lock")
        self._limit = limit
        self.id = _identity(directory / "id")
        self.grown = asyncio.Event()
        self.failing = False
        self._segments = sorted(int(path.stem) for path in directory.glob("*.jsonl"))
        self._size = sum(self._path(number).stat().st_size for number in self._segments)
        self._file = self._open()

    def write(self, record: Record) -> bool:
        """Append one record. Never raises: a call goes on when its journal can't be written.

        At the limit, or when the disk refuses, the record is lost: it returns False, and `failing`
        says so.
        """
        try:
            self._append(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))
        except TypeError as error:
            log.error("record is no JSON", action="journal_rejects", error=str(error))
            self.reject(record, str(error))
        except OSError as error:
            if not self.failing:
                log.error("journal can't be written", action="journal_lost", error=str(error))
            self.failing = True
        else:
            self.failing = False
            self.grown.set()
            return True
        return False

    def _append(self, line: bytes) -> None:
        if self._size + len(line) > self._limit:
            raise OSError(errno.EDQUOT, f"the limit of {self._limit} bytes is reached")
        if self._written + len(line) > SEGMENT_BYTES:
            self._turn()
        written = os.write(self._file, line)
        self._written += written
        self._size += written
        if written < len(line):
            self._turn()
            raise OSError(errno.ENOSPC, f"only {written} of {len(line)} bytes were written")

    def read(self, start: SpoolPosition) -> tuple[list[Record], SpoolPosition]:
        """Return the whole records from `start`, about 256 kB at the most, and where they end.

        A line that was cut off by a crash is passed over once a newer file exists.
        """
        self.grown.clear()
        for number in self._segments:
            if number < start.segment:
                continue
            offset = start.offset if number == start.segment else 0
            with self._path(number).open("rb") as file:
                file.seek(offset)
                lines = file.readlines(CHUNK_BYTES)
            if lines and not lines[-1].endswith(b"\n"):
                del lines[-1]
            if lines:
                end = offset + sum(map(len, lines))
                return self._parse(lines), SpoolPosition(number, end)
        return [], start

    def _parse(self, lines: list[bytes]) -> list[Record]:
        records: list[Record] = []
        for line in lines:
            try:
                record = orjson.loads(line)
            except ValueError:
                record = None
            if isinstance(record, dict):
                records.append(record)
            else:
                self.reject({"unreadable": line.decode(errors="replace")}, "not a JSON object")
        return records

    def reject(self, record: Record, reason: str) -> None:
        """Set a record aside that can't be written, so that it is not lost and stops no other."""
        log.error("journal record set aside", action="journal_rejects")
        line = json.dumps({"reason": reason, "record": record}, default=str)
        try:
            with (self._directory / "rejected.log").open("a") as file:
                file.write(line + "\n")
        except OSError as error:
            log.error("journal can't be written", action="journal_lost", error=str(error))

    def drop_before(self, position: SpoolPosition) -> None:
        """Delete the files that are shipped entirely."""
        while self._segments[0] < min(position.segment, self._segments[-1]):
            path = self._path(self._segments.pop(0))
            self._size -= path.stat().st_size
            path.unlink()

    def close(self) -> None:
        os.close(self._file)
        os.close(self._lock)

    def _turn(self) -> None:
        """Go on in a new file. If there can be none, the old one stays in use."""
        old, self._file = self._file, self._open()
        os.close(old)

    def _open(self) -> int:
        """Begin a new file: what a crash may have cut off stays the end of the old one."""
        number = self._segments[-1] + 1 if self._segments else 1
        file = os.open(self._path(number), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._segments.append(number)
        self._written = 0
        return file

    def _path(self, number: int) -> Path:
        return self._directory / f"{number:012d}.jsonl"


def _locked(path: Path) -> int:
    """Take the directory for this process; the kernel gives it back when the process ends."""
    lock = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise SpoolInUse(f"another process writes in {path.parent}") from None
    return lock


def _identity(path: Path) -> uuid.UUID:
    if not path.exists():
        draft = path.with_suffix(".new")
        draft.write_text(str(uuid.uuid4()))
        draft.rename(path)
    return uuid.UUID(path.read_text().strip())
