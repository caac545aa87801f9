-- What agents want (people write it: agent_states) and what they do (the app writes it:
-- agent_slots). Their status follows from both.
--
-- Who changes agent_states holds one lock until the end of the transaction (lock_agents). Then rows
-- are locked in no order that matters, and nobody waits for each other. While pbx.agents is on, the
-- functions below are at work, and the triggers for what people write are silent.

ALTER TABLE agent_states
    ADD COLUMN wanted VARCHAR(20) NOT NULL DEFAULT 'available'
        CHECK (wanted IN ('available', 'break', 'offline')),
    ADD COLUMN wanted_reason VARCHAR(100),
    ADD COLUMN wanted_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT NOW(),
    ADD COLUMN last_offered_at TIMESTAMP WITH TIME ZONE,
    ADD COLUMN made_by_itself BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE agent_states SET (fillfactor = 50);

COMMENT ON COLUMN agent_states.wanted IS 'What the agent has asked for: available, break or offline. An UPDATE of status writes it too.';
COMMENT ON COLUMN agent_states.wanted_reason IS 'Why, e.g. the kind of break. An UPDATE of reason_code writes it too. NULL: not given.';
COMMENT ON COLUMN agent_states.wanted_at IS 'Since when wanted and its reason are so. No INSERT or UPDATE sets it.';
COMMENT ON COLUMN agent_states.last_offered_at IS 'When a call of the queue last let the agent''s phone ring; round_robin counts from here. NULL: never, and in rows without a queue.';
COMMENT ON COLUMN agent_states.made_by_itself IS 'Whether it came with queue_members and nobody has changed it since: an INSERT replaces it. No INSERT or UPDATE sets it.';
COMMENT ON TABLE agent_states IS 'What each agent wants and does: one row for the agent as a whole, and one for each queue. No row: available.';
COMMENT ON COLUMN agent_states.status IS 'In this order: busy (in a call), wrap_up (after a call), what is wanted if that is offline or break, offline or break by agent_slots.hindrance, available. In the row of a queue: that of the agent as a whole, or if that is available what is wanted here. To write available, break or offline says what is wanted; available also ends a wrap-up; busy and wrap_up cannot be written.';
COMMENT ON COLUMN agent_states.reason_code IS 'Why: wanted_reason, or agent_slots.hindrance. To write it says why something is wanted. NULL: not given.';
COMMENT ON COLUMN agent_states.state_changed_at IS 'Since when status and reason_code hold. No UPDATE sets it.';
COMMENT ON COLUMN agent_states.last_call_ended_at IS 'When the agent''s last queue call ended, in the row of a queue: the last of that queue; longest_idle counts from here. NULL: none yet.';

