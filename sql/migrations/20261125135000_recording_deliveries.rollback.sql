-- Settings stay: an admin may have edited them, and the schema does not depend on them.
DROP VIEW mail_dead_letters, undelivered;
DROP TABLE mail_outbox, recording_deliveries;
DROP FUNCTION announce_work();
