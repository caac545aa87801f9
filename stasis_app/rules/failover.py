"""Whether the next trunk may be tried: only when the trunk failed, never because of the callee."""

TRUNK_FAILED = frozenset({401, 403, 407, 408, 480, 488})
SERVER_FAILURE = range(500, 600)
# Q.850 of a leg that ended without a SIP answer: no route, out of order, congestion, no channel …
NO_ANSWER_FROM_TRUNK = frozenset({0, 3, 18, 20, 27, 34, 38, 41, 42, 44, 47, 50, 58, 111, 127})


def next_may_try(sip: int, q850: int, *, progressed: bool) -> bool:
    """Decide by the SIP status (0: there was none), else by the Q.850 cause.

    After a 180 or 183 the callee has been reached: what comes then is the callee's answer.
    """
    if progressed:
        return False
    if sip:
        return sip in TRUNK_FAILED or sip in SERVER_FAILURE
    return q850 in NO_ANSWER_FROM_TRUNK