-- No index but the key, and room in each page: an update moves nothing.
CREATE TABLE agent_slots (
    extension_id UUID PRIMARY KEY REFERENCES extensions(id) ON DELETE CASCADE,
    call_id UUID,
    queue_id UUID,
    reserved_until TIMESTAMP WITH TIME ZONE,
    talking_since TIMESTAMP WITH TIME ZONE,
    engaged BOOLEAN NOT NULL DEFAULT FALSE,
    hindrance VARCHAR(20),
    wrap_up_until TIMESTAMP WITH TIME ZONE,
    rests_until TIMESTAMP WITH TIME ZONE,
    last_call_ended_at TIMESTAMP WITH TIME ZONE,
    talk_seconds NUMERIC NOT NULL DEFAULT 0,
    talk_since TIMESTAMP WITH TIME ZONE,
    misses INT NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

COMMENT ON TABLE agent_slots IS 'What each agent does: one queue call at a time, whatever the number of queues. Written by the application; to free an agent by hand: UPDATE … SET call_id = NULL, queue_id = NULL, reserved_until = NULL, talking_since = NULL.';
COMMENT ON COLUMN agent_slots.extension_id IS 'The agent''s extension.';
COMMENT ON COLUMN agent_slots.call_id IS 'calls.id of the call that is offered to the agent or talks with him. NULL: none.';
COMMENT ON COLUMN agent_slots.queue_id IS 'Queue of that call. NULL: none.';
COMMENT ON COLUMN agent_slots.reserved_until IS 'It is offered, until then at the most. NULL: it is not, or no longer.';
COMMENT ON COLUMN agent_slots.talking_since IS 'It talks, since then. NULL: it does not.';
COMMENT ON COLUMN agent_slots.engaged IS 'Whether the agent is in a call of no queue.';
COMMENT ON COLUMN agent_slots.hindrance IS 'Why no call could be offered: unregistered, dnd or inactive. NULL: it could.';
COMMENT ON COLUMN agent_slots.wrap_up_until IS 'The wrap-up after a call lasts until then. NULL: there is none.';
COMMENT ON COLUMN agent_slots.rests_until IS 'The agent is left alone until then, after a call that was not answered. NULL: no longer than the wrap-up.';
COMMENT ON COLUMN agent_slots.last_call_ended_at IS 'When the last queue call ended. NULL: none yet.';
COMMENT ON COLUMN agent_slots.talk_seconds IS 'Seconds of talk in queue calls on the day that began at talk_since; least_talk_time goes by it.';
COMMENT ON COLUMN agent_slots.talk_since IS 'When that day began. NULL: no call yet.';
COMMENT ON COLUMN agent_slots.misses IS 'Calls in a row that were not answered.';

CREATE TABLE agent_state_changes (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    extension_id UUID NOT NULL,
    queue_id UUID,
    status VARCHAR(50) NOT NULL,
    reason_code VARCHAR(100),
    from_at TIMESTAMP WITH TIME ZONE NOT NULL,
    until_at TIMESTAMP WITH TIME ZONE
);
CREATE INDEX idx_agent_state_changes_extension_id ON agent_state_changes(extension_id, until_at);
CREATE INDEX idx_agent_state_changes_until_at ON agent_state_changes(until_at);
CREATE INDEX idx_agent_state_changes_break ON agent_state_changes(from_at) WHERE status = 'break';

COMMENT ON TABLE agent_state_changes IS 'History of agent_states: who had which status when. At time t: from_at <= t AND (until_at > t OR until_at IS NULL).';
COMMENT ON COLUMN agent_state_changes.extension_id IS 'The agent''s extension (extensions.id, which may be gone by now).';
COMMENT ON COLUMN agent_state_changes.queue_id IS 'queues.id, as in agent_states. NULL: the agent as a whole.';
COMMENT ON COLUMN agent_state_changes.status IS 'As in agent_states.';
COMMENT ON COLUMN agent_state_changes.reason_code IS 'As in agent_states.';
COMMENT ON COLUMN agent_state_changes.from_at IS 'When it began.';
COMMENT ON COLUMN agent_state_changes.until_at IS 'When it ended. NULL: it goes on.';

CREATE VIEW agent_time AS
SELECT change.extension_id, change.queue_id, day::DATE AS day, change.status, change.reason_code,
    sum(extract(epoch FROM least(coalesce(change.until_at, now()), (day + INTERVAL '1 day') AT TIME ZONE 'UTC')
        - greatest(change.from_at, day AT TIME ZONE 'UTC'))) AS seconds
FROM agent_state_changes AS change
CROSS JOIN LATERAL generate_series(
    date_trunc('day', change.from_at AT TIME ZONE 'UTC'),
    greatest(change.from_at, coalesce(change.until_at, now())) AT TIME ZONE 'UTC',
    INTERVAL '1 day') AS day
WHERE coalesce(change.until_at, now()) > change.from_at
GROUP BY change.extension_id, change.queue_id, day, change.status, change.reason_code;

COMMENT ON VIEW agent_time IS 'How long each agent had which status on each day, from agent_state_changes.';
COMMENT ON COLUMN agent_time.extension_id IS 'The agent''s extension.';
COMMENT ON COLUMN agent_time.queue_id IS 'The queue. NULL: the agent as a whole.';
COMMENT ON COLUMN agent_time.day IS 'Day, from midnight to midnight in UTC.';
COMMENT ON COLUMN agent_time.status IS 'As in agent_states.';
COMMENT ON COLUMN agent_time.reason_code IS 'As in agent_states.';
COMMENT ON COLUMN agent_time.seconds IS 'Seconds, up to now.';

CREATE FUNCTION agent_status(wanted TEXT, slot agent_slots) RETURNS TEXT
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN (slot).talking_since IS NOT NULL OR (slot).engaged THEN 'busy'
    WHEN (slot).wrap_up_until IS NOT NULL THEN 'wrap_up'
    WHEN wanted <> 'available' THEN wanted
    WHEN (slot).hindrance = 'dnd' THEN 'break'
    WHEN (slot).hindrance IS NOT NULL THEN 'offline'
    ELSE 'available' END;

COMMENT ON FUNCTION agent_status(TEXT, agent_slots) IS
    'agent_states.status of an agent as a whole, who wants this and does that.';

CREATE FUNCTION agent_reason(wanted TEXT, wanted_reason TEXT, slot agent_slots) RETURNS TEXT
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN (slot).talking_since IS NOT NULL OR (slot).engaged
        OR (slot).wrap_up_until IS NOT NULL THEN NULL
    WHEN wanted <> 'available' OR (slot).hindrance IS NULL THEN wanted_reason
    ELSE (slot).hindrance END;

COMMENT ON FUNCTION agent_reason(TEXT, TEXT, agent_slots) IS
    'agent_states.reason_code that goes with agent_status().';

CREATE FUNCTION log_agent_states(changed agent_states[], at TIMESTAMP WITH TIME ZONE, goes_on BOOLEAN)
RETURNS VOID
LANGUAGE plpgsql
AS $$
BEGIN
    WITH void AS (
        DELETE FROM agent_state_changes AS open USING unnest(changed) AS state
        WHERE open.extension_id = state.extension_id AND open.until_at IS NULL
            AND open.queue_id IS NOT DISTINCT FROM state.queue_id AND open.from_at >= at
        RETURNING open.extension_id, open.queue_id, open.from_at AS until_at
    ), closed AS (
        UPDATE agent_state_changes AS open SET until_at = at
        FROM unnest(changed) AS state
        WHERE open.extension_id = state.extension_id AND open.until_at IS NULL
            AND open.queue_id IS NOT DISTINCT FROM state.queue_id AND open.from_at < at
        RETURNING open.extension_id, open.queue_id, open.until_at
    ), ended AS (SELECT * FROM void UNION ALL SELECT * FROM closed)
    INSERT INTO agent_state_changes (extension_id, queue_id, status, reason_code, from_at)
    SELECT state.extension_id, state.queue_id, state.status, state.reason_code,
        coalesce(ended.until_at, at)
    FROM unnest(changed) AS state
    LEFT JOIN ended ON ended.extension_id = state.extension_id
        AND ended.queue_id IS NOT DISTINCT FROM state.queue_id
    WHERE goes_on;
END
$$;

COMMENT ON FUNCTION log_agent_states(agent_states[], TIMESTAMP WITH TIME ZONE, BOOLEAN) IS
    'Ends what agent_state_changes says of these rows, and lets begin what they say now, unless they are gone. What has lasted no time is forgotten: the journal may tell later of what was before.';

CREATE FUNCTION derive_agent(slot agent_slots, at TIMESTAMP WITH TIME ZONE,
    call_ended BOOLEAN DEFAULT FALSE, ended_in UUID DEFAULT NULL) RETURNS VOID
LANGUAGE plpgsql
AS $$
DECLARE
    was CONSTANT TEXT := coalesce(current_setting('pbx.agents', TRUE), '');
    changed agent_states[];
BEGIN
    PERFORM set_config('pbx.agents', 'on', TRUE);
    WITH derived AS (
        SELECT state.id, new.status, new.reason,
            (state.status, state.reason_code) IS DISTINCT FROM (new.status, new.reason) AS changes,
            call_ended AND (state.queue_id IS NULL OR state.queue_id = ended_in) AS ended
        FROM agent_states AS state
        LEFT JOIN agent_states AS agent
            ON agent.extension_id = state.extension_id AND agent.queue_id IS NULL
        CROSS JOIN LATERAL (
            SELECT agent_status(coalesce(agent.wanted, 'available'), slot) AS status,
                agent_reason(coalesce(agent.wanted, 'available'), agent.wanted_reason, slot) AS reason
        ) AS everywhere
        CROSS JOIN LATERAL (
            SELECT CASE WHEN state.queue_id IS NOT NULL AND everywhere.status = 'available'
                    THEN state.wanted ELSE everywhere.status END AS status,
                CASE WHEN state.queue_id IS NOT NULL AND everywhere.status = 'available'
                    THEN state.wanted_reason ELSE everywhere.reason END AS reason
        ) AS new
        WHERE state.extension_id = slot.extension_id
    ), written AS (
        UPDATE agent_states AS state
        SET status = derived.status,
            reason_code = derived.reason,
            state_changed_at = CASE WHEN changes THEN greatest(state.state_changed_at, at)
                ELSE state.state_changed_at END,
            last_call_ended_at = CASE WHEN ended THEN greatest(state.last_call_ended_at, at)
                ELSE state.last_call_ended_at END
        FROM derived
        WHERE state.id = derived.id AND (changes OR ended)
        RETURNING state, changes
    )
    SELECT array_agg(written.state) FILTER (WHERE changes) INTO changed FROM written;
    PERFORM set_config('pbx.agents', was, TRUE);
    IF changed IS NOT NULL THEN
        PERFORM log_agent_states(changed, at, TRUE);
    END IF;
END
$$;

COMMENT ON FUNCTION derive_agent(agent_slots, TIMESTAMP WITH TIME ZONE, BOOLEAN, UUID) IS
    'Gives the rows of an agent the status that follows from what he wants and does; they say so since the time given. With call_ended a call of that queue has ended then.';

CREATE FUNCTION derive_agents(extensions UUID[]) RETURNS VOID
LANGUAGE plpgsql
AS $$
DECLARE
    extension UUID;
    slot agent_slots;
BEGIN
    FOREACH extension IN ARRAY extensions LOOP
        SELECT * INTO slot FROM agent_slots WHERE extension_id = extension;
        slot.extension_id := extension;
        PERFORM derive_agent(slot, now());
    END LOOP;
END
$$;

COMMENT ON FUNCTION derive_agents(UUID[]) IS 'derive_agent() for each of these extensions, as of now.';

CREATE FUNCTION end_wrap_up(extension UUID) RETURNS VOID
LANGUAGE plpgsql
AS $$
DECLARE
    was CONSTANT TEXT := coalesce(current_setting('pbx.agents', TRUE), '');
BEGIN
    PERFORM set_config('pbx.agents', 'on', TRUE);
    UPDATE agent_slots SET wrap_up_until = NULL WHERE extension_id = extension;
    PERFORM set_config('pbx.agents', was, TRUE);
    PERFORM announce('agent_slots', ARRAY[extension::TEXT]);
END
$$;

COMMENT ON FUNCTION end_wrap_up(UUID) IS
    'Ends the wrap-up of an agent because somebody has said so, and announces it.';

-- What is there already, before the triggers are.
UPDATE agent_states SET wanted_reason = reason_code, wanted_at = coalesce(state_changed_at, now()),
    wanted = CASE WHEN status IN ('break', 'offline') THEN status ELSE 'available' END;
INSERT INTO agent_states (extension_id, queue_id, status, made_by_itself)
SELECT extension_id, NULL, 'available', TRUE FROM queue_members
UNION SELECT extension_id, queue_id, 'available', TRUE FROM queue_members
ON CONFLICT DO NOTHING;
INSERT INTO agent_slots (extension_id) SELECT DISTINCT extension_id FROM agent_states;
SELECT derive_agents(ARRAY(SELECT extension_id FROM agent_slots));
TRUNCATE agent_state_changes;
INSERT INTO agent_state_changes (extension_id, queue_id, status, reason_code, from_at)
SELECT extension_id, queue_id, status, reason_code, now() FROM agent_states;

CREATE FUNCTION lock_agents() RETURNS TRIGGER
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('pbx.agents', 0));
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION lock_agents() IS
    'Trigger: only one transaction at a time changes what agents want or do.';

