-- What queues need of a row beyond the seed, and what rules and menus ask of them.

ALTER TABLE queues
    ADD COLUMN priority INT NOT NULL DEFAULT 0,
    ADD COLUMN weight NUMERIC NOT NULL DEFAULT 1 CHECK (weight > 0 AND weight <= 1000),
    ADD COLUMN ring_seconds INT NOT NULL DEFAULT 20 CHECK (ring_seconds > 0),
    ADD COLUMN wait_announcement_enabled BOOLEAN NOT NULL DEFAULT TRUE,
    ADD COLUMN when_empty VARCHAR(20) NOT NULL DEFAULT 'join' CHECK (when_empty IN ('join', 'leave')),
    ADD COLUMN exit_key VARCHAR(1) CHECK (exit_key ~ '^[0-9*#]$'),
    ADD COLUMN exit_destination_type VARCHAR(50)
        CHECK (exit_destination_type IN ('extension', 'queue', 'ivr', 'voicemail', 'conference', 'external')),
    ADD COLUMN exit_destination_id UUID,
    ADD COLUMN exit_destination_number VARCHAR(50),
    ADD COLUMN skill_relax_seconds INT CHECK (skill_relax_seconds > 0),
    ADD COLUMN redial_window_seconds INT NOT NULL DEFAULT 0 CHECK (redial_window_seconds >= 0),
    ADD COLUMN break_after_misses INT NOT NULL DEFAULT 3 CHECK (break_after_misses >= 0),
    ADD COLUMN agent_prompt_id UUID REFERENCES media_files(id) ON DELETE SET NULL,
    ADD COLUMN callback_key VARCHAR(1) DEFAULT '1' CHECK (callback_key ~ '^[0-9*#]$'),
    ADD COLUMN callback_tries INT NOT NULL DEFAULT 3 CHECK (callback_tries > 0);

COMMENT ON COLUMN queues.priority IS 'Priority of calls to which neither a rule nor a menu gave one. Higher ones are served first.';
COMMENT ON COLUMN queues.weight IS 'How much a second of waiting counts here, for an agent who serves several queues; 1000 at the most.';
COMMENT ON COLUMN queues.ring_seconds IS 'Seconds that an agent''s phone rings before the call is offered to another.';
COMMENT ON COLUMN queues.wait_announcement_enabled IS 'Whether callers are told how long they will wait, with their position and where it can be estimated.';
COMMENT ON COLUMN queues.when_empty IS 'What callers do while every agent is offline, logged out or without a phone: join (wait) or leave (the overflow takes over).';
COMMENT ON COLUMN queues.exit_key IS 'Key that takes a waiting caller to the exit destination. NULL: none.';
COMMENT ON COLUMN queues.exit_destination_type IS 'Where that is; words as for inbound_rules.destination_type. NULL: the key does nothing.';
COMMENT ON COLUMN queues.exit_destination_id IS 'id of that destination in the table named by its type. NULL: none.';
COMMENT ON COLUMN queues.exit_destination_number IS 'Number to call, for external or of the extension. NULL otherwise.';
COMMENT ON COLUMN queues.skill_relax_seconds IS 'After so many seconds of waiting the last of the skills that a call asks for is dropped, after as many again the next. NULL: never.';
COMMENT ON COLUMN queues.redial_window_seconds IS 'Who has hung up and calls again within so many seconds has the old place. 0: nobody.';
COMMENT ON COLUMN queues.break_after_misses IS 'After so many calls in a row that were not answered an agent has a break. 0: never.';
COMMENT ON COLUMN queues.agent_prompt_id IS 'What an agent hears before the caller is connected. NULL: nothing.';
COMMENT ON COLUMN queues.callback_key IS 'Key with which a waiting caller asks to be called back, if callback_enabled. NULL: none.';
COMMENT ON COLUMN queues.callback_tries IS 'How often a caller is called back who does not answer.';
COMMENT ON COLUMN queues.position_announcement_interval_seconds IS 'Seconds between two announcements, also of the wait.';
COMMENT ON COLUMN queues.overflow_destination_id IS 'id of the voicemail box, of its extension, or of the menu, by overflow_action. NULL for external and hangup.';
COMMENT ON COLUMN queues.overflow_destination_number IS 'Number to call for external, or of the extension for voicemail. NULL otherwise.';

ALTER TABLE inbound_rules
    ADD COLUMN queue_priority INT,
    ADD COLUMN queue_skills TEXT[];
ALTER TABLE ivr_menu_options
    ADD COLUMN queue_priority INT,
    ADD COLUMN queue_skills TEXT[];

COMMENT ON COLUMN inbound_rules.queue_priority IS 'Priority of these calls in queues, now or further on. NULL: queues.priority.';
COMMENT ON COLUMN inbound_rules.queue_skills IS 'Skills that an agent must have for these calls, the most important first. NULL: none are asked for.';
COMMENT ON COLUMN ivr_menu_options.queue_priority IS 'Priority of these calls in queues, now or further on. NULL: as before the menu.';
COMMENT ON COLUMN ivr_menu_options.queue_skills IS 'Skills that an agent must have for these calls, the most important first. NULL: as before the menu; {}: none.';
