-- A mailbox for each extension that has voicemail, its greetings, and who may open it.

ALTER TABLE voicemail_boxes
    ADD COLUMN busy_greeting_prompt_id UUID REFERENCES media_files(id) ON DELETE SET NULL,
    ADD COLUMN temporary_greeting_prompt_id UUID REFERENCES media_files(id) ON DELETE SET NULL,
    ADD COLUMN name_prompt_id UUID REFERENCES media_files(id) ON DELETE SET NULL,
    ADD COLUMN operator_number VARCHAR(50),
    ADD COLUMN max_messages INT CHECK (max_messages >= 0),
    ADD COLUMN made_by_itself BOOLEAN NOT NULL DEFAULT FALSE;

-- a media file that goes is looked for in each
CREATE INDEX idx_voicemail_boxes_greeting_prompt_id ON voicemail_boxes(greeting_prompt_id)
    WHERE greeting_prompt_id IS NOT NULL;
CREATE INDEX idx_voicemail_boxes_busy_greeting_prompt_id ON voicemail_boxes(busy_greeting_prompt_id)
    WHERE busy_greeting_prompt_id IS NOT NULL;
CREATE INDEX idx_voicemail_boxes_temporary_greeting_prompt_id
    ON voicemail_boxes(temporary_greeting_prompt_id)
    WHERE temporary_greeting_prompt_id IS NOT NULL;
CREATE INDEX idx_voicemail_boxes_name_prompt_id ON voicemail_boxes(name_prompt_id)
    WHERE name_prompt_id IS NOT NULL;

COMMENT ON COLUMN voicemail_boxes.busy_greeting_prompt_id IS 'Greeting for callers who find the line busy. NULL: greeting_prompt_id.';
COMMENT ON COLUMN voicemail_boxes.temporary_greeting_prompt_id IS 'Greeting instead of all others while it is set, e.g. for a holiday. NULL: none.';
COMMENT ON COLUMN voicemail_boxes.name_prompt_id IS 'The name, spoken by its owner; the greeting of the exchange says it. NULL: the number is said.';
COMMENT ON COLUMN voicemail_boxes.operator_number IS 'Number that 0 leads to during the greeting. NULL: the setting voicemail.operator.';
COMMENT ON COLUMN voicemail_boxes.max_messages IS 'Messages it holds at the most, 0: none. NULL: the setting voicemail.max_messages.';
COMMENT ON COLUMN voicemail_boxes.made_by_itself IS 'Whether it came with voicemail_enabled and nobody has changed it since. No INSERT or UPDATE sets it: the first UPDATE, whatever it writes, makes it false.';
COMMENT ON COLUMN voicemail_boxes.greeting_prompt_id IS 'Greeting before the tone. NULL: that of the exchange.';
COMMENT ON COLUMN voicemail_boxes.pin IS 'Digits that open the mailbox from a phone; a PIN changed by phone is written here. NULL: extensions.voicemail_pin.';
COMMENT ON COLUMN extensions.voicemail_pin IS 'Digits that open the mailbox from a phone while voicemail_boxes.pin is NULL. NULL: none set.';
COMMENT ON COLUMN extensions.voicemail_enabled IS 'Whether callers may leave a message. TRUE makes a row in voicemail_boxes; FALSE keeps that row and its messages.';

ALTER TABLE media_files
    ADD COLUMN record_code VARCHAR(20) UNIQUE CHECK (record_code ~ '^[0-9]+$'),
    ADD COLUMN recorded_for UUID;
CREATE INDEX idx_media_files_recorded_for ON media_files(recorded_for)
    WHERE recorded_for IS NOT NULL;

COMMENT ON COLUMN media_files.record_code IS 'Digits of the code *77<record_code>, which records it anew by phone. Unique. NULL: no code.';
COMMENT ON COLUMN media_files.recorded_for IS 'voicemail_boxes.id of the mailbox whose owner recorded it by phone: it goes when another greeting takes its place, and with the mailbox. NULL: it stays. No foreign key: TRUNCATE would follow it to every table with audio.';

CREATE TABLE voicemail_pin_failures (
    box_id UUID PRIMARY KEY REFERENCES voicemail_boxes(id) ON DELETE CASCADE,
    failures INT NOT NULL,
    last_at TIMESTAMP WITH TIME ZONE NOT NULL,
    locked_until TIMESTAMP WITH TIME ZONE
);

COMMENT ON TABLE voicemail_pin_failures IS 'Wrong PINs since the last right one. Delete a row to unlock the mailbox at once.';
COMMENT ON COLUMN voicemail_pin_failures.box_id IS 'The mailbox.';
COMMENT ON COLUMN voicemail_pin_failures.failures IS 'How many there were; they count from 1 again after a lock.';
COMMENT ON COLUMN voicemail_pin_failures.last_at IS 'When the last one came.';
COMMENT ON COLUMN voicemail_pin_failures.locked_until IS 'Until then no PIN opens the mailbox. NULL: not locked.';

CREATE FUNCTION make_voicemail_boxes() RETURNS TRIGGER
LANGUAGE plpgsql
AS $$
BEGIN
    INSERT INTO voicemail_boxes (extension_id, made_by_itself)
    SELECT id, TRUE FROM new_rows AS extension
    WHERE voicemail_enabled
        AND NOT EXISTS (SELECT FROM voicemail_boxes WHERE extension_id = extension.id)
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION make_voicemail_boxes() IS
    'Trigger: makes the mailboxes of the extensions whose voicemail_enabled is true.';