-- Who knows the seed alone inserts queue_members and agent_states, in either order. The status stays
-- as it is written until the row is there: with ON CONFLICT an UPDATE may write it (EXCLUDED.status).
CREATE FUNCTION want_agent_state() RETURNS TRIGGER
LANGUAGE plpgsql
AS $$
DECLARE
    made agent_states;
BEGIN
    NEW.made_by_itself := NEW.made_by_itself AND pg_trigger_depth() > 1;
    IF NOT NEW.made_by_itself THEN
        DELETE FROM agent_states
        WHERE extension_id = NEW.extension_id AND queue_id IS NOT DISTINCT FROM NEW.queue_id
            AND made_by_itself
        RETURNING * INTO made;
    END IF;
    IF NEW.wanted = 'available' AND NEW.status IN ('break', 'offline') THEN
        NEW.wanted := NEW.status;
    END IF;
    NEW.status := coalesce(NEW.status, NEW.wanted);
    NEW.wanted_reason := coalesce(NEW.wanted_reason, NEW.reason_code);
    NEW.wanted_at := CASE WHEN made.wanted = NEW.wanted
            AND made.wanted_reason IS NOT DISTINCT FROM NEW.wanted_reason
        THEN made.wanted_at ELSE now() END;
    NEW.last_offered_at := coalesce(NEW.last_offered_at, made.last_offered_at);
    NEW.last_call_ended_at := coalesce(NEW.last_call_ended_at, made.last_call_ended_at);
    NEW.state_changed_at := least(NEW.state_changed_at, now());
    RETURN NEW;
