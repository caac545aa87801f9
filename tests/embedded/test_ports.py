"""Where everything listens."""

import socket

from stasis_app.embedded.ports import Listener, PortPlan, taken


def test_the_plan() -> None:
    plan = PortPlan.above(15000)
    assert (plan.smtp, plan.sip, plan.sip_tls) == (15025, 15060, 15061)
    assert (plan.app, plan.ari, plan.wss) == (15080, 15088, 15089)
    assert plan.ami == 15038
    assert (plan.postgres, plan.s3) == (15432, 15900)
    assert (plan.rtp_start, plan.rtp_end) == (15200, 15879)


def test_rtp_can_lie_elsewhere() -> None:
    plan = PortPlan.above(15000, 40000, 49999)
    assert (plan.rtp_start, plan.rtp_end) == (40000, 49999)


def test_a_port_that_another_process_has_is_found() -> None:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as other:
            other.bind(("127.0.0.1", 0))
            if kind is socket.SOCK_STREAM:
                other.listen()
            listener = Listener("mail", other.getsockname()[1], kind)
            assert taken([listener]) == [listener]
        assert taken([listener]) == []
