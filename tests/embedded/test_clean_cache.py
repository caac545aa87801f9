"""Asterisk forgets what it has fetched and not played for long."""

import os
from datetime import timedelta
from pathlib import Path

import pytest

from stasis_app.embedded import resources
from tests.embedded.shell import shell

DAY = timedelta(days=1)
MESSAGE = "http://127.0.0.1:15080/messages/1/2/3"
MEDIA = "http://127.0.0.1:15080/media/1/2/3"
# as Asterisk 22.10 prints it
ASTERISK = r"""#!/bin/sh
case "$4" in
'media cache show all') printf 'URI\n\tLocal File\n---------------\n' && cat listed ;;
*) echo "$4" >>asked && echo 'Deleted' ;;
esac
"""


class Cache:
    """A cache directory, and an Asterisk that says what is in it and notes what it is told."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folder = root / "var" / "cache"
        self._folder.mkdir(parents=True)
        (root / "listed").touch()
        (root / "asked").touch()
        program = root / "bin" / "asterisk"
        program.parent.mkdir()
        program.write_text(ASTERISK)
        program.chmod(0o700)

    def fetched(self, address: str, *, read: timedelta, made: timedelta) -> Path:
        path = self.file(f"bucket-{len(list(self._folder.iterdir()))}.wav16", read, made)
        with (self._root / "listed").open("a") as listed:
            listed.write(f"{address}\n\t{path}  \n")
        return path

    def file(self, name: str, read: timedelta, made: timedelta) -> Path:
        path = self._folder / name
        path.write_bytes(b"audio")
        now = path.stat().st_mtime
        os.utime(path, (now - read.total_seconds(), now - made.total_seconds()))
        return path

    def cleaned(self) -> list[str]:
        """Clean; return what Asterisk was told."""
        environment = {
            "PATH": f"{self._root / 'bin'}:{os.environ['PATH']}",
            "PBX_ASTERISK_DIR": str(self._root),
        }
        done = shell("sh", str(resources.clean_cache()), environment=environment)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        return (self._root / "asked").read_text().splitlines()


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path)


@pytest.mark.parametrize(
    ("address", "read", "made", "gone"),
    [
        (MESSAGE, 1.1, 1.1, True),
        (MESSAGE, 0.9, 0.9, False),
        (MESSAGE, 0.9, 5.0, False),
        (MESSAGE, 5.0, 0.9, False),
        (MEDIA, 29.0, 29.0, False),
        (MEDIA, 1.0, 31.0, False),
        (MEDIA, 31.0, 31.0, True),
    ],
)
def test_what_was_not_played_for_long_is_forgotten(
    cache: Cache, address: str, read: float, made: float, gone: bool
) -> None:
    cache.fetched(address, read=read * DAY, made=made * DAY)
    assert cache.cleaned() == ([f"media cache delete {address}"] if gone else [])


def test_each_is_looked_at(cache: Cache) -> None:
    for name, days in (("a", 2), ("b", 0), ("c", 3)):
        cache.fetched(MESSAGE + name, read=days * DAY, made=days * DAY)
    cache.fetched(MEDIA, read=0 * DAY, made=0 * DAY).unlink()
    told = [f"media cache delete {one}" for one in (f"{MESSAGE}a", f"{MESSAGE}c", MEDIA)]
    assert cache.cleaned() == told


def test_what_a_dying_asterisk_left_goes(cache: Cache) -> None:
    old = cache.file("bucket-old", 31 * DAY, 31 * DAY)
    kept = [cache.file("bucket-new", DAY, DAY), cache.file("other", 31 * DAY, 31 * DAY)]
    assert cache.cleaned() == []
    assert not old.exists()
    assert all(one.exists() for one in kept)
