"""Who waited how long in a queue, as the wire showed it."""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from .wire import UDP, Sniffer

SNAP_BYTES = 1400
HEADER = re.compile(r"^(From|Call-ID|CSeq): *(.*?)\r?$", re.MULTILINE)
USER = re.compile(r"sip:([^@;>]+)@")


@dataclass(slots=True)
class Arrival:
    """A caller's INVITE with credentials, its 200, and the BYE to the caller; 0: not seen.

    In seconds since the epoch.
    """

    invited: float
    answered: float = 0.0
    over: float = 0.0


@dataclass(slots=True)
class Offer:
    """An INVITE to an agent's phone; the BYE that the agent sent in the end, and the 200 to it.

    0: none.
    """

    at: float
    agent: str
    caller: str
    bye: float = 0.0
    over: float = 0.0


@dataclass(frozen=True)
class Waits:
    """Seconds until the INVITE to an agent.

    `freed` are those from the agent's BYE, where a caller waited then, `released` those from the
    200 to it. `arrived` are those from the caller's INVITE, where the agent was free, `welcomed`
    those from the 200 to it.
    """

    freed: list[float]
    released: list[float]
    arrived: list[float]
    welcomed: list[float]


class Calls(Sniffer):
    """Sees the SIP messages of a UDP port."""

    def __init__(self, port: int) -> None:
        super().__init__(port, UDP, SNAP_BYTES)

    def arrivals(self) -> Mapping[str, Sequence[Arrival]]:
        """Return what each caller went through, by number, in the order of time."""
        calls: dict[str, Arrival] = {}
        found: defaultdict[str, list[Arrival]] = defaultdict(list)
        for at, first, headers in self._messages():
            call, invites = headers.get("Call-ID", ""), headers.get("CSeq") == "2 INVITE"
            if first.startswith("INVITE") and invites and call not in calls:
                calls[call] = Arrival(at)
                found[_user(headers["From"])].append(calls[call])
            elif first.startswith("SIP/2.0 200") and invites and call in calls:
                calls[call].answered = calls[call].answered or at
            elif first.startswith("BYE") and call in calls:
                calls[call].over = calls[call].over or at
        return found

    def offers(self) -> Sequence[Offer]:
        """Return the calls that the agents were offered, in the order of time."""
        calls: dict[str, Offer] = {}
        for at, first, headers in self._messages():
            call = headers.get("Call-ID", "")
            if first.startswith("INVITE") and call not in calls:
                calls[call] = Offer(at, _user(first), _user(headers["From"]))
            elif first.startswith("BYE") and call in calls:
                calls[call].bye = calls[call].bye or at
            elif headers.get("CSeq") == "1 BYE" and call in calls:
                calls[call].over = calls[call].over or at
        return list(calls.values())

    def _messages(self) -> Iterator[tuple[float, str, dict[str, str]]]:
        for at, packet in self.packets:
            text = packet.decode(errors="replace")
            yield at, text.partition("\r\n")[0], dict(HEADER.findall(text))


def waits(arrivals: Mapping[str, Sequence[Arrival]], offers: Sequence[Offer]) -> Waits:
    """Tell apart who waited for an agent, and whom an agent waited for."""
    found = Waits([], [], [], [])
    last: dict[str, Offer] = {}
    for offer in offers:
        before, last[offer.agent] = last.get(offer.agent), offer
        arrival = _arrival(arrivals.get(offer.caller, ()), offer.at)
        if arrival is None or not arrival.answered or (before and not before.bye):
            continue
        if before and arrival.answered < before.bye:
            found.freed.append(offer.at - before.bye)
            found.released.append(offer.at - before.over)
        elif before is None or before.bye < arrival.invited:
            found.arrived.append(offer.at - arrival.invited)
            found.welcomed.append(offer.at - arrival.answered)
    return found


def _arrival(arrivals: Sequence[Arrival], at: float) -> Arrival | None:
    """Return the last one before a moment."""
    place = bisect_left(arrivals, at, key=lambda arrival: arrival.invited)
    return arrivals[place - 1] if place else None


def _user(text: str) -> str:
    found = USER.search(text)
    return found[1] if found else ""
