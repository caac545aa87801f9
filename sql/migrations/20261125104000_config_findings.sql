-- What is wrong with the configuration, as the app finds it.

CREATE TABLE config_findings (
    table_name VARCHAR(100) NOT NULL,
    row_id UUID,
    row_name TEXT,
    severity VARCHAR(50) NOT NULL CHECK (severity IN ('error', 'warning')),
    problem TEXT NOT NULL,
    found_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT NOW()
);
CREATE UNIQUE INDEX idx_config_findings_row
    ON config_findings (table_name, row_id, problem) NULLS NOT DISTINCT;

COMMENT ON TABLE config_findings IS 'Rows of the configuration that cannot work as they are. Written by the app after each change; read it through config_problems.';
COMMENT ON COLUMN config_findings.table_name IS 'Table of the row.';
COMMENT ON COLUMN config_findings.row_id IS 'Its id. NULL: the problem is that of no single row.';
COMMENT ON COLUMN config_findings.row_name IS 'What people call the row: its name, number or key. NULL: nothing.';
COMMENT ON COLUMN config_findings.severity IS 'error (it does not work) or warning (it works, but hardly as it is meant).';
COMMENT ON COLUMN config_findings.problem IS 'What is wrong, in a sentence.';
COMMENT ON COLUMN config_findings.found_at IS 'Since when it has been known.';

CREATE VIEW config_problems AS
SELECT severity, table_name, row_name, problem, row_id, found_at
FROM config_findings
ORDER BY severity, table_name, row_name, problem;

COMMENT ON VIEW config_problems IS 'What is wrong with the configuration, errors first. Empty when all is well.';
COMMENT ON COLUMN config_problems.severity IS 'error (it does not work) or warning (it works, but hardly as it is meant).';
COMMENT ON COLUMN config_problems.table_name IS 'Table of the row.';
COMMENT ON COLUMN config_problems.row_name IS 'What people call the row: its name, number or key. NULL: nothing.';
COMMENT ON COLUMN config_problems.problem IS 'What is wrong, in a sentence.';
COMMENT ON COLUMN config_problems.row_id IS 'Its id. NULL: the problem is that of no single row.';
COMMENT ON COLUMN config_problems.found_at IS 'Since when it has been known.';
