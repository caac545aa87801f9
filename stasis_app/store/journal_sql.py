"""The statements of the journal. Each takes a JSON array: a group of any size is one statement.

A row that is being deleted at the same moment is waited for (FOR KEY SHARE), and then passed over.
"""

COLUMNS = """
    id uuid, call_id text, direction text,
    caller_number text, caller_name text, callee_number text, callee_name text,
    caller_extension_id uuid, callee_extension_id uuid, trunk_id uuid, state text,
    initiated_at timestamptz, ringing_at timestamptz, answered_at timestamptz,
    queue_id uuid, agent_extension_id uuid, queue_wait_time_seconds numeric
"""

CALLER = "(SELECT e.id FROM extensions e WHERE e.id = r.caller_extension_id FOR KEY SHARE)"
CALLEE = "(SELECT e.id FROM extensions e WHERE e.id = r.callee_extension_id FOR KEY SHARE)"
TRUNK = "(SELECT t.id FROM trunks t WHERE t.id = r.trunk_id FOR KEY SHARE)"
QUEUE = "(SELECT q.id FROM queues q WHERE q.id = r.queue_id FOR KEY SHARE)"
AGENT = "(SELECT e.id FROM extensions e WHERE e.id = r.agent_extension_id FOR KEY SHARE)"

BEGIN_CALLS = f"""
INSERT INTO calls (
    id, call_id, direction, caller_number, caller_name, callee_number, callee_name,
    caller_extension_id, callee_extension_id, trunk_id, state, initiated_at, ringing_at,
    answered_at, queue_id, agent_extension_id, queue_wait_time_seconds)
SELECT id, call_id, direction, caller_number, caller_name, callee_number, callee_name,
    {CALLER}, {CALLEE}, {TRUNK},
    coalesce(state, 'initiated'), initiated_at, ringing_at, answered_at,
    {QUEUE}, {AGENT}, queue_wait_time_seconds
FROM jsonb_to_recordset($1::jsonb) AS r({COLUMNS})
ON CONFLICT (id) DO NOTHING
"""  # noqa: S608

CHANGE_CALLS = f"""
UPDATE calls AS c SET
    state = coalesce(r.state, c.state),
    direction = coalesce(r.direction, c.direction),
    trunk_id = coalesce({TRUNK}, c.trunk_id),
    callee_name = CASE WHEN r.callee_extension_id IS NULL THEN c.callee_name ELSE r.callee_name END,
    callee_extension_id = coalesce({CALLEE}, c.callee_extension_id),
    ringing_at = coalesce(c.ringing_at, r.ringing_at),
    answered_at = coalesce(c.answered_at, r.answered_at),
    queue_id = coalesce({QUEUE}, c.queue_id),
    agent_extension_id = coalesce({AGENT}, c.agent_extension_id),
    queue_wait_time_seconds = coalesce(r.queue_wait_time_seconds, c.queue_wait_time_seconds)
FROM jsonb_to_recordset($1::jsonb) AS r({COLUMNS})
WHERE c.id = r.id
"""  # noqa: S608

END_CALLS = """
UPDATE calls AS c SET state = 'ended', ended_at = r.ended_at, hangup_cause = r.hangup_cause
FROM jsonb_to_recordset($1::jsonb) AS r(id uuid, ended_at timestamptz, hangup_cause text)
WHERE c.id = r.id
"""

SET_POSITIONS = """
INSERT INTO call_positions AS p (
    call_id, channel_id, step, arguments, hops, since, bridge_id, legs)
SELECT call_id, channel_id, step, arguments, hops, since, bridge_id, legs
FROM jsonb_to_recordset($1::jsonb) AS r(
    call_id uuid, channel_id text, step text, arguments jsonb, hops int, since timestamptz,
    bridge_id text, legs text[])
ON CONFLICT (call_id) DO UPDATE SET
    channel_id = excluded.channel_id, step = excluded.step, arguments = excluded.arguments,
    hops = excluded.hops, since = excluded.since, bridge_id = excluded.bridge_id,
    legs = excluded.legs
"""

ADD_EVENTS = """
INSERT INTO call_events (call_id, seq, at, event, details)
SELECT call_id, seq, at, event, details
FROM jsonb_to_recordset($1::jsonb) AS r(
    call_id uuid, seq int, at timestamptz, event text, details jsonb)
ON CONFLICT (call_id, seq) DO NOTHING
"""

