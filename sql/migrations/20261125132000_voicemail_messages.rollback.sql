-- Settings stay: an admin may have edited them, and the schema does not depend on them.
DROP TRIGGER follow_retention ON voicemail_boxes;
DROP TRIGGER complete_message ON voicemail_messages;
DROP FUNCTION follow_retention(), complete_message();
DROP INDEX idx_voicemail_messages_read_delete_at, idx_voicemail_messages_delete_at;
DROP FUNCTION kept_until(TIMESTAMP WITH TIME ZONE, INT);

COMMENT ON COLUMN voicemail_boxes.retention_days IS 'Days after which a message may be deleted. NULL: never.';
COMMENT ON COLUMN voicemail_messages.read_at IS 'When it was first listened to. NULL: not yet.';
COMMENT ON COLUMN voicemail_messages.delete_at IS 'When it will be deleted. NULL: it stays.';

ALTER TABLE voicemail_messages
    DROP COLUMN from_inside,
    DROP COLUMN forwarded_from,
    DROP COLUMN checksum,
    DROP COLUMN call_id,
    DROP COLUMN deleted_at;
