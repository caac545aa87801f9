"""SIPp against a raw phone."""

from pathlib import Path

import pytest

from .sip import RawPhone
from .sipp import Sipp


async def test_it_answers_and_counts() -> None:
    async with (
        Sipp("uas_answer") as sipp,
        RawPhone("1001", "", f"127.0.0.1:{sipp.local_port}") as anna,
    ):
        assert (await anna.request("OPTIONS", "sip:1002@sipp")).code == 200
        call = await anna.invite("1002")
        await call.answered()
        await call.hangup()
        totals = await sipp.totals()
    assert (totals.successful, totals.failed) == (2, 0)


async def test_what_was_not_expected_is_a_failure() -> None:
    async with RawPhone("exchange", "", "") as exchange:
        exchange.answers["REGISTER"] = 403
        rows = [("1001", "secret", "127.0.0.1:9")]
        server = exchange.link.sent_by
        totals = await Sipp("uac_register", server, calls=3, rows=rows, within=10).run()
    assert (totals.successful, totals.failed) == (0, 3)
    assert "403" in totals.errors


async def test_a_broken_scenario_is_told(tmp_path: Path) -> None:
    scenario = tmp_path / "broken.xml"
    scenario.write_text("<scenario>")
    with pytest.raises(AssertionError, match="SIPp ended with"):
        await Sipp(scenario, "127.0.0.1:9").run()
    with pytest.raises(AssertionError, match="SIPp ended with"):
        await Sipp(scenario).run()


async def test_leaving_it_kills_it() -> None:
    async with Sipp("uas_answer") as sipp:
        child = sipp.child
    assert child.returncode is not None
