"""Whether the next trunk may be tried: only when the trunk failed, never because of the callee."""

TRUNK_FAILED = frozenset({401, 403, 407, 408, 480, 488, *range(500, 600)})
# Q.850 of a leg that ended without a SIP answer: no route, out of order, congestion, no channel …
# Without a cause (0) it was lost, and may have been answered.
NO_ANSWER_FROM_TRUNK = frozenset({3, 18, 20, 27, 34, 38, 41, 42, 44, 47, 50, 58, 111, 127})
BUSY = frozenset({486, 600})


def next_may_try(sip: int, q850: int, *, progressed: bool, urgent: bool = False) -> bool:
    """Decide by the SIP status (0: there was none), else by the Q.850 cause.

    After a 180 or 183 the callee has been reached: what comes then is the callee's answer. An
    `urgent` call (emergency) believes no trunk that there is no such number, only that it is busy.
    """
    if progressed:
        return False
    if urgent:
        return sip not in BUSY
    if sip:
        return sip in TRUNK_FAILED
    return q850 in NO_ANSWER_FROM_TRUNK
