-- name: next_version
-- A number lower than those the coming write will stamp; it is lost when the write fails.
select nextval('tollgate_version') as version;

-- name: find_tombstones
-- What is left of entities that were deleted.
select scope, entity_id, version
from policy_tombstone
where (scope, entity_id) in (
    select gone.scope, gone.entity_id
    from unnest(%(scopes)s::text[], %(entity_ids)s::text[]) as gone (scope, entity_id)
);

-- name: insert_audit
-- One line about a change: who, what, before, after.
insert into litellm_auditlog (
    changed_by, changed_by_api_key, action, table_name, object_id, before_value, updated_values
)
values (
    %(changed_by)s, %(by_key)s, %(action)s, %(table_name)s, %(object_id)s, %(before)s, %(after)s
);
