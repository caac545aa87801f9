-- Each way of a call through a queue: the source of every figure.

CREATE TABLE queue_calls (
    id UUID PRIMARY KEY,
    call_id UUID NOT NULL,
    queue_id UUID NOT NULL,
    caller_number TEXT,
    priority INT,
    skills TEXT[],
    joined_at TIMESTAMP WITH TIME ZONE NOT NULL,
    entered_at TIMESTAMP WITH TIME ZONE NOT NULL,
    position INT,
    offers INT NOT NULL DEFAULT 0,
    answered_at TIMESTAMP WITH TIME ZONE,
    agent_extension_id UUID,
    left_at TIMESTAMP WITH TIME ZONE,
    left_how VARCHAR(20) CHECK (left_how IN ('answered', 'abandoned', 'timeout', 'key', 'empty', 'callback', 'closed', 'full', 'failed')),
    left_position INT,
    ended_at TIMESTAMP WITH TIME ZONE,
    ended_by VARCHAR(20) CHECK (ended_by IN ('caller', 'agent')),
    talk_seconds NUMERIC,
    is_callback BOOLEAN NOT NULL DEFAULT FALSE
);
CREATE INDEX idx_queue_calls_waiting ON queue_calls(queue_id) WHERE left_at IS NULL;
CREATE INDEX idx_queue_calls_talking ON queue_calls(queue_id)
    WHERE answered_at IS NOT NULL AND ended_at IS NULL;
CREATE INDEX idx_queue_calls_entered_at ON queue_calls(queue_id, entered_at);
CREATE INDEX idx_queue_calls_answered_at ON queue_calls(queue_id, answered_at)
    WHERE answered_at IS NOT NULL;
