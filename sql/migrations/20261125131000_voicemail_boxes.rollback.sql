-- Settings stay: an admin may have edited them. Mailboxes stay: they may hold messages.
DROP TRIGGER clear_after_box ON voicemail_boxes;
DROP TRIGGER replace_unused_box ON voicemail_boxes;
DROP TRIGGER changed_by_somebody ON voicemail_boxes;
DROP TRIGGER make_voicemail_boxes_update ON extensions;
DROP TRIGGER make_voicemail_boxes_insert ON extensions;
DROP FUNCTION clear_after_box(), replace_unused_box(), changed_by_somebody(), make_voicemail_boxes();

DROP TABLE voicemail_pin_failures;

ALTER TABLE media_files
    DROP COLUMN recorded_for,
    DROP COLUMN record_code;

COMMENT ON COLUMN extensions.voicemail_enabled IS 'Whether callers may leave a message.';
COMMENT ON COLUMN extensions.voicemail_pin IS 'Digits that open the mailbox from a phone. NULL: none set.';
COMMENT ON COLUMN voicemail_boxes.pin IS 'Digits that open the mailbox from a phone. NULL: extensions.voicemail_pin.';
COMMENT ON COLUMN voicemail_boxes.greeting_prompt_id IS 'Greeting before the tone. NULL: the system''s.';

DROP INDEX idx_voicemail_boxes_greeting_prompt_id;

ALTER TABLE voicemail_boxes
    DROP COLUMN made_by_itself,
    DROP COLUMN max_messages,
    DROP COLUMN operator_number,
    DROP COLUMN name_prompt_id,
    DROP COLUMN temporary_greeting_prompt_id,
    DROP COLUMN busy_greeting_prompt_id;
