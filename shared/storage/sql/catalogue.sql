-- name: guard_migration
-- Bounds on a migration: it gives way to the gateway's work instead of making it wait.
select
    set_config('lock_timeout', %(lock_ms)s::text, true),
    set_config('statement_timeout', %(statement_ms)s::text, true),
    pg_advisory_xact_lock(hashtext('tollgate schema'));

-- name: catalogue
-- Every column of our tables: its type, whether a row must give it a value, and the table's file on disk.
select
    class.relname::text as table_name,
    attribute.attname::text as column_name,
    format_type(attribute.atttypid, attribute.atttypmod) as type,
    attribute.attnotnull and not attribute.atthasdef and attribute.attidentity = '' as is_required,
    pg_relation_filenode(class.oid)::text as file
from pg_class as class
join pg_attribute as attribute on attribute.attrelid = class.oid
where class.relnamespace = current_schema()::regnamespace
  and class.relkind in ('r', 'p')
  and not class.relispartition
  and attribute.attnum > 0
  and not attribute.attisdropped
order by table_name, attribute.attnum;

-- name: deleted_rows
-- How many rows of tables that stay this transaction has deleted.
select coalesce(sum(n_tup_del), 0)::bigint as deleted from pg_stat_xact_user_tables;