CREATE INDEX idx_queue_calls_left_at ON queue_calls(queue_id, left_at) WHERE left_at IS NOT NULL;
CREATE INDEX idx_queue_calls_ended_at ON queue_calls(queue_id, ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX idx_queue_calls_caller_number ON queue_calls(queue_id, caller_number, entered_at);
CREATE INDEX idx_queue_calls_call_id ON queue_calls(call_id);

COMMENT ON TABLE queue_calls IS 'Each entry of a call into a queue, and how it went on. The journal writes it; no foreign keys, so that it is never refused.';
COMMENT ON COLUMN queue_calls.call_id IS 'calls.id while the call lives, cdr.call_id afterwards.';
COMMENT ON COLUMN queue_calls.queue_id IS 'queues.id, which may be gone by now.';
COMMENT ON COLUMN queue_calls.caller_number IS 'Who called. NULL or anonymous: withheld.';
COMMENT ON COLUMN queue_calls.priority IS 'Higher ones are served first. NULL: it was not let in.';
COMMENT ON COLUMN queue_calls.skills IS 'What was asked of the agent, the most important first. NULL or {}: nothing.';
COMMENT ON COLUMN queue_calls.joined_at IS 'Since when the caller counts as waiting, which decides the place: before entered_at for who has called again or is called back.';
COMMENT ON COLUMN queue_calls.entered_at IS 'When the call entered the queue.';
COMMENT ON COLUMN queue_calls.position IS 'Its place at that time, 1 is the head. NULL: it was not let in.';
COMMENT ON COLUMN queue_calls.offers IS 'How often an agent''s phone rang for it.';
COMMENT ON COLUMN queue_calls.answered_at IS 'When an agent was connected. NULL: not (yet).';
COMMENT ON COLUMN queue_calls.agent_extension_id IS 'extensions.id of that agent. NULL: none (yet).';
COMMENT ON COLUMN queue_calls.left_at IS 'When it left the line, be it to an agent. NULL: it waits.';
COMMENT ON COLUMN queue_calls.left_how IS 'answered, abandoned (hung up), timeout, key, empty (no agent logged in), callback (is to be called back), closed, full or failed (cut off: Asterisk restarted, or an error ended the call). NULL: it waits.';
COMMENT ON COLUMN queue_calls.left_position IS 'Its place when it left. NULL: it waits, was not let in, or left while no application ran that could tell.';
COMMENT ON COLUMN queue_calls.ended_at IS 'When the talk with the agent ended. NULL: not yet, or there was none.';
COMMENT ON COLUMN queue_calls.ended_by IS 'caller or agent: who ended it. NULL: nobody (yet).';
COMMENT ON COLUMN queue_calls.talk_seconds IS 'Seconds that they talked, with hold. NULL: not (yet) known.';
COMMENT ON COLUMN queue_calls.is_callback IS 'Whether the exchange has called the caller back.';

-- A call that is over waits nowhere, whatever became of the process that carried it.
CREATE FUNCTION close_queue_calls() RETURNS TRIGGER
LANGUAGE plpgsql
AS $$
DECLARE
    call_end CONSTANT TIMESTAMP WITH TIME ZONE := coalesce(OLD.ended_at, now());
BEGIN
    UPDATE queue_calls
    SET left_how = CASE WHEN left_at IS NOT NULL THEN left_how
            WHEN answered_at IS NULL THEN 'abandoned' ELSE 'answered' END,
        left_at = coalesce(left_at, greatest(entered_at, call_end)),
        ended_at = CASE WHEN answered_at IS NULL THEN ended_at
            ELSE coalesce(ended_at, greatest(answered_at, call_end)) END
    WHERE call_id = OLD.id
        AND (left_at IS NULL OR (answered_at IS NOT NULL AND ended_at IS NULL));
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION close_queue_calls() IS
    'Trigger: what is still open in queue_calls of a call that has ended, ended with it.';

CREATE TRIGGER close_queue_calls AFTER DELETE ON calls
    FOR EACH ROW EXECUTE FUNCTION close_queue_calls();

COMMENT ON TRIGGER close_queue_calls ON calls IS
    'No call is counted as waiting or talking for ever after the application was killed.';

CREATE OR REPLACE VIEW queue_live_stats AS
SELECT
    q.id AS queue_id,
    q.name AS queue_name,
    COALESCE(w.waiting_calls, 0) AS waiting_calls,
    COALESCE(t.active_calls, 0) AS active_calls,
    COALESCE(a.available_agents, 0) AS available_agents,
    COALESCE(a.busy_agents, 0) AS busy_agents,
    w.avg_wait_time_seconds
FROM queues q
LEFT JOIN (
    SELECT
        queue_id,
        COUNT(*) AS waiting_calls,
        AVG(GREATEST(EXTRACT(EPOCH FROM (NOW() - entered_at)), 0))::INT AS avg_wait_time_seconds
    FROM queue_calls
    WHERE left_at IS NULL
    GROUP BY queue_id
) w ON w.queue_id = q.id
LEFT JOIN (
    SELECT queue_id, COUNT(*) AS active_calls
    FROM queue_calls
    WHERE answered_at IS NOT NULL AND ended_at IS NULL
    GROUP BY queue_id
) t ON t.queue_id = q.id
LEFT JOIN (
    SELECT
        queue_id,
        COUNT(*) FILTER (WHERE status = 'available') AS available_agents,
        COUNT(*) FILTER (WHERE status = 'busy') AS busy_agents
    FROM agent_states
    GROUP BY queue_id
) a ON a.queue_id = q.id
WHERE q.deleted_at IS NULL;

COMMENT ON COLUMN queue_live_stats.waiting_calls IS 'Calls that wait in the queue, also while an agent''s phone rings.';
COMMENT ON COLUMN queue_live_stats.active_calls IS 'Calls of the queue that talk with an agent.';
COMMENT ON COLUMN queue_live_stats.avg_wait_time_seconds IS 'Mean wait so far in seconds of the calls that wait now. NULL: none waits.';

CREATE VIEW queue_log AS
SELECT event.at AS time, event.call_id::TEXT AS callid,
    coalesce(event.details ->> 'queue', 'NONE') AS queuename,
    coalesce(event.details ->> 'agent', 'NONE') AS agent,
    event.event::TEXT AS event,
    CASE event.event
        WHEN 'ENTERQUEUE' THEN ''
        WHEN 'CONNECT' THEN floor((event.details ->> 'wait')::NUMERIC)::TEXT
        WHEN 'COMPLETEAGENT' THEN floor((event.details ->> 'wait')::NUMERIC)::TEXT
        WHEN 'COMPLETECALLER' THEN floor((event.details ->> 'wait')::NUMERIC)::TEXT
        WHEN 'RINGNOANSWER' THEN round(1000 * (event.details ->> 'seconds')::NUMERIC)::TEXT
        WHEN 'RINGCANCELED' THEN round(1000 * (event.details ->> 'seconds')::NUMERIC)::TEXT
        WHEN 'EXITWITHKEY' THEN event.details ->> 'key'
        WHEN 'FULL' THEN event.details ->> 'reason'
        ELSE event.details ->> 'position'
    END AS data1,
    CASE event.event
        WHEN 'ENTERQUEUE' THEN coalesce((
            SELECT caller_number FROM queue_calls
            WHERE queue_calls.call_id = event.call_id AND entered_at <= event.at + INTERVAL '1 second'
            ORDER BY entered_at DESC LIMIT 1), '')
        WHEN 'CONNECT' THEN ''
        WHEN 'COMPLETEAGENT' THEN floor((event.details ->> 'talk')::NUMERIC)::TEXT
        WHEN 'COMPLETECALLER' THEN floor((event.details ->> 'talk')::NUMERIC)::TEXT
        WHEN 'EXITWITHKEY' THEN event.details ->> 'position'
        WHEN 'RINGNOANSWER' THEN NULL
        WHEN 'RINGCANCELED' THEN NULL
        WHEN 'FULL' THEN NULL
        ELSE event.details ->> 'original_position'
    END AS data2,
    CASE event.event
        WHEN 'ENTERQUEUE' THEN event.details ->> 'position'
        WHEN 'CONNECT' THEN floor((event.details ->> 'ring')::NUMERIC)::TEXT
        WHEN 'COMPLETEAGENT' THEN event.details ->> 'position'
        WHEN 'COMPLETECALLER' THEN event.details ->> 'position'
        WHEN 'EXITWITHKEY' THEN event.details ->> 'original_position'
        WHEN 'RINGNOANSWER' THEN NULL
        WHEN 'RINGCANCELED' THEN NULL
        WHEN 'FULL' THEN NULL
        ELSE floor((event.details ->> 'wait')::NUMERIC)::TEXT
    END AS data3,
    CASE event.event WHEN 'EXITWITHKEY' THEN floor((event.details ->> 'wait')::NUMERIC)::TEXT END
        AS data4,
    NULL::TEXT AS data5
FROM call_events AS event
WHERE event.event IN ('ENTERQUEUE', 'RINGNOANSWER', 'RINGCANCELED', 'CONNECT', 'COMPLETEAGENT',
    'COMPLETECALLER', 'ABANDON', 'EXITWITHKEY', 'EXITWITHTIMEOUT', 'EXITEMPTY', 'FULL')
UNION ALL
SELECT paused.from_at, 'NONE',
    CASE WHEN paused.queue_id IS NULL THEN 'NONE' ELSE coalesce(queue.name, paused.queue_id::TEXT) END,
    coalesce(extension.number, paused.extension_id::TEXT),
    CASE WHEN paused.queue_id IS NULL THEN 'PAUSEALL' ELSE 'PAUSE' END,
    coalesce(paused.reason_code, ''), NULL, NULL, NULL, NULL
FROM agent_state_changes AS paused
LEFT JOIN queues AS queue ON queue.id = paused.queue_id
LEFT JOIN extensions AS extension ON extension.id = paused.extension_id
WHERE paused.status = 'break'
UNION ALL
SELECT paused.until_at, 'NONE',
    CASE WHEN paused.queue_id IS NULL THEN 'NONE' ELSE coalesce(queue.name, paused.queue_id::TEXT) END,
    coalesce(extension.number, paused.extension_id::TEXT),
    CASE WHEN paused.queue_id IS NULL THEN 'UNPAUSEALL' ELSE 'UNPAUSE' END,
    coalesce(paused.reason_code, ''), NULL, NULL, NULL, NULL
FROM agent_state_changes AS paused
LEFT JOIN queues AS queue ON queue.id = paused.queue_id
LEFT JOIN extensions AS extension ON extension.id = paused.extension_id
WHERE paused.status = 'break' AND paused.until_at IS NOT NULL;

COMMENT ON VIEW queue_log IS 'What happened in the queues in the form of Asterisk''s queue_log, for programs that read that. Ask for a span of time, and ORDER BY time.';
COMMENT ON COLUMN queue_log.time IS 'When it happened.';
COMMENT ON COLUMN queue_log.callid IS 'call_events.call_id. NONE: no call. With it go a span of time; alone it is looked for in all of call_events.';
COMMENT ON COLUMN queue_log.queuename IS 'queues.name. NONE: all queues.';
COMMENT ON COLUMN queue_log.agent IS 'extensions.number of the agent. NONE: none.';
COMMENT ON COLUMN queue_log.event IS 'Asterisk''s word, e.g. ENTERQUEUE, CONNECT, COMPLETECALLER, ABANDON, PAUSE; FULL, which Asterisk does not have: not let in.';
COMMENT ON COLUMN queue_log.data1 IS 'ENTERQUEUE: url (empty); CONNECT, COMPLETE…: holdtime; RING…: ringtime in ms; ABANDON, EXITWITHTIMEOUT, EXITEMPTY: position; EXITWITHKEY: key; (UN)PAUSE(ALL), FULL: reason.';
COMMENT ON COLUMN queue_log.data2 IS 'ENTERQUEUE: number of the caller; CONNECT: empty; COMPLETE…: calltime; ABANDON, EXITWITHTIMEOUT, EXITEMPTY: position at entry; EXITWITHKEY: position.';
COMMENT ON COLUMN queue_log.data3 IS 'ENTERQUEUE: position; CONNECT: ringtime in seconds; COMPLETE…, EXITWITHKEY: position at entry; ABANDON, EXITWITHTIMEOUT, EXITEMPTY: seconds waited.';
COMMENT ON COLUMN queue_log.data4 IS 'EXITWITHKEY: seconds waited. NULL otherwise.';
COMMENT ON COLUMN queue_log.data5 IS 'Always NULL.';

-- Where TimescaleDB is installed in this database, figures are kept as it keeps them.
DO $$
DECLARE
    its_schema NAME := (SELECT nspname FROM pg_extension
        JOIN pg_namespace ON pg_namespace.oid = extnamespace WHERE extname = 'timescaledb');
BEGIN
    IF its_schema IS NOT NULL THEN
        EXECUTE format('SELECT %I.create_hypertable(''queue_stats'', ''time'',
            if_not_exists => TRUE, migrate_data => TRUE)', its_schema);
    END IF;
END
$$;
