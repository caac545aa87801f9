"""What a database's schema is, read from pg_catalog."""

import asyncpg

LEDGER = "schema_migrations"

READ = """
WITH relation AS (
    SELECT oid, relname, relkind, relacl, relowner FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v')
)
SELECT 'table ' || r.relname AS key,
       concat_ws(' ', c.relkind, pg_get_partkeydef(c.oid),
                 pg_get_expr(c.relpartbound, c.oid)) AS value
FROM relation r JOIN pg_class c USING (oid) WHERE r.relkind != 'v'
UNION ALL
SELECT 'view ' || relname, pg_get_viewdef(oid) FROM relation WHERE relkind = 'v'
UNION ALL
SELECT 'column ' || r.relname || '.' || a.attname,
       concat_ws(' ', row_number() OVER (PARTITION BY r.oid ORDER BY a.attnum),
                 format_type(a.atttypid, a.atttypmod), CASE WHEN a.attnotnull THEN 'NOT NULL' END,
                 'DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), nullif(a.attgenerated, ''))
FROM relation r
JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = r.oid AND d.adnum = a.attnum
UNION ALL
SELECT 'constraint ' || r.relname || '.' || c.conname, pg_get_constraintdef(c.oid)
FROM relation r JOIN pg_constraint c ON c.conrelid = r.oid WHERE c.contype != 'n'
UNION ALL
SELECT 'index ' || r.relname || '.' || i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid)
FROM relation r JOIN pg_index i ON i.indrelid = r.oid
UNION ALL
SELECT 'trigger ' || r.relname || '.' || t.tgname, pg_get_triggerdef(t.oid)
FROM relation r JOIN pg_trigger t ON t.tgrelid = r.oid WHERE NOT t.tgisinternal
UNION ALL
SELECT 'function ' || oid::regprocedure::text, pg_get_functiondef(oid)
FROM pg_proc WHERE pronamespace = 'public'::regnamespace
"""

READ_WORDS_AND_RIGHTS = """
SELECT 'comment ' || pg_describe_object(classoid, objoid, objsubid) AS key, description AS value
FROM pg_description
WHERE (classoid = 'pg_class'::regclass
       AND objoid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace))
   OR (classoid = 'pg_proc'::regclass
       AND objoid IN (SELECT oid FROM pg_proc WHERE pronamespace = 'public'::regnamespace))
UNION ALL
SELECT concat_ws(' ', 'right', owned.kind, owned.name, g.grantee::regrole, g.privilege_type), ''
FROM (SELECT 'relation' AS kind, oid::regclass::text AS name,
             coalesce(relacl, acldefault('r', relowner)) AS acl
      FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v')
      UNION ALL
      SELECT 'function', oid::regprocedure::text, coalesce(proacl, acldefault('f', proowner))
      FROM pg_proc WHERE pronamespace = 'public'::regnamespace) AS owned,
     aclexplode(owned.acl) AS g
"""

Catalogue = dict[str, str]


async def read(db: asyncpg.Connection) -> Catalogue:
    """'kind name' -> definition, for every table, column, constraint, index, view, trigger and
    function; without the ledger of the migrations."""
    return _without_ledger(await db.fetch(READ))


async def read_all(db: asyncpg.Connection) -> Catalogue:
    """The same with comments and rights."""
    return await read(db) | _without_ledger(await db.fetch(READ_WORDS_AND_RIGHTS))


def _without_ledger(rows: list[asyncpg.Record]) -> Catalogue:
    return {row["key"]: row["value"] for row in rows if LEDGER not in row["key"]}
