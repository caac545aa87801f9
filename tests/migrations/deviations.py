"""Every place where the migrations differ from the seed, and why; sql/README.md tells the same.

`MENDS` change the seed's text where Postgres refuses it or where it trails off, `DIFFERENCES` name
what runs as written but is better otherwise, `FORWARD_REFERENCES` is only a matter of order.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mend:
    seed: str
    mended: str
    reason: str


MENDS = {
    "recordings.call_id": Mend(
        "call_id UUID NOT NULL REFERENCES cdr(call_id) ON DELETE CASCADE",
        "call_id UUID NOT NULL",
        "cdr is partitioned, so call_id cannot be unique; also the cdr row comes last",
    ),
    "idx_extension_registrations_active": Mend(
        "ON extension_registrations(extension_id, expires_at)\n    WHERE expires_at > NOW()",
        "ON extension_registrations(extension_id, expires_at)",
        "an index predicate must be immutable; the same columns in full serve the same queries",
    ),
    "updated_at": Mend(
        "-- ... (für alle Tabellen mit updated_at)",
        """
        DO $$
        DECLARE
            relation NAME;
        BEGIN
            FOR relation IN
                SELECT attrelid::regclass FROM pg_attribute JOIN pg_class ON attrelid = pg_class.oid
                WHERE attname = 'updated_at' AND relkind IN ('r', 'p')
                  AND relname NOT IN ('users', 'extensions')
            LOOP
                EXECUTE format('CREATE TRIGGER update_%s_updated_at BEFORE UPDATE ON %1$s
                    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column()', relation);
            END LOOP;
        END;
        $$;
        """,
        "the seed names two triggers and says: likewise for every table with updated_at",
    ),
}

DIFFERENCES = {
    "constraint agent_states.agent_states_extension_id_queue_id_key": (
        "NULLS NOT DISTINCT: otherwise an extension can have many global states (queue_id NULL)"
    ),
    "index agent_states.agent_states_extension_id_queue_id_key": "the index of that constraint",
    "view queue_live_stats": (
        "joins calls and agents each counted on their own: joined as rows they multiply each other"
    ),
    "trigger calls.archive_call_to_cdr": (
        "also on INSERT: a call that is only known when it is over is archived too"
    ),
    "function archive_ended_call()": (
        "removes the row from calls, which holds live calls only; an unanswered call lasts 0 "
        "seconds; fills billable_seconds; a missing time cannot stop a call from ending; "
        "clocks that disagree give 0, not a negative duration"
    ),
}

FORWARD_REFERENCES = {
    ("users", "time_profiles"),
    ("inbound_rules", "time_profiles"),
    ("calls", "queues"),
    ("calls", "recordings"),
    ("queues", "media_files"),
    ("ivr_menus", "media_files"),
    ("ivr_menu_options", "media_files"),
    ("voicemail_boxes", "media_files"),
}
