-- What was recorded and must get somewhere, and the mails that tell of it.

CREATE TABLE recording_deliveries (
    id UUID PRIMARY KEY,
    kind VARCHAR(50) NOT NULL CHECK (kind IN ('message', 'greeting', 'prompt')),
    call_id UUID NOT NULL,
    recording TEXT,
    box_id UUID,
    details JSONB NOT NULL DEFAULT '{}',
    state VARCHAR(50) NOT NULL DEFAULT 'recording'
        CHECK (state IN ('recording', 'finished', 'discarded', 'stored', 'dead')),
    began_at TIMESTAMP WITH TIME ZONE NOT NULL,
    finished_at TIMESTAMP WITH TIME ZONE,
    attempts INT NOT NULL DEFAULT 0,
    next_try_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT NOW(),
    problem TEXT
);

COMMENT ON TABLE recording_deliveries IS 'Recordings on their way from Asterisk to the object store and a row; written before the recording begins. Empty as a rule. To try a dead one again: UPDATE … SET state = ''finished'', next_try_at = now().';
COMMENT ON COLUMN recording_deliveries.id IS 'Becomes the id of the message or of the media file.';
COMMENT ON COLUMN recording_deliveries.kind IS 'message (voicemail), greeting (of a mailbox) or prompt (a media file).';
COMMENT ON COLUMN recording_deliveries.call_id IS 'calls.id of the call in which it is recorded. No foreign key: it outlives the call.';
COMMENT ON COLUMN recording_deliveries.recording IS 'Name of the recording in Asterisk. NULL: nothing was recorded, a message is forwarded as it is.';
COMMENT ON COLUMN recording_deliveries.box_id IS 'voicemail_boxes.id of the mailbox it is for. NULL for a prompt. No foreign key: the recording may outlive the mailbox.';
COMMENT ON COLUMN recording_deliveries.details IS 'Particulars: of a message caller_number, caller_name, urgent, forwarded_from, language; of a greeting which (unavailable, busy, temporary, name); of a prompt name, description, media (id of the file that is recorded anew).';
COMMENT ON COLUMN recording_deliveries.state IS 'recording, finished, discarded (only the recording is left to delete), stored (the row is written, the recording is left to delete) or dead (it cannot be delivered).';
COMMENT ON COLUMN recording_deliveries.began_at IS 'When the recording began.';
COMMENT ON COLUMN recording_deliveries.finished_at IS 'When the caller was done with it. NULL: not yet, or the call has ended before.';
COMMENT ON COLUMN recording_deliveries.attempts IS 'How often its delivery failed.';
COMMENT ON COLUMN recording_deliveries.next_try_at IS 'When it is tried next.';
COMMENT ON COLUMN recording_deliveries.problem IS 'Why it failed last. NULL: it has not.';

CREATE VIEW undelivered AS
SELECT delivery.state, delivery.kind, extension.number AS mailbox,
    delivery.details ->> 'caller_number' AS caller_number,
    coalesce(delivery.finished_at, delivery.began_at) AS since,
    delivery.attempts, delivery.next_try_at, delivery.problem, delivery.recording, delivery.id,
    delivery.call_id
FROM recording_deliveries AS delivery
LEFT JOIN voicemail_boxes AS box ON box.id = delivery.box_id
LEFT JOIN extensions AS extension ON extension.id = box.extension_id
WHERE delivery.state = 'dead'
    OR (coalesce(delivery.finished_at, delivery.began_at) < now() - INTERVAL '1 minute'
        AND (delivery.state <> 'recording'
            OR NOT EXISTS (SELECT FROM calls WHERE calls.id = delivery.call_id)))
ORDER BY since;

COMMENT ON VIEW undelivered IS 'Recordings that should have arrived by now. Empty when all is well.';
COMMENT ON COLUMN undelivered.state IS 'recording_deliveries.state: dead ones are not tried again.';
COMMENT ON COLUMN undelivered.kind IS 'message, greeting or prompt.';
COMMENT ON COLUMN undelivered.mailbox IS 'Number of the extension whose mailbox it is for. NULL: none, or it is gone.';
COMMENT ON COLUMN undelivered.caller_number IS 'Who left the message. NULL for greetings and prompts.';
COMMENT ON COLUMN undelivered.since IS 'When the recording ended, or began where that is not known.';
COMMENT ON COLUMN undelivered.attempts IS 'How often its delivery failed.';
COMMENT ON COLUMN undelivered.next_try_at IS 'When it is tried next.';
COMMENT ON COLUMN undelivered.problem IS 'Why it failed last.';
COMMENT ON COLUMN undelivered.recording IS 'Name of the recording in Asterisk.';
COMMENT ON COLUMN undelivered.call_id IS 'cdr.call_id of the call.';