CREATE TRIGGER make_voicemail_boxes_insert AFTER INSERT ON extensions
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION make_voicemail_boxes();
CREATE TRIGGER make_voicemail_boxes_update AFTER UPDATE ON extensions
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION make_voicemail_boxes();

COMMENT ON TRIGGER make_voicemail_boxes_insert ON extensions IS 'voicemail_enabled means that there is a mailbox.';
COMMENT ON TRIGGER make_voicemail_boxes_update ON extensions IS 'voicemail_enabled means that there is a mailbox.';

INSERT INTO voicemail_boxes (extension_id, made_by_itself)
SELECT id, TRUE FROM extensions WHERE voicemail_enabled
ON CONFLICT DO NOTHING;

CREATE FUNCTION changed_by_somebody() RETURNS TRIGGER
LANGUAGE plpgsql
AS $$
BEGIN
    NEW.made_by_itself := FALSE;
    RETURN NEW;
END
$$;

COMMENT ON FUNCTION changed_by_somebody() IS
    'Trigger: a mailbox that was changed is no longer as it was made by itself.';

CREATE TRIGGER changed_by_somebody BEFORE UPDATE ON voicemail_boxes
    FOR EACH ROW EXECUTE FUNCTION changed_by_somebody();

COMMENT ON TRIGGER changed_by_somebody ON voicemail_boxes IS 'What somebody has changed is not replaced.';

-- Who knows the seed alone inserts an extension and then its mailbox. Locked first: a message that
-- is being left is seen only after that. Rules and recordings on their way know the mailbox by its id.
CREATE FUNCTION replace_unused_box() RETURNS TRIGGER
LANGUAGE plpgsql
AS $$
DECLARE
    made UUID;
BEGIN
    NEW.made_by_itself := FALSE;
    SELECT id INTO made FROM voicemail_boxes
    WHERE extension_id = NEW.extension_id AND made_by_itself
    FOR UPDATE;
    DELETE FROM voicemail_boxes
    WHERE id = made AND NOT EXISTS (SELECT FROM voicemail_messages WHERE voicemail_box_id = made);
    IF FOUND THEN
        NEW.id := made;
    END IF;
    RETURN NEW;
END
$$;

COMMENT ON FUNCTION replace_unused_box() IS
    'Trigger: a mailbox that somebody inserts takes the place, and the id, of the one that was made by itself, if that was never changed and holds no message.';

CREATE TRIGGER replace_unused_box BEFORE INSERT ON voicemail_boxes
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION replace_unused_box();

COMMENT ON TRIGGER replace_unused_box ON voicemail_boxes IS
    'Lets an INSERT succeed although the mailbox was made by itself.';

CREATE FUNCTION clear_after_box() RETURNS TRIGGER
LANGUAGE plpgsql
AS $$
BEGIN
    DELETE FROM media_files WHERE recorded_for IN (SELECT id FROM old_rows);
    IF pg_trigger_depth() = 1 THEN
        UPDATE extensions SET voicemail_enabled = FALSE
        WHERE voicemail_enabled
            AND id IN (SELECT extension_id FROM old_rows)
            AND NOT EXISTS (SELECT FROM voicemail_boxes WHERE extension_id = extensions.id);
    END IF;
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION clear_after_box() IS
    'Trigger: with a mailbox go the greetings that were recorded for it by phone; if somebody has deleted it, and not its extension, voicemail_enabled becomes false.';

CREATE TRIGGER clear_after_box AFTER DELETE ON voicemail_boxes
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION clear_after_box();

COMMENT ON TRIGGER clear_after_box ON voicemail_boxes IS
    'Its greetings go too, and its extension has no voicemail any more.';

INSERT INTO system_settings (key, value, description) VALUES
    ('media.record_roles', '["admin", "supervisor"]',
     'Roles whose extensions may record prompts with *77 and *77<record_code>.'),
    ('voicemail.max_seconds', '180', 'Seconds that a message may last.'),
    ('voicemail.min_seconds', '2', 'Messages that are shorter, in seconds, are dropped, and those in which nobody speaks.'),
    ('voicemail.silence_seconds', '10', 'Seconds of silence that end a message.'),
    ('voicemail.max_messages', '100', 'Messages that a mailbox holds; voicemail_boxes.max_messages wins.'),
    ('voicemail.pin_attempts', '5', 'Wrong PINs after which a mailbox is locked.'),
    ('voicemail.lockout_seconds', '900', 'Seconds for which it is locked.'),
    ('voicemail.pin_at_own_phone', 'false', 'Whether *97 asks for the PIN at a phone of the mailbox''s own extension.'),
    ('voicemail.operator', 'null', 'Number that 0 leads to during a greeting, e.g. "1001". null: nowhere. voicemail_boxes.operator_number wins.'),
    ('voicemail.callback_from_outside', 'false', 'Whether who has opened a mailbox from outside may call back the callers; the mailbox''s extension pays.')
ON CONFLICT (key) DO NOTHING;
