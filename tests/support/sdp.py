"""Session descriptions with one audio stream: written and read."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

STATIC = {"PCMU": 0, "GSM": 3, "PCMA": 8, "G722": 9, "G729": 18}
DTMF = "telephone-event"
MIRROR = {"sendonly": "recvonly", "recvonly": "sendonly"}


@dataclass(frozen=True)
class Media:
    """The audio of a description: where it goes and the codec of each payload type, in order."""

    host: str
    port: int
    codecs: dict[int, str]
    direction: str

    @property
    def names(self) -> list[str]:
        """The codecs' names in the order of preference, without telephone-event."""
        return [name for name in self.codecs.values() if name != DTMF]

    def payload_type(self, name: str) -> int | None:
        """The payload type of a codec, or None."""
        return next((kind for kind, codec in self.codecs.items() if codec == name), None)

    @property
    def telephone_event(self) -> int | None:
        """The payload type of telephone-event (RFC 4733), None when it is not there."""
        return self.payload_type(DTMF)

    @property
    def accepted_direction(self) -> str:
        """What the other side may do when this is what we want."""
        return MIRROR.get(self.direction, self.direction)


def parse(body: str) -> Media | None:
    """Read the audio stream of a description, None when it has none or it is switched off."""
    audio = re.search(r"^m=audio (\d+) \S+ ([\d ]+)", body, re.MULTILINE)
    if not audio or audio.group(1) == "0":
        return None
    host = re.search(r"^c=IN IP4 (\S+)", body, re.MULTILINE)
    named = dict(re.findall(r"^a=rtpmap:(\d+) ([^/\s]+)", body, re.MULTILINE))
    known = {str(kind): name for name, kind in STATIC.items()} | named
    direction = re.search(r"^a=(sendrecv|sendonly|recvonly|inactive)\s*$", body, re.MULTILINE)
    return Media(
        host=host.group(1) if host else "0.0.0.0",  # noqa: S104 - the address that means "held"
        port=int(audio.group(1)),
        codecs={int(kind): known.get(kind, "?") for kind in audio.group(2).split()},
        direction=direction.group(1) if direction else "sendrecv",
    )


def describe(
    host: str, port: int, codecs: dict[int, str], direction: str = "sendrecv", version: int = 1
) -> str:
    """Write a description of one audio stream at `host`:`port`."""
    maps = [f"a=rtpmap:{kind} {name}/{_clock(name)}" for kind, name in codecs.items()]
    events = [f"a=fmtp:{kind} 0-16" for kind, name in codecs.items() if name == DTMF]
    lines = [
        "v=0",
        f"o=phone {port} {version} IN IP4 {host}",
        "s=call",
        f"c=IN IP4 {host}",
        "t=0 0",
        f"m=audio {port} RTP/AVP {' '.join(map(str, codecs))}",
        *maps,
        *events,
        "a=ptime:20",
        f"a={direction}",
        "",
    ]
    return "\r\n".join(lines)


def number_codecs(names: Iterable[str], *, telephone_event: bool = True) -> dict[int, str]:
    """Give each codec its payload type: the static one, else 96 and up; telephone-event is 101."""
    numbered: dict[int, str] = {}
    for name in names:
        free = next(kind for kind in range(96, 128) if kind != 101 and kind not in numbered)
        numbered[STATIC.get(name, free)] = name
    return numbered | ({101: DTMF} if telephone_event else {})


def _clock(name: str) -> str:
    return {"opus": "48000/2"}.get(name, "8000")
