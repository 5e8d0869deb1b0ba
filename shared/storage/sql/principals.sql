-- name: find_principal
-- The key behind a hash with all it hangs from, each a row; end users and tags only where any of their kind has limits.
with key as (
    select
        user_id, team_id, organization_id, budget_id,
        nullif(metadata ->> 'end_user_budget_id', '') as end_user_budget_id
    from litellm_verificationtoken
    where token = %(key_hash)s
),

team as (
    select organization_id, budget_id, metadata ->> 'team_member_budget_id' as member_budget_id
    from litellm_teamtable
    where team_id = (select team_id from key)
),

wanted (scope, entity_id) as (
    select 'key', %(key_hash)s::text
    union all
    select 'user', user_id from key
    union all
    select 'team', team_id from key
    union all
    select 'team_member', tollgate_pair(team_id, user_id) from key
    union all
    select 'org', coalesce((select organization_id from key), (select organization_id from team))
    union all
    select 'limited', unnest(%(limited)s::text[])
    union all
    select 'end_user', %(end_user)s::text
    where exists (select from policy_limited_scope where scope = 'end_user')
       or coalesce((select end_user_budget_id from key), %(end_user_budget_id)s::text) is not null
    union all
    select 'tag', unnest(%(tags)s::text[])
    where exists (select from policy_limited_scope where scope = 'tag')
),

linked (budget_id) as (
    select unnest(array[budget_id, end_user_budget_id]) from key
    union
    select %(end_user_budget_id)s::text
    union
    select unnest(array[budget_id, member_budget_id]) from team
    union
    select budget_id from litellm_usertable where user_id = (select user_id from key)
    union
    select budget_id from litellm_teammembership
    where tollgate_pair(team_id, user_id) = (select entity_id from wanted where scope = 'team_member')
    union
    select budget_id from litellm_organizationtable
    where organization_id = (select entity_id from wanted where scope = 'org')
    union
    select budget_id from litellm_endusertable
    where user_id = (select entity_id from wanted where scope = 'end_user')
    union
    select budget_id from litellm_tagtable
    where tag_name = any(array(select entity_id from wanted where scope = 'tag'))
)

select
    scope, entity_id, version, blocked, models, max_budget, budget_duration, budget_reset_at, budget_started_at,
    budget_opening, rpm_limit, tpm_limit, max_parallel_requests, metadata, key_name, alias, user_id, team_id, expires,
    allowed_routes, model_aliases, permissions, user_role, organization_id, budget_id, soft_budget, model_max_budget,
    budget_limits, rph_limit, tph_limit, rpd_limit, tpd_limit, allowed_cache_controls,
    (select last_value from tollgate_version) as read_mark
from policy
where (scope = 'key' and entity_id = %(key_hash)s)
   or (scope = 'user' and entity_id = (select entity_id from wanted where scope = 'user'))
   or (scope = 'team' and entity_id = (select entity_id from wanted where scope = 'team'))
   or (scope = 'team_member' and entity_id = (select entity_id from wanted where scope = 'team_member'))
   or (scope = 'org' and entity_id = (select entity_id from wanted where scope = 'org'))
   or (scope = 'limited' and entity_id = any(%(limited)s::text[]))
   or (scope = 'end_user' and entity_id = (select entity_id from wanted where scope = 'end_user'))
   or (scope = 'tag' and entity_id = any(array(select entity_id from wanted where scope = 'tag')))
   or (scope = 'budget' and entity_id = any(array(select budget_id from linked)));

-- name: note_end_user
-- A row for an end user who has none, in which a default budget counts; who does not know of it asks here.
insert into litellm_endusertable (user_id, is_counted, changed_at)
values (%(end_user)s, true, 'epoch')
on conflict do nothing;

-- name: find_policies
-- The policies of those entities that exist.
select
    scope, entity_id, version, blocked, models, max_budget, budget_duration, budget_reset_at, budget_started_at,
    budget_opening, rpm_limit, tpm_limit, max_parallel_requests, metadata, key_name, alias, user_id, team_id, expires,
    allowed_routes, model_aliases, permissions, user_role, organization_id, budget_id, soft_budget, model_max_budget,
    budget_limits, rph_limit, tph_limit, rpd_limit, tpd_limit, allowed_cache_controls,
    (select last_value from tollgate_version) as read_mark
from policy
inner join unnest(%(scopes)s::text[], %(entity_ids)s::text[]) as wanted (scope, entity_id) using (scope, entity_id);

-- name: changed_policies
-- Some of the policies that changed since a moment, by rising version.
select
    scope, entity_id, version, blocked, models, max_budget, budget_duration, budget_reset_at, budget_started_at,
    budget_opening, rpm_limit, tpm_limit, max_parallel_requests, metadata, key_name, alias, user_id, team_id, expires,
    allowed_routes, model_aliases, permissions, user_role, organization_id, budget_id, soft_budget, model_max_budget,
    budget_limits, rph_limit, tph_limit, rpd_limit, tpd_limit, allowed_cache_controls,
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

-- name: gone_before
-- Those of the entities that were deleted before a moment and are not there again.
select tombstone.scope, tombstone.entity_id
from policy_tombstone as tombstone
inner join unnest(%(scopes)s::text[], %(entity_ids)s::text[]) as wanted (scope, entity_id) using (scope, entity_id)
where tombstone.deleted_at < %(before)s
  and not exists (
      select
      from policy
      where policy.scope = tombstone.scope
        and policy.entity_id = tombstone.entity_id
  );
