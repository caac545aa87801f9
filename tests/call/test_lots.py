"""Lots of the strategy random: fair, and without memory."""

from collections import Counter
from itertools import pairwise
from uuid import uuid4

from stasis_app.call.lots import Lots
from stasis_app.rules.queues import Member


def test_who_was_drawn_is_as_likely_as_any_other_to_be_drawn_next() -> None:
    lots, queue = Lots(), uuid4()
    members = [Member(uuid4(), queue, uuid4()) for _ in range(3)]
    held = {member.extension: lots.draw(member) for member in members}
    chosen = []
    for _ in range(3000):
        agent = min(held, key=held.__getitem__)
        lots.drawn(agent, queue)
        [member] = [one for one in members if one.extension == agent]
        held[agent] = lots.draw(member)
        chosen.append(agent)
    assert min(Counter(chosen).values()) > 800
    again = sum(one == other for one, other in pairwise(chosen))
    assert 800 < again < 1200
