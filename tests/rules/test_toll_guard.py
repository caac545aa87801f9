"""The toll guard: who may not call abroad or mobile phones does not, in whatever disguise."""

from dataclasses import replace
from uuid import UUID

import phonenumbers
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stasis_app.rules.codes import CallAnonymously, feature_code
from stasis_app.rules.dialling import meaning
from stasis_app.rules.inbound import resolve, sends_on
from stasis_app.rules.models import DestinationKind, Payer, Refuse, Target
from stasis_app.rules.outbound import DIALABLE, decide
from stasis_app.words import HangupCause, TargetType

from .build import ANNA, ANY, Row, call, exchange, outbound_row, trunk_row

RULE = Payer(rule="in1", diverted=("+493055", "unconditional"))
ON_TRUNK = Payer(extension="1001", trunk=UUID(int=1))
BARRED: Row = {"allow_international": False, "allow_mobile": False}

ABROAD = (
    "00442079460018",
    "+442079460018",
    "+44 (20) 7946-0018",
    "00 44/20.79460018",
    "442079460018",
    "004412",
    "00999123456",
    "+999123456",
    "+88216123456",
    "00870773123456",
    "0000442079460018",
    "+00442079460018",
    "00442079460018" + "0" * 20,
    "00442079460018#",
    "0044*2079460018",
    "#00442079460018",
    "#31#00442079460018",
    "*99*00442079460018#",
    "*21*00442079460018#",
    "**21*00442079460018*11#",
    "0*0*4*4*2*0*7*9*4*6*0*0*1*8",
    "+442079460018##",
    "44*2079460018",
)
MOBILE = (
    "01711234567",
    "+491711234567",
    "00491711234567",
    "004901711234567",
    "+49 (0) 171 1234567",
    "491711234567",
    "1711234567",
    "01711234567#",
    "*99*01711234567#",
    "0*1711234567",
    "00447400123456",
    "+447400123456#",
)
HOME = ("030123456", "+4930123456", "004930123456", "4930123456", "030123456#", "115", "*99#")


@pytest.mark.parametrize("number", ABROAD)
def test_a_number_abroad_in_disguise(number: str) -> None:
    assert call(exchange([ANY], {"allow_international": False}), number) == "international"
    assert DIALABLE.fullmatch(call(exchange([ANY]), number))


@pytest.mark.parametrize("number", MOBILE)
def test_a_mobile_number_in_disguise(number: str) -> None:
    assert call(exchange([ANY], {"allow_mobile": False}), number) == "mobile"
    assert DIALABLE.fullmatch(call(exchange([ANY]), number))


@pytest.mark.parametrize("number", HOME)
def test_a_number_at_home_is_not_barred(number: str) -> None:
    assert DIALABLE.fullmatch(call(exchange([ANY], BARRED), number))


@pytest.mark.parametrize(
    ("pattern", "strip", "prepend", "number", "told"),
    [
        ("^9", 1, None, "900442079460018", "international"),
        ("^9", 1, None, "9030123456", "030123456"),
        ("^0", 1, None, "0030123456", "030123456"),  # 0 for a line, and no number in Greece
        ("^0", 1, None, "000442012345", "international"),
        ("^9", 1, "00", "9442079460018", "international"),
        ("^", 0, "00", "442079460018", "international"),
        ("^", 0, "+", "442079460018", "international"),
        ("^44", 0, "0", "442079460018", "international"),
        ("^00", 2, None, "00442079460018", "international"),
        ("^00", 2, None, "0099912345678", "international"),  # not assigned, but abroad
        ("^[+]", 1, None, "+99912345678", "international"),
        ("^00", 2, "01013", "00442079460018", "international"),
        ("^00", 2, "*99*", "00442079460018", "international"),
        ("^0", 1, "01013", "000442079460018", "international"),
        ("^8", 1, "00", "8441711234567", "international"),
        ("^7", 1, "0171", "71234567", "mobile"),
        ("^9", 1, None, "901711234567", "mobile"),
        ("^9", 1, "+49", "91711234567", "mobile"),
        ("^9", 1, "0", "91711234567", "mobile"),
    ],
)
def test_strip_and_prepend_hide_nothing(
    pattern: str, strip: int, prepend: str | None, number: str, told: str
) -> None:
    rules = [outbound_row(1, pattern, strip_digits=strip, prepend=prepend)]
    assert call(exchange(rules, BARRED), number) == told


@pytest.mark.parametrize(
    ("country", "number", "told"),
    [
        ("US", "0114420794600188", "international"),
        ("US", "0114420123456", "international"),
        ("US", "18765551234", "international"),  # Jamaica
        ("US", "8765551234", "international"),
        ("US", "12125551234", "12125551234"),
        ("DE", "0114420794600188", "0114420794600188"),  # 0114 is no prefix here
        ("AT", "0049301234567", "international"),
        ("FR", "0049301234567", "international"),
        ("FR", "0612345678", "mobile"),
        ("CH", "0791234567", "mobile"),
    ],
)
def test_the_country_says_what_is_abroad(country: str, number: str, told: str) -> None:
    assert call(exchange([ANY], BARRED, numbers__country=country), number) == told


