-- Settings stay: an admin may have edited them, and the schema does not depend on them.
ALTER TABLE inbound_rules DROP COLUMN language;

COMMENT ON COLUMN ivr_menus.welcome_prompt_id IS 'What callers hear when they enter. NULL: silence.';
COMMENT ON COLUMN ivr_menus.digit_timeout_seconds IS 'Seconds to wait for a key after the prompt.';
COMMENT ON COLUMN ivr_menus.max_retries IS 'Wrong or missing keys before the caller is sent to the timeout destination.';
COMMENT ON COLUMN ivr_menus.invalid_prompt_id IS 'Announcement after a key that means nothing. NULL: none.';
COMMENT ON COLUMN ivr_menus.timeout_prompt_id IS 'Announcement when no key was pressed. NULL: none.';
COMMENT ON COLUMN ivr_menus.timeout_destination_type IS 'Where callers go who choose nothing; same words as inbound_rules.destination_type. NULL: the call ends.';
COMMENT ON COLUMN ivr_menu_options.dtmf_digit IS 'The key: 0 to 9, * or #. Unique in its menu.';
COMMENT ON COLUMN ivr_menu_options.destination_number IS 'Number to call, for external. NULL otherwise.';

ALTER TABLE ivr_menus
    DROP COLUMN language,
    DROP COLUMN invalid_destination_number,
    DROP COLUMN invalid_destination_id,
    DROP COLUMN invalid_destination_type,
    DROP COLUMN timeout_destination_number,
    DROP COLUMN direct_dial,
    DROP COLUMN inter_digit_seconds,
    DROP COLUMN extension_number;