END
$$;

COMMENT ON FUNCTION want_agent_state() IS
    'Trigger: an INSERT says what the agent wants by its status and reason_code, and takes the place of a row that was made by itself.';

CREATE FUNCTION want_agent_status() RETURNS TRIGGER
LANGUAGE plpgsql
AS $$
BEGIN
    IF NEW.wanted = OLD.wanted AND NEW.status IN ('available', 'break', 'offline') THEN
        IF NEW.wanted <> NEW.status AND NEW.wanted_reason IS NOT DISTINCT FROM OLD.wanted_reason
            AND NEW.reason_code IS NOT DISTINCT FROM OLD.reason_code THEN
            NEW.wanted_reason := NULL;
        END IF;
        NEW.wanted := NEW.status;
    END IF;
    IF NEW.status = 'available' AND OLD.status = 'wrap_up' THEN
        PERFORM end_wrap_up(OLD.extension_id);
    END IF;
    RETURN NEW;
END
$$;

COMMENT ON FUNCTION want_agent_status() IS
    'Trigger: who writes status says what the agent wants; available ends a wrap-up.';

CREATE FUNCTION change_agent_state() RETURNS TRIGGER
LANGUAGE plpgsql
AS $$
BEGIN
    NEW.made_by_itself := FALSE;
    IF NEW.wanted_reason IS NOT DISTINCT FROM OLD.wanted_reason THEN
        IF NEW.reason_code IS DISTINCT FROM OLD.reason_code THEN
            NEW.wanted_reason := NEW.reason_code;
        ELSIF NEW.wanted = 'available' AND OLD.wanted <> 'available' THEN
            NEW.wanted_reason := NULL;
        END IF;
    END IF;
    NEW.wanted_at := CASE
        WHEN (NEW.wanted, NEW.wanted_reason) IS DISTINCT FROM (OLD.wanted, OLD.wanted_reason)
        THEN now() ELSE OLD.wanted_at END;
    NEW.state_changed_at := OLD.state_changed_at;
    RETURN NEW;
