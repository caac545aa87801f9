"""The statements of `deliveries`."""

DUE = """
SELECT id, kind, state, call_id, recording, box_id, details, began_at, finished_at, attempts,
    kind = 'prompt' OR EXISTS (
        SELECT FROM voicemail_boxes WHERE voicemail_boxes.id = box_id) AS has_box
FROM recording_deliveries AS delivery
WHERE next_try_at <= now()
    AND (state IN ('finished', 'discarded', 'stored')
        OR (state = 'recording'
            AND NOT EXISTS (SELECT FROM calls WHERE calls.id = delivery.call_id)))
ORDER BY next_try_at, id
LIMIT $1
"""

# p-<call>-<mark>; the call is in `cdr` only after all that the journal says of its recordings
LEFT_OVER = """
SELECT name, known.ended_at, (known.ended_at < now() - INTERVAL '7 days') IS TRUE AS old
FROM unnest($1::text[]) AS name
CROSS JOIN substring(
    name from '^p-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-[0-9a-f]{12}$') AS call
CROSS JOIN LATERAL (SELECT max(ended_at) AS ended_at FROM cdr WHERE call_id = call::uuid) AS known
WHERE call IS NOT NULL
    AND NOT EXISTS (SELECT FROM recording_deliveries WHERE recording = name)
    AND NOT EXISTS (SELECT FROM calls WHERE calls.id = call::uuid)
"""

WAITING = "SELECT count(*) FROM undelivered WHERE state <> 'dead'"

# who comes second waits here, and finds that nothing is left to do
LOCK = "SELECT state FROM recording_deliveries WHERE id = $1 FOR UPDATE"

# a mailbox that is being deleted or changed is waited for
LOCK_BOX = "SELECT TRUE FROM voicemail_boxes WHERE id = $1 FOR SHARE"

ADD_MESSAGE = """
INSERT INTO voicemail_messages (
    id, voicemail_box_id, caller_number, caller_name, storage_path, duration_seconds,
    file_size_bytes, is_urgent, received_at, call_id, checksum, forwarded_from,
    from_inside)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
ON CONFLICT (id) DO NOTHING
"""

ADD_MAILS = """
INSERT INTO mail_outbox (message_id, recipient)
SELECT message.id, address
FROM voicemail_messages AS message
JOIN voicemail_boxes AS box ON box.id = message.voicemail_box_id
JOIN extensions AS extension ON extension.id = box.extension_id
LEFT JOIN users ON users.id = extension.user_id AND users.status = 'active'
    AND users.deleted_at IS NULL
CROSS JOIN LATERAL coalesce(nullif(btrim(box.email_address), ''), users.email) AS address
WHERE message.id = $1 AND address IS NOT NULL
    AND box.email_notification AND extension.voicemail_email_notification
    AND extension.deleted_at IS NULL
ON CONFLICT DO NOTHING
"""

ADD_MEDIA = """
INSERT INTO media_files (
    id, name, description, file_type, storage_path, duration_seconds, file_size_bytes, format,
    sample_rate, recorded_for)
VALUES ($1, $2, $3, $4, $5, $6, $7, 'wav', $8, $9)
ON CONFLICT (id) DO NOTHING
"""

REPLACE_MEDIA = """
UPDATE media_files SET storage_path = $2, duration_seconds = $3, file_size_bytes = $4,
    format = 'wav', sample_rate = $5
WHERE id = $1 RETURNING TRUE
"""

STORED = """
UPDATE recording_deliveries SET state = 'stored', attempts = 0, next_try_at = now(), problem = NULL
WHERE id = $1
"""

DISCARD = """
UPDATE recording_deliveries SET state = 'discarded', problem = $2
WHERE id = $1
"""

FAIL = """
UPDATE recording_deliveries
SET attempts = attempts + 1, next_try_at = now() + make_interval(secs => $3), problem = $2
WHERE id = $1 AND state <> 'dead'
"""

GIVE_UP = """
UPDATE recording_deliveries SET state = 'dead', problem = $2
WHERE id = $1 AND state IN ('recording', 'finished') RETURNING TRUE
"""

DROP = "DELETE FROM recording_deliveries WHERE id = $1 AND state IN ('stored', 'discarded')"

REMOVE_OBJECT = "INSERT INTO object_removals (storage_path) VALUES ($1) ON CONFLICT DO NOTHING"
KEEP_OBJECT = "DELETE FROM object_removals WHERE storage_path = $1"
