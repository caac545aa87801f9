-- Settings stay: an admin may have edited them, and the schema does not depend on them.
SELECT;
