"""What the library remembers of the objects."""

from typing import cast
from uuid import uuid4

import pytest

from stasis_app.media import library
from stasis_app.media.library import Library
from stasis_app.media.objects import Objects, Stat
from stasis_app.store.media_files import MediaFile


class AnyObject:
    async def stat(self, key: str) -> Stat:
        return Stat(key, size=1, etag=key, content_type="audio/wav")


async def test_it_remembers_only_the_objects_that_were_asked_for_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(library, "REMEMBERED", 3)
    known = Library("", cast(Objects, AnyObject()), "")
    for key in ("a", "b", "c", "a", "d"):
        await known.stat(MediaFile(uuid4(), "", "prompt", key, "", "", None))
    assert [*known._marks] == ["c", "a", "d"]
