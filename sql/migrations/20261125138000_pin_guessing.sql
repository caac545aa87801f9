-- Wrong PINs are counted for each caller too, and each lock lasts twice as long as the one before.

ALTER TABLE voicemail_pin_failures ADD COLUMN locks INT NOT NULL DEFAULT 0;

COMMENT ON TABLE voicemail_pin_failures IS 'Wrong PINs at a mailbox since the last right one. Delete a row to unlock the mailbox at once.';
COMMENT ON COLUMN voicemail_pin_failures.locks IS 'How often they have locked it; each lock lasts twice as long as the one before, 24 hours at the most. Forgotten a day after the last wrong PIN or lock.';

CREATE TABLE voicemail_pin_callers (
    caller TEXT PRIMARY KEY,
    failures INT NOT NULL,
    box_id UUID NOT NULL,
    failures_there INT NOT NULL,
    locks INT NOT NULL,
    last_at TIMESTAMP WITH TIME ZONE NOT NULL,
    locked_until TIMESTAMP WITH TIME ZONE
);
CREATE INDEX idx_voicemail_pin_callers_last_at ON voicemail_pin_callers(last_at);

COMMENT ON TABLE voicemail_pin_callers IS 'Wrong PINs of a caller, at whatever mailboxes and at numbers that have none. Delete a row to let the caller try again at once.';
COMMENT ON COLUMN voicemail_pin_callers.caller IS 'extension:<extensions.id>, or trunk:<trunks.id>:<the number shown>; without a number all who withhold theirs on that trunk.';
COMMENT ON COLUMN voicemail_pin_callers.failures IS 'How many there were; they count from 1 again after a lock, or after a day without one.';
COMMENT ON COLUMN voicemail_pin_callers.box_id IS 'The mailbox of the last one; of none if the number has none. No foreign key: it is only compared.';
COMMENT ON COLUMN voicemail_pin_callers.failures_there IS 'How many of them were at that mailbox, one after the other; its right PIN takes these away, and no others.';
COMMENT ON COLUMN voicemail_pin_callers.locks IS 'How often they have locked the caller out; as in voicemail_pin_failures.';
COMMENT ON COLUMN voicemail_pin_callers.last_at IS 'When the last one came. A row goes a week later.';
COMMENT ON COLUMN voicemail_pin_callers.locked_until IS 'Until then no PIN of this caller opens a mailbox. NULL: not locked out.';