END
$$;

COMMENT ON FUNCTION change_agent_state() IS
    'Trigger: who writes reason_code says why the agent wants it; wanted_at follows.';

-- A word that is none stays, for the CHECK to refuse it.
CREATE FUNCTION derive_agent_state() RETURNS TRIGGER
LANGUAGE plpgsql
AS $$
DECLARE
    slot agent_slots;
    agent agent_states;
    derived TEXT;
    reason TEXT;
BEGIN
    IF NEW.status NOT IN ('available', 'busy', 'wrap_up', 'break', 'offline') THEN
        RETURN NEW;
    END IF;
    SELECT * INTO slot FROM agent_slots WHERE extension_id = NEW.extension_id;
    agent := NEW;
    IF NEW.queue_id IS NOT NULL THEN
        SELECT * INTO agent FROM agent_states
        WHERE extension_id = NEW.extension_id AND queue_id IS NULL;
    END IF;
    derived := agent_status(coalesce(agent.wanted, 'available'), slot);
    reason := agent_reason(coalesce(agent.wanted, 'available'), agent.wanted_reason, slot);
    IF NEW.queue_id IS NOT NULL AND derived = 'available' THEN
        derived := NEW.wanted;
        reason := NEW.wanted_reason;
    END IF;
    NEW.status := derived;
    NEW.reason_code := reason;
    IF (NEW.status, NEW.reason_code) IS DISTINCT FROM (OLD.status, OLD.reason_code) THEN
        NEW.state_changed_at := greatest(OLD.state_changed_at, now());
    END IF;
    RETURN NEW;
END
$$;

COMMENT ON FUNCTION derive_agent_state() IS
    'Trigger: a row that somebody changes has the status that follows from what is wanted and done.';

CREATE FUNCTION follow_agent_states() RETURNS TRIGGER
LANGUAGE plpgsql
AS $$
DECLARE
    gone agent_states[];
    come agent_states[];
    seen agent_states[];
BEGIN
    IF TG_OP = 'DELETE' THEN
        gone := ARRAY(SELECT o FROM old_rows o);
    ELSE
        gone := ARRAY(
            SELECT o FROM old_rows o FULL JOIN new_rows n ON n.id = o.id
            WHERE (o.extension_id, o.queue_id) IS DISTINCT FROM (n.extension_id, n.queue_id));
        come := ARRAY(
            SELECT n FROM old_rows o FULL JOIN new_rows n ON n.id = o.id
            WHERE (o.extension_id, o.queue_id, o.wanted, o.wanted_reason, o.status, o.reason_code)
                IS DISTINCT FROM
                (n.extension_id, n.queue_id, n.wanted, n.wanted_reason, n.status, n.reason_code));
        seen := ARRAY(
            SELECT n FROM old_rows o FULL JOIN new_rows n ON n.id = o.id
            WHERE (o.extension_id, o.queue_id, o.status, o.reason_code)
                IS DISTINCT FROM (n.extension_id, n.queue_id, n.status, n.reason_code));
    END IF;
    PERFORM log_agent_states(gone, now(), FALSE);
    PERFORM log_agent_states(seen, now(), TRUE);
    PERFORM derive_agents(ARRAY(
        SELECT DISTINCT extension_id FROM unnest(gone || come) ORDER BY extension_id));
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION follow_agent_states() IS
    'Trigger: the history, and the other rows of the agents, follow what somebody has written.';

CREATE FUNCTION begin_agent_states() RETURNS TRIGGER
LANGUAGE plpgsql
AS $$
BEGIN
    INSERT INTO agent_slots (extension_id)
    SELECT DISTINCT extension_id FROM new_rows ORDER BY extension_id ON CONFLICT DO NOTHING;
    PERFORM derive_agents(ARRAY(SELECT DISTINCT extension_id FROM new_rows ORDER BY extension_id));
    PERFORM log_agent_states(ARRAY(
        SELECT state FROM new_rows n JOIN agent_states AS state ON state.id = n.id
        WHERE NOT EXISTS (
            SELECT FROM agent_state_changes AS open
            WHERE open.extension_id = state.extension_id AND open.until_at IS NULL
                AND open.queue_id IS NOT DISTINCT FROM state.queue_id)), now(), TRUE);
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION begin_agent_states() IS
    'Trigger: slot, status and history of the agents that somebody has inserted.';

CREATE FUNCTION forget_agent_states() RETURNS TRIGGER
LANGUAGE plpgsql
AS $$
BEGIN
    UPDATE agent_state_changes SET until_at = greatest(from_at, now()) WHERE until_at IS NULL;
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION forget_agent_states() IS 'Trigger: ends what the history says of rows that are all gone.';

