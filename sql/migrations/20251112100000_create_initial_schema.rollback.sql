-- Takes every call, extension and setting with it: for development, or after a backup.

DROP VIEW queue_live_stats;
DROP VIEW active_calls_view;

DROP TABLE backups;
DROP TABLE audit_logs;
DROP TABLE blacklist;
DROP TABLE system_settings;
DROP TABLE scheduled_reports;
DROP TABLE reports;
DROP TABLE crm_contacts_cache;
DROP TABLE crm_integrations;
DROP TABLE conference_participants;
DROP TABLE conferences;
DROP TABLE cdr;
DROP TABLE calls;
DROP TABLE recordings;
DROP TABLE voicemail_messages;
DROP TABLE voicemail_boxes;
DROP TABLE ivr_menu_options;
DROP TABLE ivr_menus;
DROP TABLE queue_stats;
DROP TABLE agent_states;
DROP TABLE queue_members;
DROP TABLE queues;
DROP TABLE outbound_rules;
DROP TABLE inbound_rules;
DROP TABLE trunks;
DROP TABLE devices;
DROP TABLE extension_registrations;
DROP TABLE extensions;
DROP TABLE user_permissions;
DROP TABLE user_sessions;
DROP TABLE users;
DROP TABLE media_files;
DROP TABLE time_profiles;

DROP FUNCTION archive_ended_call();
DROP FUNCTION update_updated_at_column();
