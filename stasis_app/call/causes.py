"""Causes, decided: what an unanswered caller is told, and what a failed leg means.

The numbers are Q.850. Asterisk 22 maps them to SIP in chan_pjsip's hangup_cause2sip; 16 is not in
its map for an unanswered caller and becomes 603 Decline, which is what a declined call wants.
"""

from stasis_app.ari.events import Destroyed
from stasis_app.rules.failover import TRUNK_FAILED
from stasis_app.words import HangupCause

NORMAL_CLEARING = 16
ANSWERED_ELSEWHERE = 26
SIP_REDIRECTION = range(300, 400)
SIP_SERVER_FAILURE = range(500, 600)
SIP_GLOBAL_FAILURE = range(600, 700)

ANSWER_TO_CALLER: dict[HangupCause, int] = {
    HangupCause.NORMAL_CLEARING: NORMAL_CLEARING,
    HangupCause.CANCEL: NORMAL_CLEARING,
    HangupCause.BUSY: 17,  # 486
    HangupCause.NO_ANSWER: 19,  # 480
    HangupCause.REJECTED: NORMAL_CLEARING,  # 603
    HangupCause.UNAVAILABLE: 20,  # 480
    HangupCause.UNALLOCATED_NUMBER: 1,  # 404
    HangupCause.NUMBER_CHANGED: 22,  # 410
    HangupCause.INVALID_NUMBER: 28,  # 484
    HangupCause.FORBIDDEN: 21,  # 403
    HangupCause.NOT_IMPLEMENTED: 29,  # 501
    HangupCause.NOT_ACCEPTABLE: 58,  # 488
    HangupCause.CONGESTION: 34,  # 503
    HangupCause.LOOP_DETECTED: 20,  # 480
    HangupCause.FAILURE: 38,  # 500
    HangupCause.SYSTEM_RESTART: 38,
    HangupCause.MEDIA_TIMEOUT: NORMAL_CLEARING,
}

OF_SIP: dict[int, HangupCause] = {
    403: HangupCause.REJECTED,
    404: HangupCause.UNAVAILABLE,
    408: HangupCause.UNAVAILABLE,
    410: HangupCause.UNAVAILABLE,
    415: HangupCause.NOT_ACCEPTABLE,
    480: HangupCause.UNAVAILABLE,
    484: HangupCause.UNAVAILABLE,
    486: HangupCause.BUSY,
    488: HangupCause.NOT_ACCEPTABLE,
    503: HangupCause.CONGESTION,
    600: HangupCause.BUSY,
    603: HangupCause.REJECTED,
    604: HangupCause.UNAVAILABLE,
    606: HangupCause.NOT_ACCEPTABLE,
}

# What these say of a phone that did not answer is the exchange's own business; said by a carrier,
# they speak of the number.
OF_CARRIER_SIP: dict[int, HangupCause] = {
    404: HangupCause.UNALLOCATED_NUMBER,
    410: HangupCause.NUMBER_CHANGED,
    484: HangupCause.INVALID_NUMBER,
    604: HangupCause.UNALLOCATED_NUMBER,
}
# Of our account there, or of the carrier itself: for the caller all circuits are busy. What may
# as well be said by the callee's phone is passed on.
CARRIER_FAILED = TRUNK_FAILED - {480, 488}

# of a leg that nobody has answered
OF_Q850: dict[int, HangupCause] = {
    0: HangupCause.NO_ANSWER,
    1: HangupCause.UNAVAILABLE,
    3: HangupCause.UNAVAILABLE,
    16: HangupCause.UNAVAILABLE,
    17: HangupCause.BUSY,
    18: HangupCause.UNAVAILABLE,
    19: HangupCause.NO_ANSWER,
    20: HangupCause.UNAVAILABLE,
    21: HangupCause.REJECTED,
    34: HangupCause.CONGESTION,
    42: HangupCause.CONGESTION,
    44: HangupCause.MEDIA_TIMEOUT,
    58: HangupCause.NOT_ACCEPTABLE,
}


def of_leg(end: Destroyed) -> HangupCause:
    """Return what the end of an unanswered leg means; the SIP status says more than Q.850."""
    if end.tech_cause in OF_SIP:
        return OF_SIP[end.tech_cause]
    if end.tech_cause in SIP_REDIRECTION:
        return HangupCause.UNAVAILABLE
    if end.tech_cause in SIP_SERVER_FAILURE:
        return HangupCause.FAILURE
    if end.tech_cause in SIP_GLOBAL_FAILURE:
        return HangupCause.REJECTED  # 607 Unwanted (RFC 8197), 608 Rejected (RFC 8688)
    return OF_Q850.get(end.cause, HangupCause.FAILURE)


def of_carrier(end: Destroyed) -> HangupCause:
    """Return what the end of an unanswered leg over a trunk means."""
    if end.tech_cause in CARRIER_FAILED:
        return HangupCause.CONGESTION
    return OF_CARRIER_SIP.get(end.tech_cause) or of_leg(end)


def of_answered(end: Destroyed) -> HangupCause:
    """Return the word for the end of an answered call."""
    cause = OF_Q850.get(end.cause)
    return cause if cause is HangupCause.MEDIA_TIMEOUT else HangupCause.NORMAL_CLEARING
