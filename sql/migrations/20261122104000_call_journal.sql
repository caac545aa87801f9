-- What a call lived through, where its story stands, and how far the journal has been written.

CREATE TABLE call_events (
    call_id UUID NOT NULL,
    seq INT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    event VARCHAR(50) NOT NULL,
    details JSONB NOT NULL DEFAULT '{}',
    PRIMARY KEY (call_id, seq)
);
CREATE INDEX idx_call_events_at ON call_events(at);

COMMENT ON TABLE call_events IS 'Timeline of every call, append-only: each decision and event that explains what the caller lived through. Read it with ORDER BY seq.';
COMMENT ON COLUMN call_events.call_id IS 'calls.id while the call lives, cdr.call_id afterwards (no foreign key: the cdr row comes last).';
COMMENT ON COLUMN call_events.seq IS 'Order within the call, from 1.';
COMMENT ON COLUMN call_events.at IS 'When it happened, by Asterisk''s clock for what Asterisk reported.';
COMMENT ON COLUMN call_events.event IS 'What happened, one word of the list in docs/architecture.md, e.g. arrived, forwarded, offered, rang, answered, refused, ended.';
COMMENT ON COLUMN call_events.details IS 'Particulars of the event, e.g. {"number": "1002", "reason": "busy"}.';

CREATE TABLE call_positions (
    call_id UUID PRIMARY KEY REFERENCES calls(id) ON DELETE CASCADE,
    channel_id TEXT NOT NULL,
    step TEXT NOT NULL,
    arguments JSONB NOT NULL DEFAULT '{}',
    hops INT NOT NULL DEFAULT 0,
    since TIMESTAMP WITH TIME ZONE NOT NULL,
    bridge_id TEXT,
    legs TEXT[] NOT NULL DEFAULT '{}'
);

COMMENT ON TABLE call_positions IS 'Where each live call stands in its story: what another process needs to continue it after a restart. Written before the step begins.';
COMMENT ON COLUMN call_positions.channel_id IS 'The caller''s channel in Asterisk.';
COMMENT ON COLUMN call_positions.step IS 'The step of the flow that can be entered again, e.g. extension.ringing.';
COMMENT ON COLUMN call_positions.arguments IS 'What the step was called with, e.g. {"number": "1002"}.';
COMMENT ON COLUMN call_positions.hops IS 'Destinations this call has been through.';
COMMENT ON COLUMN call_positions.since IS 'When the step began; its time limits count from here.';
COMMENT ON COLUMN call_positions.bridge_id IS 'The bridge of the step, NULL when it has none.';
COMMENT ON COLUMN call_positions.legs IS 'Channels that were dialled in this step.';

CREATE TABLE journal_positions (
    spool UUID PRIMARY KEY,
    segment BIGINT NOT NULL,
    byte_offset BIGINT NOT NULL,
    watched_at TIMESTAMP WITH TIME ZONE,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT NOW()
);
CREATE TRIGGER update_journal_positions_updated_at BEFORE UPDATE ON journal_positions
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();

COMMENT ON TABLE journal_positions IS 'How much of each application''s local spool has been written to these tables; moves in the same transaction, so nothing is written twice.';
COMMENT ON COLUMN journal_positions.spool IS 'The spool directory''s own id.';
COMMENT ON COLUMN journal_positions.segment IS 'Number of the spool file.';
COMMENT ON COLUMN journal_positions.watched_at IS 'When the application was last known to watch its calls, every five seconds. A call that ends unwatched ends here in its cdr row, so that no downtime is billed.';
COMMENT ON COLUMN journal_positions.byte_offset IS 'First byte of it that is not written yet.';
