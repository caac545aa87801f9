-- How many messages wait in each mailbox, as its lamps show it, and word of every change.

CREATE VIEW mailbox_counts AS
SELECT box.id, extension.number::TEXT AS number, counted.unread, counted.read, counted.urgent
FROM voicemail_boxes AS box
JOIN extensions AS extension ON extension.id = box.extension_id
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE is_read IS NOT TRUE)::INT AS unread,
        count(*) FILTER (WHERE is_read)::INT AS read,
        count(*) FILTER (WHERE is_read IS NOT TRUE AND is_urgent)::INT AS urgent
    FROM voicemail_messages
    WHERE voicemail_box_id = box.id AND deleted_at IS NULL
) AS counted
WHERE extension.voicemail_enabled AND extension.deleted_at IS NULL;

COMMENT ON VIEW mailbox_counts IS 'Messages in the mailboxes of extensions that have voicemail, without those that were deleted by phone.';
COMMENT ON COLUMN mailbox_counts.id IS 'voicemail_boxes.id.';
COMMENT ON COLUMN mailbox_counts.number IS 'extensions.number.';
COMMENT ON COLUMN mailbox_counts.unread IS 'Messages that have not been listened to.';
COMMENT ON COLUMN mailbox_counts.read IS 'Messages that have been listened to.';
COMMENT ON COLUMN mailbox_counts.urgent IS 'How many of the unread ones are urgent.';

-- FULL JOIN, here and below: it is a hash join, however few rows the plan was made for. A nested
-- loop over the rows of a large statement takes minutes.
CREATE FUNCTION announce_message_counts() RETURNS TRIGGER
LANGUAGE plpgsql
AS $$
DECLARE
    boxes TEXT[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        boxes := ARRAY(
            SELECT DISTINCT voicemail_box_id FROM new_rows WHERE deleted_at IS NULL LIMIT 101);
    ELSIF TG_OP = 'DELETE' THEN
        boxes := ARRAY(
            SELECT DISTINCT voicemail_box_id FROM old_rows WHERE deleted_at IS NULL LIMIT 101);
    ELSE
        boxes := ARRAY(
            SELECT DISTINCT unnest(ARRAY[o.voicemail_box_id, n.voicemail_box_id])
            FROM old_rows o FULL JOIN new_rows n ON n.id = o.id
            WHERE (o.voicemail_box_id, o.is_read IS TRUE, o.is_urgent IS TRUE, o.deleted_at IS NULL)
                IS DISTINCT FROM
                (n.voicemail_box_id, n.is_read IS TRUE, n.is_urgent IS TRUE, n.deleted_at IS NULL)
            LIMIT 101);
    END IF;
    PERFORM announce('mailbox_counts', boxes);
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION announce_message_counts() IS
    'Trigger: announces the mailboxes whose messages a statement has added, read, marked, moved or removed.';

CREATE FUNCTION announce_all_counts() RETURNS TRIGGER
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM pg_notify('pbx_changes', 'mailbox_counts:*');
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION announce_all_counts() IS 'Trigger: announces that all mailboxes are empty.';

CREATE FUNCTION announce_box_counts() RETURNS TRIGGER
LANGUAGE plpgsql
AS $$
DECLARE
    boxes TEXT[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        boxes := ARRAY(SELECT id FROM new_rows LIMIT 101);
    ELSIF TG_OP = 'DELETE' THEN
        boxes := ARRAY(SELECT id FROM old_rows LIMIT 101);
    ELSE
        boxes := ARRAY(
            SELECT coalesce(n.id, o.id) FROM old_rows o FULL JOIN new_rows n ON n.id = o.id
            WHERE o.extension_id IS DISTINCT FROM n.extension_id LIMIT 101);
    END IF;
    PERFORM announce('mailbox_counts', boxes);
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION announce_box_counts() IS
    'Trigger: announces to mailbox_counts the mailboxes that are new, gone or another extension''s.';

CREATE FUNCTION announce_boxes_of_extensions() RETURNS TRIGGER
LANGUAGE plpgsql
AS $$
DECLARE
    boxes TEXT[] := ARRAY(
        SELECT box.id
        FROM old_rows o FULL JOIN new_rows n ON n.id = o.id
        JOIN voicemail_boxes box ON box.extension_id = coalesce(n.id, o.id)
        WHERE (o.number, o.voicemail_enabled, o.deleted_at, o.voicemail_pin,
                o.voicemail_email_notification)
            IS DISTINCT FROM (n.number, n.voicemail_enabled, n.deleted_at, n.voicemail_pin,
                n.voicemail_email_notification)
        LIMIT 101);
BEGIN
    PERFORM announce('voicemail_boxes', boxes);
    PERFORM announce('mailbox_counts', boxes);
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION announce_boxes_of_extensions() IS
    'Trigger: announces the mailboxes whose number, or whether they are used, an UPDATE of their extensions has changed.';

CREATE TRIGGER announce_insert AFTER INSERT ON voicemail_messages
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION announce_message_counts();
CREATE TRIGGER announce_update AFTER UPDATE ON voicemail_messages
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION announce_message_counts();
CREATE TRIGGER announce_delete AFTER DELETE ON voicemail_messages
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION announce_message_counts();
CREATE TRIGGER announce_truncate AFTER TRUNCATE ON voicemail_messages
    FOR EACH STATEMENT EXECUTE FUNCTION announce_all_counts();

CREATE TRIGGER announce_counts_insert AFTER INSERT ON voicemail_boxes
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION announce_box_counts();
CREATE TRIGGER announce_counts_update AFTER UPDATE ON voicemail_boxes
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION announce_box_counts();
CREATE TRIGGER announce_counts_delete AFTER DELETE ON voicemail_boxes
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION announce_box_counts();

CREATE TRIGGER announce_boxes_update AFTER UPDATE ON extensions
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION announce_boxes_of_extensions();
