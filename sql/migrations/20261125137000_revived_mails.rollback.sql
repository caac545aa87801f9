DROP TRIGGER forget_attempts ON mail_outbox;
DROP FUNCTION forget_attempts();

COMMENT ON COLUMN mail_outbox.attempts IS 'How often sending it failed.';
COMMENT ON COLUMN recording_deliveries.details IS 'Particulars: of a message caller_number, caller_name, urgent, forwarded_from, language; of a greeting which (unavailable, busy, temporary, name); of a prompt name, description, media (id of the file that is recorded anew).';
COMMENT ON COLUMN ivr_menus.welcome_prompt_id IS 'What callers hear when they enter. NULL: a sentence of the exchange asks them to choose.';
