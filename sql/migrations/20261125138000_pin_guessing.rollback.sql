DROP TABLE voicemail_pin_callers;

ALTER TABLE voicemail_pin_failures DROP COLUMN locks;

COMMENT ON TABLE voicemail_pin_failures IS 'Wrong PINs since the last right one. Delete a row to unlock the mailbox at once.';
