-- What voice menus need of a row beyond the seed.

ALTER TABLE ivr_menus
    ADD COLUMN extension_number VARCHAR(20) UNIQUE,
    ADD COLUMN inter_digit_seconds NUMERIC NOT NULL DEFAULT 2
        CHECK (inter_digit_seconds BETWEEN 0.2 AND 60),
    ADD COLUMN direct_dial BOOLEAN NOT NULL DEFAULT FALSE,
    ADD COLUMN timeout_destination_number VARCHAR(50),
    ADD COLUMN invalid_destination_type VARCHAR(50)
        CHECK (invalid_destination_type IN ('extension', 'queue', 'ivr', 'voicemail', 'conference', 'external', 'hangup')),
    ADD COLUMN invalid_destination_id UUID,
    ADD COLUMN invalid_destination_number VARCHAR(50),
    ADD COLUMN language VARCHAR(10);

COMMENT ON COLUMN ivr_menus.extension_number IS 'Number to dial to enter the menu. NULL: reached only through rules and menus.';
COMMENT ON COLUMN ivr_menus.inter_digit_seconds IS 'Seconds to wait for another key where one more could follow.';
COMMENT ON COLUMN ivr_menus.direct_dial IS 'Whether callers may dial the number of an extension.';
COMMENT ON COLUMN ivr_menus.timeout_destination_number IS 'Number to call, for timeout_destination_type external. NULL otherwise.';
COMMENT ON COLUMN ivr_menus.invalid_destination_type IS 'Where callers go whose keys mean nothing; words as for timeout_destination_type. NULL: to the timeout destination.';
COMMENT ON COLUMN ivr_menus.invalid_destination_id IS 'id of that destination in the table named by its type. NULL: none.';
COMMENT ON COLUMN ivr_menus.invalid_destination_number IS 'Number to call, for invalid_destination_type external. NULL otherwise.';
COMMENT ON COLUMN ivr_menus.language IS 'What the exchange itself says in the menu and after it is in this language: de or en. NULL: as before the menu.';
COMMENT ON COLUMN ivr_menus.welcome_prompt_id IS 'What callers hear when they enter. NULL: a sentence of the exchange asks them to choose.';
COMMENT ON COLUMN ivr_menus.digit_timeout_seconds IS 'Seconds to wait for a key, from the end of the prompt.';
COMMENT ON COLUMN ivr_menus.max_retries IS 'How often callers hear the menu again after keys that mean nothing, and as often after no key; then they are sent to the invalid or the timeout destination.';
COMMENT ON COLUMN ivr_menus.invalid_prompt_id IS 'Announcement after a key that means nothing. NULL: a sentence of the exchange.';
COMMENT ON COLUMN ivr_menus.timeout_prompt_id IS 'Announcement when no key was pressed. NULL: a sentence of the exchange.';
COMMENT ON COLUMN ivr_menus.timeout_destination_type IS 'Where callers go who choose nothing; words as for inbound_rules.destination_type, or hangup. NULL: the call ends.';
COMMENT ON COLUMN ivr_menu_options.dtmf_digit IS 'The keys: one or two of 0 to 9, * and #. Unique in its menu.';
COMMENT ON COLUMN ivr_menu_options.destination_number IS 'Number to call, for external, or of the extension where action is extension and destination_id NULL. NULL otherwise.';

ALTER TABLE inbound_rules ADD COLUMN language VARCHAR(10);

COMMENT ON COLUMN inbound_rules.language IS 'What the exchange itself says in these calls is in this language: de or en. NULL: that of the called extension''s user, else the setting media.language.';

INSERT INTO system_settings (key, value, description) VALUES
    ('media.language', '"en"',
     'Language of what the exchange says where no row has another: "de" or "en".'),
    ('ivr.max_menus', '30',
     'Menus that a caller may go through in one call by pressing keys; the next one ends it.')
ON CONFLICT (key) DO NOTHING;
