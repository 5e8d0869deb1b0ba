-- name: find_principal
-- The key behind a hash with its user and its team, each a row; read_mark tells how fresh they are.
with key as (
    select user_id, team_id
    from litellm_verificationtoken
    where token = %(key_hash)s
)

select
    scope, entity_id, version, blocked, models, max_budget, budget_duration, budget_reset_at, budget_started_at,
    budget_opening, rpm_limit, tpm_limit, max_parallel_requests, metadata, key_name, alias, user_id, team_id, expires,
    allowed_routes, model_aliases, permissions, user_role,
    (select last_value from tollgate_version) as read_mark
from policy
where (scope = 'key' and entity_id = %(key_hash)s)
   or (scope = 'user' and entity_id = (select user_id from key))
   or (scope = 'team' and entity_id = (select team_id from key));

-- name: find_policies
-- The policies of those entities that exist.
select
    scope, entity_id, version, blocked, models, max_budget, budget_duration, budget_reset_at, budget_started_at,
    budget_opening, rpm_limit, tpm_limit, max_parallel_requests, metadata, key_name, alias, user_id, team_id, expires,
    allowed_routes, model_aliases, permissions, user_role,
    (select last_value from tollgate_version) as read_mark
from policy
inner join unnest(%(scopes)s::text[], %(entity_ids)s::text[]) as wanted (scope, entity_id) using (scope, entity_id);

-- name: changed_policies
-- Some of the policies that changed since a moment, by rising version.
select
    scope, entity_id, version, blocked, models, max_budget, budget_duration, budget_reset_at, budget_started_at,
    budget_opening, rpm_limit, tpm_limit, max_parallel_requests, metadata, key_name, alias, user_id, team_id, expires,
    allowed_routes, model_aliases, permissions, user_role,
    (select last_value from tollgate_version) as read_mark
from policy
where changed_at >= %(since)s
  and version > %(after)s
order by version
limit %(most)s;

-- name: deleted_policies
-- Some of the entities that were deleted since a moment, by rising version.
select scope, entity_id, version
from policy_tombstone
where deleted_at >= %(since)s
  and version > %(after)s
order by version
limit %(most)s;
