DROP TABLE queue_callbacks;
