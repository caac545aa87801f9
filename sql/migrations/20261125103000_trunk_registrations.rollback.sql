DROP VIEW trunk_states;
DROP TABLE trunk_registrations;
