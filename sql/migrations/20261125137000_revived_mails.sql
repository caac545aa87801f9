-- A mail that was given up and is to be tried again has all its attempts before it.

CREATE FUNCTION forget_attempts() RETURNS TRIGGER
LANGUAGE plpgsql
AS $$
BEGIN
    NEW.attempts := 0;
    RETURN NEW;
END
$$;

COMMENT ON FUNCTION forget_attempts() IS 'Trigger: what is no longer dead has not been tried.';

CREATE TRIGGER forget_attempts BEFORE UPDATE ON mail_outbox
    FOR EACH ROW WHEN (OLD.state = 'dead' AND NEW.state <> 'dead')
    EXECUTE FUNCTION forget_attempts();

COMMENT ON TRIGGER forget_attempts ON mail_outbox IS 'A mail that is tried again is tried as often as a new one.';
COMMENT ON COLUMN mail_outbox.attempts IS 'How often sending it failed; 0 again when a dead one is set to pending.';

COMMENT ON COLUMN recording_deliveries.details IS 'Particulars: of a message caller_number, caller_name, urgent, forwarded_from, language; of a greeting which (unavailable, busy, temporary, name); of a prompt name, description, media (id of the file that is recorded anew). Of all seconds, when finished: the length as Asterisk counted it; 0: nothing was recorded, missing: not known.';
COMMENT ON COLUMN ivr_menus.welcome_prompt_id IS 'What callers hear when they enter. NULL: a tone, or with direct_dial a sentence of the exchange that asks for a number.';
