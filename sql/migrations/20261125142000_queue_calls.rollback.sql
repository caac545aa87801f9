-- A queue_stats that TimescaleDB has taken over stays one.
DROP VIEW queue_log;

CREATE OR REPLACE VIEW queue_live_stats AS
SELECT
    q.id AS queue_id,
    q.name AS queue_name,
    COALESCE(c.waiting_calls, 0) AS waiting_calls,
    COALESCE(c.active_calls, 0) AS active_calls,
    COALESCE(a.available_agents, 0) AS available_agents,
    COALESCE(a.busy_agents, 0) AS busy_agents,
    c.avg_wait_time_seconds
FROM queues q
LEFT JOIN (
    SELECT
        queue_id,
        COUNT(*) FILTER (WHERE state = 'ringing') AS waiting_calls,
        COUNT(*) FILTER (WHERE state = 'answered') AS active_calls,
        AVG(EXTRACT(EPOCH FROM (NOW() - initiated_at)))::INT AS avg_wait_time_seconds
    FROM calls
    WHERE ended_at IS NULL
    GROUP BY queue_id
) c ON c.queue_id = q.id
LEFT JOIN (
    SELECT
        queue_id,
        COUNT(*) FILTER (WHERE status = 'available') AS available_agents,
        COUNT(*) FILTER (WHERE status = 'busy') AS busy_agents
    FROM agent_states
    GROUP BY queue_id
) a ON a.queue_id = q.id
WHERE q.deleted_at IS NULL;

COMMENT ON COLUMN queue_live_stats.waiting_calls IS 'Calls of the queue that ring (calls.state ringing).';
COMMENT ON COLUMN queue_live_stats.active_calls IS 'Calls of the queue that are answered (calls.state answered).';
COMMENT ON COLUMN queue_live_stats.avg_wait_time_seconds IS 'Mean age in seconds of the queue''s live calls. NULL: there are none.';

DROP TRIGGER close_queue_calls ON calls;
DROP FUNCTION close_queue_calls();
DROP TABLE queue_calls;
