-- A small company to play with on this machine. The passwords are public: never load it where
-- others can reach the exchange. Loading it again changes nothing that is there.

INSERT INTO users (email, password_hash, first_name, last_name, role) VALUES
    ('anna@example.com', '!', 'Anna', 'Albers', 'admin'),
    ('ben@example.com', '!', 'Ben', 'Bauer', 'supervisor'),
    ('carla@example.com', '!', 'Carla', 'Conrad', 'agent'),
    ('dora@example.com', '!', 'Dora', 'Dietz', 'user')
ON CONFLICT (email) DO NOTHING;

-- Carla's calls go to Ben when she does not answer for 15 seconds.
INSERT INTO extensions (number, user_id, extension_type, sip_password, display_name,
    forward_on_no_answer_enabled, forward_on_no_answer_destination, forward_on_no_answer_timeout)
SELECT demo.number, users.id, demo.extension_type, 'demo-' || demo.number, users.first_name,
    demo.no_answer IS NOT NULL, demo.no_answer, 15
FROM (VALUES
    ('1001', 'anna@example.com', 'sip', NULL),
    ('1002', 'ben@example.com', 'sip', NULL),
    ('1003', 'carla@example.com', 'sip', '1002'),
    ('1004', 'dora@example.com', 'webrtc', NULL)
) AS demo (number, email, extension_type, no_answer)
JOIN users USING (email)
ON CONFLICT (number) DO NOTHING;