LOAD_POSITION = "SELECT segment, byte_offset FROM journal_positions WHERE spool = $1"

BEGIN_DELIVERIES = """
INSERT INTO recording_deliveries (
    id, kind, call_id, recording, box_id, details, state, began_at, finished_at)
SELECT id, kind, call_id, recording, box_id, coalesce(details, '{}'),
    CASE WHEN recording IS NULL THEN 'finished' ELSE 'recording' END, began_at,
    CASE WHEN recording IS NULL THEN began_at END
FROM jsonb_to_recordset($1::jsonb) AS r(
    id uuid, kind text, call_id uuid, recording text, box_id uuid, details jsonb,
    began_at timestamptz)
ON CONFLICT (id) DO NOTHING
"""

# one that was carried away meanwhile stays as it is
CHANGE_DELIVERIES = """
UPDATE recording_deliveries AS d SET
    details = d.details || coalesce(r.details, '{}'),
    finished_at = coalesce(r.finished_at, d.finished_at),
    state = CASE WHEN r.discarded THEN 'discarded' WHEN r.finished_at IS NOT NULL THEN 'finished'
        ELSE d.state END,
    next_try_at = now()
FROM jsonb_to_recordset($1::jsonb) AS r(
    id uuid, details jsonb, finished_at timestamptz, discarded boolean)
WHERE d.id = r.id AND d.state IN ('recording', 'finished')
"""

CHANGE_AGENTS = "SELECT change_agents($1::jsonb)"

VISIT = """
    call_id, queue_id, caller_number, priority, skills, joined_at, entered_at, position, offers,
    answered_at, agent_extension_id, left_at, left_how, left_position, ended_at, ended_by,
    talk_seconds, is_callback
"""

# what a record says nothing of stays as it is, or gets its default
SET_VISITS = f"""
WITH given AS MATERIALIZED (
    SELECT (visit->>'id')::uuid AS id, visit FROM jsonb_array_elements($1::jsonb) AS visit
), changed AS (
    UPDATE queue_calls AS q SET ({VISIT}) = (
        SELECT {VISIT} FROM jsonb_populate_record(q, given.visit))
    FROM given WHERE q.id = given.id
    RETURNING q.id
)
INSERT INTO queue_calls (id, {VISIT})
SELECT given.id, {VISIT}
FROM given CROSS JOIN LATERAL jsonb_populate_record(
    NULL::queue_calls, jsonb_build_object('is_callback', FALSE, 'offers', 0) || visit) AS whole
WHERE NOT EXISTS (SELECT FROM changed WHERE changed.id = given.id)
"""  # noqa: S608

# who waits already keeps the older place
ASK_CALLBACKS = """
INSERT INTO queue_callbacks (
    id, queue_id, number, caller_name, language, priority, skills, joined_at, requested_at, call_id)
SELECT id, queue_id, number, caller_name, language, priority, skills, joined_at, requested_at,
    call_id
FROM jsonb_to_recordset($1::jsonb) AS r(
    id uuid, queue_id uuid, number text, caller_name text, language text, priority int,
    skills text[], joined_at timestamptz, requested_at timestamptz, call_id uuid)
ON CONFLICT DO NOTHING
"""

# one that was called off meanwhile stays so
SETTLE_CALLBACKS = """
UPDATE queue_callbacks AS c SET state = r.state, problem = r.problem, done_at = r.done_at,
    next_try_at = coalesce(r.next_try_at, c.next_try_at)
FROM jsonb_to_recordset($1::jsonb) AS r(
    id uuid, call_id uuid, state text, problem text, next_try_at timestamptz, done_at timestamptz)
WHERE c.id = r.id AND c.state = 'calling' AND c.last_call_id = r.call_id
"""

SAVE_POSITION = """
INSERT INTO journal_positions (spool, segment, byte_offset) VALUES ($1, $2, $3)
ON CONFLICT (spool) DO UPDATE SET segment = excluded.segment, byte_offset = excluded.byte_offset
WHERE (journal_positions.segment, journal_positions.byte_offset)
    < (excluded.segment, excluded.byte_offset)
"""

SAVE_BEAT = """
INSERT INTO journal_positions (spool, segment, byte_offset, watched_at) VALUES ($1, 0, 0, now())
ON CONFLICT (spool) DO UPDATE SET watched_at = excluded.watched_at
"""
