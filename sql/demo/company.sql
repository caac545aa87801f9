-- A small company to play with on this machine. The passwords are public: never load it where
-- others can reach the exchange. Loading it again changes nothing that is there.

INSERT INTO users (email, password_hash, first_name, last_name, role) VALUES
    ('anna@example.com', '!', 'Anna', 'Albers', 'admin'),
    ('ben@example.com', '!', 'Ben', 'Bauer', 'supervisor'),
    ('carla@example.com', '!', 'Carla', 'Conrad', 'agent'),
    ('dora@example.com', '!', 'Dora', 'Dietz', 'user')
ON CONFLICT (email) DO NOTHING;

-- Carla's calls go to Ben when she does not answer for 15 seconds. Who calls one of the others may
-- leave a message: *97 plays it at the own phone, *98 at any (PIN 4701, 4702, …), and a mail brings
-- it to the user.
INSERT INTO extensions (number, user_id, extension_type, sip_password, voicemail_pin, display_name,
    forward_on_no_answer_enabled, forward_on_no_answer_destination, forward_on_no_answer_timeout)
SELECT demo.number, users.id, demo.extension_type, 'demo-' || demo.number,
    '47' || right(demo.number, 2), users.first_name,
    demo.no_answer IS NOT NULL, demo.no_answer, 15
FROM (VALUES
    ('1001', 'anna@example.com', 'sip', NULL),
    ('1002', 'ben@example.com', 'sip', NULL),
    ('1003', 'carla@example.com', 'sip', '1002'),
    ('1004', 'dora@example.com', 'webrtc', NULL)
) AS demo (number, email, extension_type, no_answer)
JOIN users USING (email)
ON CONFLICT (number) DO NOTHING;

-- Outside lines to edit: a carrier on this machine that nobody plays, the hours of the office (by
-- hand with *281), and a rule for each direction.
INSERT INTO time_profiles (name, schedule, override_code)
SELECT 'office hours', jsonb_object_agg(day,
        CASE WHEN day IN ('saturday', 'sunday') THEN '[]'::JSONB
        ELSE '[{"start": "08:00", "end": "18:00"}]' END), '1'
FROM unnest(ARRAY['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday']) AS day
ON CONFLICT DO NOTHING;

INSERT INTO trunks (name, trunk_type, host, port, default_caller_id, did_ranges, status) VALUES
    ('demo carrier', 'static', '127.0.0.9', 5060, '+49301000000',
     '[{"start": "+49301000000", "end": "+49301000009"}]', 'active')
ON CONFLICT DO NOTHING;

-- Anna answers in office hours, Ben outside them.
INSERT INTO inbound_rules (name, did_pattern, trunk_id, time_profile_id,
    destination_type, destination_id, fallback_destination_type, fallback_destination_id)
SELECT 'demo office', '+4930100000X', trunks.id, time_profiles.id,
    'extension', anna.id, 'extension', ben.id
FROM trunks, time_profiles, extensions AS anna, extensions AS ben
WHERE trunks.name = 'demo carrier' AND time_profiles.name = 'office hours'
    AND anna.number = '1001' AND ben.number = '1002'
    AND NOT EXISTS (SELECT FROM inbound_rules WHERE name = 'demo office');

INSERT INTO outbound_rules (name, number_pattern, strip_digits, trunk_id, caller_id_mode)
SELECT 'demo national', '^0[1-9]', 0, id, 'trunk'
FROM trunks
WHERE name = 'demo carrier'
    AND NOT EXISTS (SELECT FROM outbound_rules WHERE name = 'demo national');

-- A menu at +49301000009, and at 2000 from inside. It has no prompts of its own: the exchange asks
-- for a number (without direct_dial it would be a tone).
INSERT INTO ivr_menus (name, extension_number, direct_dial,
    timeout_destination_type, timeout_destination_id)
SELECT 'demo menu', '2000', TRUE, 'extension', id FROM extensions WHERE number = '1002'
ON CONFLICT DO NOTHING;

-- Anna, Ben and Carla answer the calls of a queue, at 3000 from inside; Dora helps out.
INSERT INTO queues (name, extension_number, overflow_action, overflow_destination_id)
SELECT 'Support', '3000', 'ivr', id FROM ivr_menus WHERE name = 'demo menu'
ON CONFLICT DO NOTHING;

INSERT INTO queue_members (queue_id, extension_id, penalty)
SELECT queues.id, extensions.id, demo.penalty
FROM (VALUES ('1001', 0), ('1002', 0), ('1003', 0), ('1004', 1)) AS demo (number, penalty)
JOIN extensions USING (number)
JOIN queues ON queues.name = 'Support'
ON CONFLICT DO NOTHING;

-- 1: Anna, 2: Ben, 3: Carla's mailbox, 4: the queue, 9: again. Or the number of an extension.
INSERT INTO ivr_menu_options (ivr_menu_id, dtmf_digit, action, destination_id)
SELECT ivr_menus.id, demo.key, demo.action,
    CASE demo.action WHEN 'voicemail' THEN box.id WHEN 'extension' THEN extensions.id
        WHEN 'queue' THEN queues.id END
FROM (VALUES
    ('1', 'extension', '1001'),
    ('2', 'extension', '1002'),
    ('3', 'voicemail', '1003'),
    ('4', 'queue', '3000'),
    ('9', 'repeat', NULL)
) AS demo (key, action, number)
JOIN ivr_menus ON ivr_menus.name = 'demo menu'
LEFT JOIN extensions USING (number)
LEFT JOIN voicemail_boxes AS box ON box.extension_id = extensions.id
LEFT JOIN queues ON queues.extension_number = demo.number
ON CONFLICT DO NOTHING;

INSERT INTO inbound_rules (name, did_pattern, trunk_id, destination_type, destination_id)
SELECT 'demo menu', '+49301000009', trunks.id, 'ivr', ivr_menus.id
FROM trunks, ivr_menus
WHERE trunks.name = 'demo carrier' AND ivr_menus.name = 'demo menu'
    AND NOT EXISTS (SELECT FROM inbound_rules WHERE name = 'demo menu');
