ALTER TABLE ivr_menu_options
    DROP COLUMN queue_skills,
    DROP COLUMN queue_priority;
ALTER TABLE inbound_rules
    DROP COLUMN queue_skills,
    DROP COLUMN queue_priority;

COMMENT ON COLUMN queues.position_announcement_interval_seconds IS 'Seconds between two such announcements.';
COMMENT ON COLUMN queues.overflow_destination_id IS 'id of the voicemail box or menu, by overflow_action. NULL for external and hangup.';
COMMENT ON COLUMN queues.overflow_destination_number IS 'Number to call for external. NULL otherwise.';

ALTER TABLE queues
    DROP COLUMN callback_tries,
    DROP COLUMN callback_key,
    DROP COLUMN agent_prompt_id,
    DROP COLUMN break_after_misses,
    DROP COLUMN redial_window_seconds,
    DROP COLUMN skill_relax_seconds,
    DROP COLUMN exit_destination_number,
    DROP COLUMN exit_destination_id,
    DROP COLUMN exit_destination_type,
    DROP COLUMN exit_key,
    DROP COLUMN when_empty,
    DROP COLUMN wait_announcement_enabled,
    DROP COLUMN ring_seconds,
    DROP COLUMN weight,
    DROP COLUMN priority;
