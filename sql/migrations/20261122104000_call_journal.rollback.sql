DROP TABLE journal_positions;
DROP TABLE call_positions;
DROP TABLE call_events;