@pytest.mark.parametrize("number", ["0044 20 79460018", "+49 171 1234567"])
def test_a_forward_pays_like_a_call(number: str) -> None:
    forward = Payer(extension="1001", diverted=("1001", "no_answer"))
    made = exchange([ANY], BARRED)
    destination = meaning(made, number, forward)
    assert destination.kind is DestinationKind.OUTSIDE
    reason = "international" if "44" in number else "mobile"
    assert call(made, destination.number, destination.payer) == reason


@pytest.mark.parametrize("code", ["*31", "*31#", "*31*"])
def test_an_anonymous_call_pays_like_any_other(code: str) -> None:
    made = exchange([ANY], BARRED)
    asked = feature_code(f"{code}00442079460018")
    assert isinstance(asked, CallAnonymously)
    assert call(made, asked.number, replace(ANNA, anonymous=True)) == "international"


def test_a_rule_that_is_barred_leaves_the_call_to_the_next() -> None:
    """A prefix for another carrier is not a way round, an access code for a line is none either."""
    rules = [
        outbound_row(1, "^900", strip_digits=1),
        outbound_row(2, "^900", strip_digits=3, prepend="01013", trunk_id=UUID(int=2)),
    ]
    decision = decide(exchange(rules, BARRED), "900442079460018", ANNA)
    assert decision.outcome == Refuse(HangupCause.FORBIDDEN, "international")
    assert [one.why for one in decision.considered] == ["international", "international"]


def test_a_row_that_names_a_number_is_its_own_permission() -> None:
    made = exchange([outbound_row(1, "^0", allowed_for_roles=[])], BARRED)
    abroad = Target(TargetType.EXTERNAL, number="0044 20 79460018")
    target = resolve(made, abroad, sends_on("in1", "+4930"))
    assert target
    assert call(made, target.number, target.payer) == "00442079460018"
    assert call(made, target.number, Payer(extension="1001")) == "role"


@pytest.mark.parametrize(
    ("status", "number", "told"),
    [
        ("testing", "030123456", "030123456"),
        ("active", "030123456", "030123456"),
        ("inactive", "030123456", "no_trunk"),
        ("testing", "00442079460018", "international"),
        ("testing", "01711234567", "mobile"),
        ("testing", "*21*00442079460018#", "international"),
        ("testing", "112", "112"),
    ],
)
def test_a_test_code_asks_no_rule_but_what_the_extension_may(
    status: str, number: str, told: str
) -> None:
    made = exchange([], BARRED, trunks=[trunk_row(1, status=status)])
    decision = decide(made, number, Payer(extension="1001", trunk=UUID(int=1)))
    assert decision.considered == ()
    outcome = decision.outcome
    assert (outcome.reason if isinstance(outcome, Refuse) else outcome.number) == told


# for any text and any rules

dialled = (
    st.text("0123456789*#+ -./()", max_size=60)
    | st.text(max_size=60)
    | st.builds(
        "".join,
        st.tuples(
            st.sampled_from(["", "9", "*99*", "#", "0"]),
            st.sampled_from(["00", "+", "", "011", "0", "0049", "+49"]),
            st.sampled_from(["44", "1", "999", "171", "30", "882"]),
            st.text("0123456789*#", max_size=14),
        ),
    )
)
odd_rules = st.lists(
    st.builds(
        outbound_row,
        st.integers(1, 9),
        st.sampled_from(["^", ".", "^0", "^9", "^00", "[*#]", "^[+]", "[0-9]+$", "(", "(a+)+$"]),
        priority=st.none() | st.integers(-1, 2),
        strip_digits=st.none() | st.integers(-1, 6),
        prepend=st.none()
        | st.sampled_from(["0", "00", "+", "+49", "0049", "*99*", "#", "x", "/", "00 "])
        | st.text(max_size=20),
        trunk_id=st.sampled_from([UUID(int=1), UUID(int=2), UUID(int=9)]),
        allowed_for_roles=st.sampled_from([None, [], ["user"], ["admin"]]),
    ),
    max_size=5,
)
payers = st.sampled_from(
    [
        ANNA,
        RULE,
        Payer(),
        Payer(extension="1001", diverted=("1001", "busy")),
        ON_TRUNK,
    ]
)
countries = st.sampled_from(["DE", "US", "FR", "CH", "IT", "RU"])


def is_abroad(number: str, country: str) -> bool:
    """Tell by phonenumbers alone whether the digits lead out of the country."""
    try:
        found = phonenumbers.parse("".join(filter(str.isdecimal, number)), country)
        if number.startswith("+"):
            found = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return False
    region = phonenumbers.region_code_for_number(found)
    return phonenumbers.is_valid_number(found) and region != country


rights = st.fixed_dictionaries(
    {"allow_international": st.booleans(), "allow_mobile": st.booleans()}
)


@given(odd_rules, dialled, payers, countries, rights)
@example([ANY], "00442079460018#", ANNA, "DE", BARRED)
@example([], "00442079460018", ON_TRUNK, "DE", BARRED)
@example([], "0" * 60, ON_TRUNK, "DE", {})
def test_what_is_sent_can_be_dialled_and_is_not_barred(
    rules: list[Row], number: str, payer: Payer, country: str, owner: Row
) -> None:
    made = exchange(rules, owner, numbers__country=country)
    outcome = decide(made, number, payer).outcome
    if isinstance(outcome, Refuse):
        assert outcome.reason
        return
    assert DIALABLE.fullmatch(outcome.number)
    assert outcome.trunks
    if payer.extension and not made.extensions.items[UUID(int=1001)].allow_international:
        assert not is_abroad(outcome.number, country)