CREATE TABLE mail_outbox (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    message_id UUID NOT NULL REFERENCES voicemail_messages(id) ON DELETE CASCADE,
    recipient TEXT NOT NULL,
    state VARCHAR(50) NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'sent', 'dead')),
    attempts INT NOT NULL DEFAULT 0,
    next_try_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT NOW(),
    created_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT NOW(),
    sent_at TIMESTAMP WITH TIME ZONE,
    problem TEXT,
    UNIQUE (message_id, recipient)
);
CREATE INDEX idx_mail_outbox_next_try_at ON mail_outbox(next_try_at) WHERE state = 'pending';

COMMENT ON TABLE mail_outbox IS 'Mails that tell of new messages. To try a dead one again: UPDATE … SET state = ''pending'', next_try_at = now().';
COMMENT ON COLUMN mail_outbox.message_id IS 'The message it tells of.';
COMMENT ON COLUMN mail_outbox.recipient IS 'Address it goes to.';
COMMENT ON COLUMN mail_outbox.state IS 'pending, sent or dead (given up).';
COMMENT ON COLUMN mail_outbox.attempts IS 'How often sending it failed.';
COMMENT ON COLUMN mail_outbox.next_try_at IS 'When it is tried next.';
COMMENT ON COLUMN mail_outbox.sent_at IS 'When the mail server took it. NULL: not yet.';
COMMENT ON COLUMN mail_outbox.problem IS 'Why it failed last. NULL: it has not.';

CREATE VIEW mail_dead_letters AS
SELECT mail.recipient, mail.problem, mail.attempts, mail.created_at, extension.number AS mailbox,
    message.caller_number, message.received_at, mail.id, mail.message_id
FROM mail_outbox AS mail
JOIN voicemail_messages AS message ON message.id = mail.message_id
JOIN voicemail_boxes AS box ON box.id = message.voicemail_box_id
JOIN extensions AS extension ON extension.id = box.extension_id
WHERE mail.state = 'dead'
ORDER BY mail.created_at;

COMMENT ON VIEW mail_dead_letters IS 'Mails that could not be sent and are not tried again.';
COMMENT ON COLUMN mail_dead_letters.recipient IS 'Address it was to go to.';
COMMENT ON COLUMN mail_dead_letters.problem IS 'Why it failed last.';
COMMENT ON COLUMN mail_dead_letters.attempts IS 'How often it was tried.';
COMMENT ON COLUMN mail_dead_letters.mailbox IS 'Number of the extension whose mailbox it is.';
COMMENT ON COLUMN mail_dead_letters.caller_number IS 'Who left the message.';
COMMENT ON COLUMN mail_dead_letters.received_at IS 'When the message was left.';
COMMENT ON COLUMN mail_dead_letters.message_id IS 'The message; it can still be listened to.';

-- coalesce: with a condition that NULL can't meet the FULL JOIN may become a nested loop.
CREATE FUNCTION announce_work() RETURNS TRIGGER
LANGUAGE plpgsql
AS $$
DECLARE
    ids TEXT[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        ids := ARRAY(SELECT id FROM new_rows WHERE state = ANY (TG_ARGV) LIMIT 101);
    ELSE
        ids := ARRAY(
            SELECT coalesce(n.id, o.id) FROM old_rows o FULL JOIN new_rows n ON n.id = o.id
            WHERE coalesce(n.state = ANY (TG_ARGV), FALSE) AND o.state IS DISTINCT FROM n.state
            LIMIT 101);
    END IF;
    PERFORM announce(TG_TABLE_NAME, ids);
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION announce_work() IS
    'Trigger: announces the rows that a statement has brought into one of the states it is given.';

CREATE TRIGGER announce_insert AFTER INSERT ON recording_deliveries
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION announce_work('finished', 'discarded');
CREATE TRIGGER announce_update AFTER UPDATE ON recording_deliveries
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION announce_work('finished', 'discarded');
CREATE TRIGGER announce_insert AFTER INSERT ON mail_outbox
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION announce_work('pending');
CREATE TRIGGER announce_update AFTER UPDATE ON mail_outbox
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION announce_work('pending');

INSERT INTO system_settings (key, value, description) VALUES
    ('mail.from', '"pbx-x@localhost"', 'Sender''s address of the mails that tell of messages.'),
    ('mail.audio_format', '"wav"', 'Format of the audio in a mail: "wav" or "mp3".'),
    ('mail.max_attachment_bytes', '10000000', 'A mail whose audio would be larger goes out without it.')
ON CONFLICT (key) DO NOTHING;
