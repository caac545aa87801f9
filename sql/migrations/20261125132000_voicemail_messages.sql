-- What is known of a message beyond the seed, and when it goes.

ALTER TABLE voicemail_messages
    ADD COLUMN deleted_at TIMESTAMP WITH TIME ZONE,
    ADD COLUMN call_id UUID,
    ADD COLUMN checksum TEXT,
    ADD COLUMN forwarded_from UUID,
    ADD COLUMN from_inside BOOLEAN;
CREATE INDEX idx_voicemail_messages_delete_at ON voicemail_messages(delete_at);
CREATE INDEX idx_voicemail_messages_read_delete_at ON voicemail_messages(delete_at) WHERE is_read;
CREATE INDEX idx_voicemail_messages_deleted_at ON voicemail_messages(deleted_at)
    WHERE deleted_at IS NOT NULL;

COMMENT ON COLUMN voicemail_messages.deleted_at IS 'When its owner deleted it by phone; for voicemail.trash_days it can be taken back. NULL: not deleted.';
COMMENT ON COLUMN voicemail_messages.call_id IS 'cdr.call_id of the call that left it. NULL: not known.';
COMMENT ON COLUMN voicemail_messages.checksum IS 'SHA-256 of the object, in hex. NULL: not known.';
COMMENT ON COLUMN voicemail_messages.forwarded_from IS 'id of the message that it is a copy of; that one may be gone. NULL: it is no copy.';
COMMENT ON COLUMN voicemail_messages.from_inside IS 'Whether a phone of this exchange left it: only then caller_number is an extension. NULL: not known.';
COMMENT ON COLUMN voicemail_messages.delete_at IS 'When it will be deleted; unread messages only with the setting voicemail.delete_unread. NULL in an INSERT: after retention_days of its mailbox. NULL: it stays. infinity: its owner has saved it.';
COMMENT ON COLUMN voicemail_messages.read_at IS 'When it was first listened to; filled in when is_read turns true. NULL: not yet.';
COMMENT ON COLUMN voicemail_boxes.retention_days IS 'Days after which a message is deleted. NULL, 0 or less: never. A change counts for the messages that are there too.';

CREATE FUNCTION kept_until(received_at TIMESTAMP WITH TIME ZONE, retention_days INT)
RETURNS TIMESTAMP WITH TIME ZONE
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE WHEN retention_days > 0 THEN
    received_at + make_interval(hours => 24 * least(retention_days, 36500)) END;

COMMENT ON FUNCTION kept_until(TIMESTAMP WITH TIME ZONE, INT) IS
    'When a message may go: so many days (36500 at the most) of 24 hours later. NULL: never, as without days.';

-- FOR SHARE: a change of retention_days that is under way must not pass the message by.
CREATE FUNCTION complete_message() RETURNS TRIGGER
LANGUAGE plpgsql
AS $$
BEGIN
    IF TG_OP = 'INSERT' AND NEW.delete_at IS NULL THEN
        SELECT kept_until(coalesce(NEW.received_at, now()), retention_days) INTO NEW.delete_at
        FROM voicemail_boxes WHERE id = NEW.voicemail_box_id FOR SHARE;
    END IF;
    IF NEW.is_read THEN
        NEW.read_at := coalesce(NEW.read_at, now());
    ELSE
        NEW.read_at := NULL;
    END IF;
    RETURN NEW;
END
$$;

COMMENT ON FUNCTION complete_message() IS
    'Trigger: fills in delete_at from the mailbox''s retention_days, and read_at from is_read.';

CREATE TRIGGER complete_message BEFORE INSERT OR UPDATE OF is_read ON voicemail_messages
    FOR EACH ROW EXECUTE FUNCTION complete_message();

COMMENT ON TRIGGER complete_message ON voicemail_messages IS
    'delete_at and read_at follow retention_days and is_read.';

CREATE FUNCTION follow_retention() RETURNS TRIGGER
LANGUAGE plpgsql
AS $$
DECLARE
    changed UUID[] := ARRAY(
        SELECT n.id FROM old_rows o FULL JOIN new_rows n ON n.id = o.id
        WHERE n.retention_days IS DISTINCT FROM o.retention_days);
BEGIN
    IF cardinality(changed) > 0 THEN
        UPDATE voicemail_messages AS message
        SET delete_at = kept_until(coalesce(received_at, message.created_at), retention_days)
        FROM voicemail_boxes AS box
        WHERE box.id = ANY (changed) AND voicemail_box_id = box.id
            AND delete_at IS DISTINCT FROM 'infinity';
    END IF;
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION follow_retention() IS
    'Trigger: gives the messages of the mailboxes that a statement has changed, but for saved ones, the delete_at of the new retention_days.';

CREATE TRIGGER follow_retention AFTER UPDATE ON voicemail_boxes
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION follow_retention();

COMMENT ON TRIGGER follow_retention ON voicemail_boxes IS
    'A change of retention_days counts for the messages that are there.';

INSERT INTO system_settings (key, value, description) VALUES
    ('voicemail.delete_unread', 'false', 'Whether messages that nobody has heard are deleted too when their delete_at has come.'),
    ('voicemail.trash_days', '1', 'Days after which a message that was deleted by phone is gone for good.')
ON CONFLICT (key) DO NOTHING;
