-- name: find_teams
-- Teams by id, as the admin API shows them.
select
    team_id, team_alias, organization_id, models, max_budget, soft_budget, spend, budget_started_at, budget_duration,
    budget_reset_at, coalesce(model_max_budget, '{}') as model_max_budget, model_aliases, max_parallel_requests,
    rpm_limit, tpm_limit,
    coalesce(metadata, '{}') as metadata, blocked, members_with_roles, created_at, updated_at
from litellm_teamtable
where team_id = any(%(team_ids)s::text[])
order by team_id;

-- name: insert_team
-- A new team; its period begins now, with what it is said to have spent.
insert into litellm_teamtable (
    team_id, team_alias, organization_id, models, max_budget, soft_budget, spend, budget_opening, budget_duration,
    budget_reset_at, model_max_budget, model_aliases, max_parallel_requests, rpm_limit, tpm_limit, metadata, blocked,
    created_by, updated_by
)
values (
    %(team_id)s, %(team_alias)s, %(organization_id)s, %(models)s, %(max_budget)s, %(soft_budget)s, %(spend)s,
    %(spend)s, %(budget_duration)s, %(budget_reset_at)s, %(model_max_budget)s, %(model_aliases)s,
    %(max_parallel_requests)s, %(rpm_limit)s, %(tpm_limit)s, %(metadata)s, %(blocked)s, %(by)s, %(by)s
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
    metadata = %(metadata)s,
    blocked = %(blocked)s,
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

-- name: insert_memberships
-- What each member spends in the team is counted from now on.
insert into litellm_teammembership (user_id, team_id)
select member.user_id, %(team_id)s
from unnest(%(user_ids)s::text[]) as member (user_id)
on conflict (user_id, team_id) do nothing;

-- name: list_memberships
-- What the members of a team have spent in it.
select user_id, team_id, budget_id, spend
from litellm_teammembership
where team_id = %(team_id)s
order by user_id
limit %(size)s;
