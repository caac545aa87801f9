-- Callers who have asked to be called back, in their turn.

CREATE TABLE queue_callbacks (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    queue_id UUID NOT NULL,
    number TEXT NOT NULL CHECK (number <> ''),
    caller_name TEXT,
    language TEXT,
    priority INT NOT NULL DEFAULT 0,
    skills TEXT[],
    joined_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT NOW(),
    requested_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT NOW(),
    state VARCHAR(20) NOT NULL DEFAULT 'waiting'
        CHECK (state IN ('waiting', 'calling', 'done', 'failed', 'superseded')),
    attempts INT NOT NULL DEFAULT 0,
    next_try_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT NOW(),
    call_id UUID,
    last_call_id UUID,
    problem TEXT,
    done_at TIMESTAMP WITH TIME ZONE
);
CREATE UNIQUE INDEX idx_queue_callbacks_open ON queue_callbacks(queue_id, number)
    WHERE state IN ('waiting', 'calling');

COMMENT ON TABLE queue_callbacks IS 'Callers who wait to be called back. To call one off: UPDATE … SET state = ''failed'', done_at = now(). To try one again: SET state = ''waiting'', attempts = 0, next_try_at = now(), done_at = NULL.';
COMMENT ON COLUMN queue_callbacks.queue_id IS 'queues.id. No foreign key: the queue may go before the callback.';
COMMENT ON COLUMN queue_callbacks.number IS 'Number to call. In one queue it waits once.';
COMMENT ON COLUMN queue_callbacks.caller_name IS 'Name that came with the call. NULL: none.';
COMMENT ON COLUMN queue_callbacks.language IS 'Language of what the exchange says to the caller. NULL: the setting media.language.';
COMMENT ON COLUMN queue_callbacks.priority IS 'Priority of the call that asked for it.';
COMMENT ON COLUMN queue_callbacks.skills IS 'What that call asked of the agent. NULL or {}: nothing.';
COMMENT ON COLUMN queue_callbacks.joined_at IS 'Since when the caller counts as waiting: decides the place.';
COMMENT ON COLUMN queue_callbacks.requested_at IS 'When it was asked for.';
COMMENT ON COLUMN queue_callbacks.state IS 'waiting, calling, done (has accepted the call, and is in queue_calls), failed (given up) or superseded (has called again).';
COMMENT ON COLUMN queue_callbacks.attempts IS 'How often the caller was called.';
COMMENT ON COLUMN queue_callbacks.next_try_at IS 'Not called before that time.';
COMMENT ON COLUMN queue_callbacks.call_id IS 'cdr.call_id of the call that asked for it. NULL: none did.';
COMMENT ON COLUMN queue_callbacks.last_call_id IS 'cdr.call_id of the last call to the caller. NULL: none yet.';
COMMENT ON COLUMN queue_callbacks.problem IS 'Why the last attempt failed: a word of cdr.hangup_cause, not_accepted, hung_up, no_queue, restart or lost. NULL: it did not, or there was none.';
COMMENT ON COLUMN queue_callbacks.done_at IS 'When it was done, given up or superseded. NULL: not yet.';

CREATE TRIGGER announce_insert AFTER INSERT ON queue_callbacks
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION announce_changes();
CREATE TRIGGER announce_update AFTER UPDATE ON queue_callbacks
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION announce_changes();
CREATE TRIGGER announce_delete AFTER DELETE ON queue_callbacks
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION announce_changes();
CREATE TRIGGER announce_truncate AFTER TRUNCATE ON queue_callbacks
    FOR EACH STATEMENT EXECUTE FUNCTION announce_truncate();
