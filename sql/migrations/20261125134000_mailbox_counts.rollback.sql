DROP TRIGGER announce_boxes_update ON extensions;
DROP TRIGGER announce_counts_delete ON voicemail_boxes;
DROP TRIGGER announce_counts_update ON voicemail_boxes;
DROP TRIGGER announce_counts_insert ON voicemail_boxes;
DROP TRIGGER announce_truncate ON voicemail_messages;
DROP TRIGGER announce_delete ON voicemail_messages;
DROP TRIGGER announce_update ON voicemail_messages;
DROP TRIGGER announce_insert ON voicemail_messages;
DROP FUNCTION announce_boxes_of_extensions(), announce_box_counts(), announce_all_counts(),
    announce_message_counts();
DROP VIEW mailbox_counts;