CREATE FUNCTION announce_agent_states() RETURNS TRIGGER
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM announce('agent_states', ARRAY(
        SELECT coalesce(n.id, o.id)::TEXT FROM old_rows o FULL JOIN new_rows n ON n.id = o.id
        WHERE (o.extension_id, o.queue_id, o.wanted, o.wanted_reason)
            IS DISTINCT FROM (n.extension_id, n.queue_id, n.wanted, n.wanted_reason)
        LIMIT 101));
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION announce_agent_states() IS
    'Trigger: announces the rows in which a statement has changed what is wanted.';

CREATE TRIGGER lock_agents_insert BEFORE INSERT ON agent_states
    FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION lock_agents();
CREATE TRIGGER lock_agents_update BEFORE UPDATE ON agent_states
    FOR EACH STATEMENT WHEN (current_setting('pbx.agents', TRUE) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION lock_agents();
CREATE TRIGGER lock_agents_delete BEFORE DELETE ON agent_states
    FOR EACH STATEMENT EXECUTE FUNCTION lock_agents();

-- they run in the order of their names
CREATE TRIGGER agent_1_wants BEFORE INSERT ON agent_states
    FOR EACH ROW EXECUTE FUNCTION want_agent_state();
CREATE TRIGGER agent_1_wants_status BEFORE UPDATE OF status ON agent_states
    FOR EACH ROW WHEN (current_setting('pbx.agents', TRUE) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION want_agent_status();
CREATE TRIGGER agent_2_changes BEFORE UPDATE ON agent_states
    FOR EACH ROW WHEN (current_setting('pbx.agents', TRUE) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION change_agent_state();
CREATE TRIGGER agent_3_derived BEFORE UPDATE ON agent_states
    FOR EACH ROW WHEN (current_setting('pbx.agents', TRUE) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION derive_agent_state();

CREATE TRIGGER follow_insert AFTER INSERT ON agent_states
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION begin_agent_states();
CREATE TRIGGER follow_update AFTER UPDATE ON agent_states
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT WHEN (current_setting('pbx.agents', TRUE) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION follow_agent_states();
CREATE TRIGGER follow_delete AFTER DELETE ON agent_states
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION follow_agent_states();
CREATE TRIGGER follow_truncate AFTER TRUNCATE ON agent_states
    FOR EACH STATEMENT EXECUTE FUNCTION forget_agent_states();

CREATE TRIGGER announce_insert AFTER INSERT ON agent_states
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION announce_changes();
CREATE TRIGGER announce_update AFTER UPDATE ON agent_states
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT WHEN (current_setting('pbx.agents', TRUE) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION announce_agent_states();
CREATE TRIGGER announce_delete AFTER DELETE ON agent_states
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION announce_changes();
CREATE TRIGGER announce_truncate AFTER TRUNCATE ON agent_states
    FOR EACH STATEMENT EXECUTE FUNCTION announce_truncate();

COMMENT ON TRIGGER lock_agents_insert ON agent_states IS 'One at a time, so that nobody waits for each other.';
COMMENT ON TRIGGER lock_agents_update ON agent_states IS 'One at a time, so that nobody waits for each other.';
COMMENT ON TRIGGER lock_agents_delete ON agent_states IS 'One at a time, so that nobody waits for each other.';
COMMENT ON TRIGGER agent_1_wants ON agent_states IS 'What is inserted is what the agent wants.';
COMMENT ON TRIGGER agent_1_wants_status ON agent_states IS 'Who writes status says what the agent wants.';
COMMENT ON TRIGGER agent_2_changes ON agent_states IS 'What depends on what is wanted.';
COMMENT ON TRIGGER agent_3_derived ON agent_states IS 'The status follows from what is wanted and done.';
COMMENT ON TRIGGER follow_insert ON agent_states IS 'Slot, status and history of a new row.';
COMMENT ON TRIGGER follow_update ON agent_states IS 'History, and the rows of the queues that follow that of the agent.';
COMMENT ON TRIGGER follow_delete ON agent_states IS 'History, and the rows of the queues: no row means available.';
COMMENT ON TRIGGER follow_truncate ON agent_states IS 'History.';

-- Slots that somebody edits; a reservation is the application's.
CREATE FUNCTION follow_agent_slots() RETURNS TRIGGER
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('pbx.agents', 0));
    PERFORM derive_agents(ARRAY[NEW.extension_id]);
    PERFORM announce('agent_slots', ARRAY[NEW.extension_id::TEXT]);
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION follow_agent_slots() IS
    'Trigger: derives the agent''s status anew after somebody has edited his slot, and announces it.';

-- Before a slot is locked, as the journal does. Who reserves waits for nobody, and says so.
CREATE TRIGGER lock_agents_update BEFORE UPDATE ON agent_slots
    FOR EACH STATEMENT WHEN (current_setting('pbx.agents', TRUE) IS DISTINCT FROM 'on'
        AND current_setting('pbx.reserves', TRUE) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION lock_agents();
CREATE TRIGGER lock_agents_delete BEFORE DELETE ON agent_slots
    FOR EACH STATEMENT EXECUTE FUNCTION lock_agents();
CREATE TRIGGER follow_update AFTER UPDATE ON agent_slots
    FOR EACH ROW WHEN (current_setting('pbx.agents', TRUE) IS DISTINCT FROM 'on'
        AND OLD IS DISTINCT FROM NEW
        AND NOT (NEW.reserved_until IS NOT NULL AND (NEW.call_id, NEW.reserved_until)
            IS DISTINCT FROM (OLD.call_id, OLD.reserved_until)))
    EXECUTE FUNCTION follow_agent_slots();

COMMENT ON TRIGGER lock_agents_update ON agent_slots IS 'One at a time, so that nobody waits for each other. A reservation of the application passes.';
COMMENT ON TRIGGER lock_agents_delete ON agent_slots IS 'One at a time, so that nobody waits for each other.';
COMMENT ON TRIGGER follow_update ON agent_slots IS 'A slot that was edited by hand.';

CREATE FUNCTION make_agents() RETURNS TRIGGER
LANGUAGE plpgsql
AS $$
DECLARE
    made UUID[];
BEGIN
    WITH agent AS (
        SELECT extension_id FROM queue_members UNION SELECT extension_id FROM agent_states
    ), lacking AS (
        INSERT INTO agent_slots (extension_id)
        SELECT agent.extension_id
        FROM agent JOIN extensions ON extensions.id = agent.extension_id
        WHERE NOT EXISTS (
            SELECT FROM agent_slots AS slot WHERE slot.extension_id = agent.extension_id)
        ORDER BY agent.extension_id
        ON CONFLICT DO NOTHING
        RETURNING extension_id
    )
    SELECT array_agg(extension_id) INTO made FROM lacking;
    IF made IS NOT NULL THEN
        PERFORM pg_advisory_xact_lock(hashtextextended('pbx.agents', 0));
        PERFORM derive_agents(made);
        PERFORM announce('agent_slots', made::TEXT[]);
    END IF;
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION make_agents() IS 'Trigger: makes the slots that agents lack, and announces them.';

CREATE FUNCTION follow_queue_members() RETURNS TRIGGER
LANGUAGE plpgsql
AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM agent_states WHERE queue_id IS NOT NULL;
        RETURN NULL;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        DELETE FROM agent_states AS state USING old_rows AS o
        WHERE state.extension_id = o.extension_id AND state.queue_id = o.queue_id
            AND NOT EXISTS (SELECT FROM queue_members AS member
                WHERE member.extension_id = o.extension_id AND member.queue_id = o.queue_id);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO agent_states (extension_id, queue_id, status, made_by_itself)
        SELECT DISTINCT n.extension_id, scope.queue_id, 'available', TRUE
        FROM new_rows AS n CROSS JOIN LATERAL (VALUES (NULL), (n.queue_id)) AS scope (queue_id)
        WHERE NOT EXISTS (SELECT FROM agent_states AS state
            WHERE state.extension_id = n.extension_id AND (state.queue_id = scope.queue_id
                OR (state.queue_id IS NULL AND scope.queue_id IS NULL)))
        ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION follow_queue_members() IS
    'Trigger: a new agent of a queue is available there, and has rows that say so; who is none any more has none for that queue.';

CREATE TRIGGER follow_insert AFTER INSERT ON queue_members
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION follow_queue_members();
CREATE TRIGGER follow_update AFTER UPDATE ON queue_members
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION follow_queue_members();
CREATE TRIGGER follow_delete AFTER DELETE ON queue_members
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION follow_queue_members();
CREATE TRIGGER follow_truncate AFTER TRUNCATE ON queue_members
    FOR EACH STATEMENT EXECUTE FUNCTION follow_queue_members();
CREATE TRIGGER make_agents_delete AFTER DELETE ON agent_slots
    FOR EACH STATEMENT EXECUTE FUNCTION make_agents();
CREATE TRIGGER make_agents_truncate AFTER TRUNCATE ON agent_slots
    FOR EACH STATEMENT EXECUTE FUNCTION make_agents();

COMMENT ON TRIGGER follow_insert ON queue_members IS 'A member is an agent.';
COMMENT ON TRIGGER follow_update ON queue_members IS 'A member is an agent.';
COMMENT ON TRIGGER follow_delete ON queue_members IS 'Who is no member is no agent of the queue.';
COMMENT ON TRIGGER follow_truncate ON queue_members IS 'Who is no member is no agent of the queue.';
COMMENT ON TRIGGER make_agents_delete ON agent_slots IS 'A member is an agent and has a slot; one that is deleted is free again.';
COMMENT ON TRIGGER make_agents_truncate ON agent_slots IS 'A member is an agent and has a slot; one that is deleted is free again.';

-- Rows that are missing are not made here: for that the extension would have to be locked. What
-- cannot be read is refused with an error, also of an agent who is gone.
CREATE FUNCTION change_agents(changes JSONB) RETURNS VOID
LANGUAGE plpgsql
AS $$
DECLARE
    was CONSTANT TEXT := coalesce(current_setting('pbx.agents', TRUE), '');
    change JSONB;
    extension UUID;
    at TIMESTAMP WITH TIME ZONE;
    word TEXT;
    day TIMESTAMP WITH TIME ZONE;
    slot agent_slots;
    known BOOLEAN;
    held BOOLEAN;
    status TEXT;
    broken UUID;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('pbx.agents', 0));
    PERFORM set_config('pbx.agents', 'on', TRUE);
    FOR change IN SELECT value FROM jsonb_array_elements(changes) LOOP
        extension := (change ->> 'extension_id')::UUID;
        at := (change ->> 'at')::TIMESTAMP WITH TIME ZONE;
        word := change ->> 'change';
        IF word = 'offered' THEN
            UPDATE agent_states SET last_offered_at = greatest(last_offered_at, at)
            WHERE extension_id = extension AND queue_id = (change ->> 'queue_id')::UUID;
            CONTINUE;
        END IF;
        SELECT * INTO slot FROM agent_slots WHERE extension_id = extension FOR NO KEY UPDATE;
        known := FOUND;
        held := coalesce(slot.call_id = (change ->> 'call_id')::UUID, FALSE);
        status := concat(agent_status('available', slot), slot.hindrance);
        broken := NULL;
        IF held AND word = 'connected' THEN
            slot.talking_since := at;
            slot.reserved_until := NULL;
        ELSIF held AND word IN ('missed', 'released', 'ended') THEN
            slot.call_id := NULL;
            slot.queue_id := NULL;
            slot.reserved_until := NULL;
            slot.talking_since := NULL;
        END IF;
        CASE word
        WHEN 'connected' THEN
            slot.misses := 0;
        WHEN 'released' THEN
            NULL;
        WHEN 'missed' THEN
            slot.misses := coalesce((change ->> 'misses')::INT, slot.misses);
            slot.rests_until := (change ->> 'rests_until')::TIMESTAMP WITH TIME ZONE;
            IF (change ->> 'break') IS NOT NULL THEN
                UPDATE agent_states SET wanted = 'break', wanted_at = greatest(wanted_at, at),
                    wanted_reason = nullif(left(change ->> 'break', 100), '')
                WHERE extension_id = extension AND queue_id IS NULL AND wanted = 'available'
                RETURNING id INTO broken;
            END IF;
        WHEN 'ended' THEN
            day := (change ->> 'talk_since')::TIMESTAMP WITH TIME ZONE;
            IF slot.talk_since IS NULL OR day > slot.talk_since THEN
                slot.talk_since := day;
                slot.talk_seconds := 0;
            END IF;
            IF slot.talk_since IS NOT DISTINCT FROM day THEN
                slot.talk_seconds := slot.talk_seconds
                    + coalesce((change ->> 'talk_seconds')::NUMERIC, 0);
            END IF;
            slot.last_call_ended_at := greatest(slot.last_call_ended_at, at);
            slot.wrap_up_until := greatest(slot.wrap_up_until,
                (change ->> 'wrap_up_until')::TIMESTAMP WITH TIME ZONE);
        WHEN 'rested' THEN
            slot.wrap_up_until := NULL;
            slot.rests_until := NULL;
        WHEN 'situation' THEN
            slot.engaged := coalesce((change ->> 'engaged')::BOOLEAN, FALSE);
            slot.hindrance := left(change ->> 'hindrance', 20);
        ELSE
            RAISE EXCEPTION 'agents do not know the change %', word
                USING ERRCODE = 'invalid_parameter_value';
        END CASE;
        CONTINUE WHEN NOT known;
        UPDATE agent_slots SET call_id = slot.call_id, queue_id = slot.queue_id,
            reserved_until = slot.reserved_until, talking_since = slot.talking_since,
            engaged = slot.engaged, hindrance = slot.hindrance, misses = slot.misses,
            wrap_up_until = slot.wrap_up_until, rests_until = slot.rests_until,
            last_call_ended_at = slot.last_call_ended_at, talk_seconds = slot.talk_seconds,
            talk_since = slot.talk_since
        WHERE extension_id = extension;
        IF word = 'ended' OR broken IS NOT NULL
            OR status <> concat(agent_status('available', slot), slot.hindrance) THEN
            PERFORM derive_agent(slot, at, word = 'ended', (change ->> 'queue_id')::UUID);
        END IF;
        IF broken IS NOT NULL THEN
            PERFORM announce('agent_states', ARRAY[broken::TEXT]);
        END IF;
    END LOOP;
    PERFORM set_config('pbx.agents', was, TRUE);
END
$$;

COMMENT ON FUNCTION change_agents(JSONB) IS
    'What agents did, in order: an array of {"extension_id", "change", "at", …} with "call_id" and "queue_id" where there is a call. Changes: offered; connected; missed {"rests_until", "misses", "break": reason or null}; released; ended {"talk_seconds", "talk_since", "wrap_up_until"}; rested; situation {"engaged", "hindrance"}. A slot that holds another call by now is not freed.';

