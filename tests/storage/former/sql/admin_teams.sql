-- name: find_teams
-- Teams by id, as the admin API shows them.
select
    team_id, team_alias, organization_id, models, max_budget, soft_budget, spend, budget_started_at, budget_duration,
    budget_reset_at, coalesce(model_max_budget, '{}') as model_max_budget, model_aliases, max_parallel_requests,
    rpm_limit, tpm_limit,
    coalesce(metadata, '{}') as metadata, blocked, budget_limits, team_member_permissions, router_settings,
    rph_limit, tph_limit, rpd_limit, tpd_limit, members_with_roles, created_at, updated_at
from litellm_teamtable
where team_id = any(%(team_ids)s::text[])
order by team_id;

-- name: insert_team
-- A new team; its period begins now, with what it is said to have spent.
insert into litellm_teamtable (
    team_id, team_alias, organization_id, models, max_budget, soft_budget, spend, budget_opening, budget_duration,
    budget_reset_at, model_max_budget, model_aliases, max_parallel_requests, rpm_limit, tpm_limit, metadata, blocked,
    budget_limits, team_member_permissions, router_settings, rph_limit, tph_limit, rpd_limit, tpd_limit,
    created_by, updated_by
)
values (
    %(team_id)s, %(team_alias)s, %(organization_id)s, %(models)s, %(max_budget)s, %(soft_budget)s, %(spend)s,
    %(spend)s, %(budget_duration)s, %(budget_reset_at)s, %(model_max_budget)s, %(model_aliases)s,
    %(max_parallel_requests)s, %(rpm_limit)s, %(tpm_limit)s, %(metadata)s, %(blocked)s,
    %(budget_limits)s, %(team_member_permissions)s, %(router_settings)s, %(rph_limit)s, %(tph_limit)s,
    %(rpd_limit)s, %(tpd_limit)s, %(by)s, %(by)s
);

-- name: lock_teams
-- Hold teams until the transaction ends, always in the same order.
select team_id
from litellm_teamtable
where team_id = any(%(team_ids)s::text[])
order by team_id
for no key update;

-- name: write_team
-- All that an admin sets of a team.
update litellm_teamtable
set team_alias = %(team_alias)s,
    organization_id = %(organization_id)s,
    models = %(models)s,
    max_budget = %(max_budget)s,
    soft_budget = %(soft_budget)s,
    budget_duration = %(budget_duration)s,
    budget_reset_at = %(budget_reset_at)s,
    model_max_budget = %(model_max_budget)s,
    model_aliases = %(model_aliases)s,
    max_parallel_requests = %(max_parallel_requests)s,
    rpm_limit = %(rpm_limit)s,
    tpm_limit = %(tpm_limit)s,
    rph_limit = %(rph_limit)s,
    tph_limit = %(tph_limit)s,
    rpd_limit = %(rpd_limit)s,
    tpd_limit = %(tpd_limit)s,
    metadata = %(metadata)s,
    blocked = %(blocked)s,
    budget_limits = %(budget_limits)s,
    team_member_permissions = %(team_member_permissions)s,
    router_settings = %(router_settings)s,
    updated_by = %(by)s
where team_id = %(team_id)s;

-- name: roll_team_over
-- Begin the period that is due but not yet booked.
update litellm_teamtable
set spend = 0,
    budget_opening = 0,
    budget_started_at = %(since)s
where team_id = %(team_id)s
  and budget_started_at < %(since)s;

-- name: set_team_spend
-- Start a period by hand: what a team had spent before no longer counts, this does.
update litellm_teamtable
set spend = %(spend)s,
    budget_opening = %(spend)s,
    budget_started_at = greatest(
        date_trunc('milliseconds', clock_timestamp()), budget_started_at + interval '1 millisecond'
    ),
    version = default
where team_id = %(team_id)s;

-- name: add_members
-- Append members to a team: [{"role", "user_id", "user_email"}].
update litellm_teamtable
set members_with_roles = members_with_roles || %(members)s::jsonb
where team_id = %(team_id)s;

-- name: set_members
-- Who is in a team, and as what: [{"role", "user_id", "user_email"}].
update litellm_teamtable
set members_with_roles = %(members)s
where team_id = %(team_id)s;

-- name: insert_memberships
-- What each member spends in the team is counted from now on.
insert into litellm_teammembership (user_id, team_id, budget_id)
select member.user_id, %(team_id)s, %(budget_id)s
from unnest(%(user_ids)s::text[]) as member (user_id)
on conflict (user_id, team_id) do update
set budget_id = coalesce(excluded.budget_id, litellm_teammembership.budget_id);

-- name: link_memberships
-- Give the members of a team that have no budget of their own one that they share.
update litellm_teammembership
set budget_id = %(budget_id)s
where team_id = %(team_id)s
  and budget_id is null;

-- name: link_membership
-- Give a member another budget.
update litellm_teammembership
set budget_id = %(budget_id)s
where team_id = %(team_id)s
  and user_id = %(user_id)s;

