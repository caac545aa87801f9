DROP VIEW config_problems;
DROP TABLE config_findings;
