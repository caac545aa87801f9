DROP FUNCTION change_agents(JSONB);
DROP TRIGGER follow_insert ON queue_members;
DROP TRIGGER follow_update ON queue_members;
DROP TRIGGER follow_delete ON queue_members;
DROP TRIGGER follow_truncate ON queue_members;
DROP TRIGGER announce_insert ON agent_states;
DROP TRIGGER announce_update ON agent_states;
DROP TRIGGER announce_delete ON agent_states;
DROP TRIGGER announce_truncate ON agent_states;
DROP TRIGGER follow_insert ON agent_states;
DROP TRIGGER follow_update ON agent_states;
DROP TRIGGER follow_delete ON agent_states;
DROP TRIGGER follow_truncate ON agent_states;
DROP TRIGGER agent_1_wants ON agent_states;
DROP TRIGGER agent_1_wants_status ON agent_states;
DROP TRIGGER agent_2_changes ON agent_states;
DROP TRIGGER agent_3_derived ON agent_states;
DROP TRIGGER lock_agents_insert ON agent_states;
DROP TRIGGER lock_agents_update ON agent_states;
DROP TRIGGER lock_agents_delete ON agent_states;
DROP TRIGGER lock_agents_update ON agent_slots;
DROP TRIGGER lock_agents_delete ON agent_slots;
DROP TRIGGER follow_update ON agent_slots;
DROP TRIGGER make_agents_delete ON agent_slots;
DROP TRIGGER make_agents_truncate ON agent_slots;

DROP FUNCTION follow_queue_members(), make_agents(), follow_agent_slots(), announce_agent_states(),
    forget_agent_states(), begin_agent_states(), follow_agent_states(), derive_agent_state(),
    change_agent_state(), want_agent_status(), want_agent_state(), lock_agents(), end_wrap_up(UUID),
    derive_agents(UUID[]), derive_agent(agent_slots, TIMESTAMP WITH TIME ZONE, BOOLEAN, UUID),
    log_agent_states(agent_states[], TIMESTAMP WITH TIME ZONE, BOOLEAN),
    agent_reason(TEXT, TEXT, agent_slots), agent_status(TEXT, agent_slots);
DROP VIEW agent_time;
DROP TABLE agent_state_changes, agent_slots;

-- what nobody has written was not there before
DELETE FROM agent_states WHERE made_by_itself;
-- nothing derives the status any more, and migrated again it says what is wanted
UPDATE agent_states SET status = wanted, reason_code = wanted_reason;
ALTER TABLE agent_states RESET (fillfactor);
ALTER TABLE agent_states
    DROP COLUMN made_by_itself,
    DROP COLUMN last_offered_at,
    DROP COLUMN wanted_at,
    DROP COLUMN wanted_reason,
    DROP COLUMN wanted;

COMMENT ON TABLE agent_states IS 'What each agent is doing now: one row for the agent as a whole, and one for each queue where that differs.';
COMMENT ON COLUMN agent_states.status IS 'available, busy (in a call), wrap_up (after a call), break or offline.';
COMMENT ON COLUMN agent_states.reason_code IS 'Why, e.g. the kind of break. NULL: not given.';
COMMENT ON COLUMN agent_states.state_changed_at IS 'Since when the status holds.';
COMMENT ON COLUMN agent_states.last_call_ended_at IS 'When the agent''s last call ended; longest_idle counts from here. NULL: none yet.';