-- name: set_membership_spend
-- Start a period by hand: what a member had spent before no longer counts, this does.
update litellm_teammembership
set spend = %(spend)s,
    budget_opening = %(spend)s,
    budget_started_at = greatest(
        date_trunc('milliseconds', clock_timestamp()), budget_started_at + interval '1 millisecond'
    ),
    version = default
where team_id = %(team_id)s
  and user_id = %(user_id)s;

-- name: delete_memberships
-- Forget what users spent in a team.
delete from litellm_teammembership
where team_id = %(team_id)s
  and user_id = any(%(user_ids)s::text[]);

-- name: list_memberships
-- What the members of teams have spent in them.
select team_id, user_id, budget_id, spend, total_spend
from litellm_teammembership
where team_id = any(%(team_ids)s::text[])
  and (%(user_ids)s::text[] is null or user_id = any(%(user_ids)s::text[]))
order by team_id, user_id
limit %(size)s;

-- name: list_teams
-- One page of the teams that pass every filter that is not null; sorted by one column of a fixed list, then by id.
select
    team_id, team_alias, organization_id, models, max_budget, soft_budget, spend, budget_started_at, budget_duration,
    budget_reset_at, coalesce(model_max_budget, '{}') as model_max_budget, model_aliases, max_parallel_requests,
    rpm_limit, tpm_limit,
    coalesce(metadata, '{}') as metadata, blocked, budget_limits, team_member_permissions, router_settings,
    rph_limit, tph_limit, rpd_limit, tpd_limit, members_with_roles, created_at, updated_at
from litellm_teamtable
where (%(team_ids)s::text[] is null or team_id = any(%(team_ids)s::text[]))
  and (%(organization_id)s::text is null or organization_id = %(organization_id)s)
  and (%(team_id)s::text is null or team_id = %(team_id)s)
  and (%(team_alias)s::text is null or strpos(lower(coalesce(team_alias, '')), lower(%(team_alias)s)) > 0)
  and (
      %(user_id)s::text is null
      or members_with_roles @> jsonb_build_array(jsonb_build_object('user_id', %(user_id)s::text))
  )
order by
    case when %(descending)s and %(sort_by)s = 'created_at' then created_at end desc nulls last,
    case when not %(descending)s and %(sort_by)s = 'created_at' then created_at end nulls last,
    case when %(descending)s and %(sort_by)s = 'updated_at' then updated_at end desc nulls last,
    case when not %(descending)s and %(sort_by)s = 'updated_at' then updated_at end nulls last,
    case when %(descending)s and %(sort_by)s = 'team_id' then team_id end desc nulls last,
    case when not %(descending)s and %(sort_by)s = 'team_id' then team_id end nulls last,
    case when %(descending)s and %(sort_by)s = 'team_alias' then team_alias end desc nulls last,
    case when not %(descending)s and %(sort_by)s = 'team_alias' then team_alias end nulls last,
    case when %(descending)s and %(sort_by)s = 'spend' then spend end desc nulls last,
    case when not %(descending)s and %(sort_by)s = 'spend' then spend end nulls last,
    case when %(descending)s and %(sort_by)s = 'max_budget' then max_budget end desc nulls last,
    case when not %(descending)s and %(sort_by)s = 'max_budget' then max_budget end nulls last,
    team_id
limit %(size)s
offset %(skip)s;

-- name: count_teams
-- How many teams pass every filter that is not null.
select count(*) as total
from litellm_teamtable
where (%(team_ids)s::text[] is null or team_id = any(%(team_ids)s::text[]))
  and (%(organization_id)s::text is null or organization_id = %(organization_id)s)
  and (%(team_id)s::text is null or team_id = %(team_id)s)
  and (%(team_alias)s::text is null or strpos(lower(coalesce(team_alias, '')), lower(%(team_alias)s)) > 0)
  and (
      %(user_id)s::text is null
      or members_with_roles @> jsonb_build_array(jsonb_build_object('user_id', %(user_id)s::text))
  );

-- name: lock_doomed_teams
-- Hold teams that are about to be deleted, always in the same order; whoever gives them a key waits.
select team_id
from litellm_teamtable
where team_id = any(%(team_ids)s::text[])
order by team_id
for update;

-- name: find_members_of_teams
-- Everybody who is in teams, by the teams' rows or by what is counted there.
select member ->> 'user_id' as user_id
from litellm_teamtable
cross join jsonb_array_elements(members_with_roles) as listed (member)
where team_id = any(%(team_ids)s::text[])
  and member ->> 'user_id' is not null
union
select user_id
from litellm_teammembership
where team_id = any(%(team_ids)s::text[])
order by user_id;

-- name: delete_memberships_of_teams
-- Forget what anybody spent in teams.
delete from litellm_teammembership
where team_id = any(%(team_ids)s::text[]);

-- name: delete_teams
-- Remove teams; triggers leave a tombstone for each.
delete from litellm_teamtable
where team_id = any(%(team_ids)s::text[]);
