"""Whatever happens on a day of two queues: no agent has two calls, nobody is lost, all is counted.

Who is offered an agent had nobody before him, nobody waits whom a free agent could serve, and in
the end everybody is gone and every agent is free.
"""

from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from stasis_app.words import QueueStrategy
from tests.support.fake_phones import DEAD, Phone
from tests.support.virtual_time import run

from .queue_day import Event, Plan, live
from .queue_stage import all_is_well
from .rows import identity

EVERY_DAY = ("calls", "delivers", "calls", "delivers", "calls", "dials", "wants", "presses")
ROWS = ("registers", "disturbs", "changes")
DISASTERS = ("kills", "cuts", "loses_postgres")

moments = st.sampled_from([0.001, 0.05, 0.3, 1.0, 2.0, 5.0])
phones = st.one_of(
    st.builds(
        Phone,
        rings=st.none() | moments,
        answers=moments,
        hangs_up=st.none() | st.sampled_from([0.001, 1.0, 4.0, 15.0]),
    ),
    st.builds(
        Phone,
        rings=st.none() | moments,
        rejects=st.tuples(moments, st.sampled_from([17, 20, 21]), st.sampled_from([480, 486, 603])),
    ),
    st.just(DEAD),
)


def events(kinds: tuple[str, ...], most: int) -> st.SearchStrategy[tuple[Event, ...]]:
    one = st.builds(
        Event,
        after=st.sampled_from([0.0, 0.0, 0.001, 0.01, 0.2, 1.0, 1.0, 3.0, 8.0]),
        kind=st.sampled_from(kinds),
        who=st.integers(0, 11),
        value=st.integers(0, 9),
    )
    return st.lists(one, min_size=5, max_size=most).map(tuple)


def plans(kinds: tuple[str, ...], most: int = 40) -> st.SearchStrategy[Plan]:
    columns: dict[str, st.SearchStrategy[Any]] = {
        "wrap_up_seconds": st.sampled_from([0.0, 3.0]),
        "ring_seconds": st.sampled_from([2.0, 8.0]),
        "break_after_misses": st.sampled_from([0, 0, 2]),
        "max_wait_seconds": st.sampled_from([None, 60.0]),
        "relax_seconds": st.sampled_from([None, 10.0]),
        "welcome": st.sampled_from([None, identity("hello")]),
        "agent_prompt": st.sampled_from([None, identity("listen")]),
        "announces_position": st.booleans(),
        "redial_seconds": st.sampled_from([0.0, 30.0]),
    }
    return st.builds(
        Plan,
        strategies=st.tuples(st.sampled_from(QueueStrategy), st.sampled_from(QueueStrategy)),
        columns=st.fixed_dictionaries(columns),
        phones=st.lists(phones, min_size=1, max_size=8).map(tuple),
        delays=st.lists(st.sampled_from([0.0, 0.001, 0.001, 0.004]), min_size=1, max_size=4).map(
            tuple
        ),
        events=events(kinds, most),
    )


patient = settings(deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])


@given(plans(EVERY_DAY))
@settings(patient, max_examples=60)
def test_every_day(plan: Plan) -> None:
    all_is_well(run(live(plan)))


@given(plans((*EVERY_DAY, *ROWS)))
@settings(patient, max_examples=60)
def test_rows_change(plan: Plan) -> None:
    all_is_well(run(live(plan)))


@given(plans((*EVERY_DAY, *ROWS, *DISASTERS)))
@settings(patient, max_examples=60)
def test_disasters(plan: Plan) -> None:
    all_is_well(run(live(plan)))
