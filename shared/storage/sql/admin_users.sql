-- name: find_users
-- Users by id, as the admin API shows them.
select
    user_id, user_email, user_alias, user_role, organization_id, models, max_budget, soft_budget, spend,
    budget_started_at, budget_duration, budget_reset_at, model_max_budget, max_parallel_requests, rpm_limit, tpm_limit,
    coalesce(metadata, '{}') as metadata, blocked, teams, created_at, updated_at
from litellm_usertable
where user_id = any(%(user_ids)s::text[])
order by user_id;

-- name: find_user_ids_of_emails
-- The users behind addresses.
select user_id, user_email
from litellm_usertable
where user_email = any(%(user_emails)s::text[]);

-- name: insert_user
-- A new user; the period begins now, with what the user is said to have spent.
insert into litellm_usertable (
    user_id, user_email, user_alias, user_role, organization_id, models, max_budget, soft_budget, spend,
    budget_opening, budget_duration, budget_reset_at, model_max_budget, max_parallel_requests, rpm_limit, tpm_limit,
    metadata, blocked, created_by, updated_by
)
values (
    %(user_id)s, %(user_email)s, %(user_alias)s, %(user_role)s, %(organization_id)s, %(models)s, %(max_budget)s,
    %(soft_budget)s, %(spend)s, %(spend)s, %(budget_duration)s, %(budget_reset_at)s, %(model_max_budget)s,
    %(max_parallel_requests)s, %(rpm_limit)s, %(tpm_limit)s, %(metadata)s, %(blocked)s, %(by)s, %(by)s
);

-- name: ensure_users
-- Make the users that are named but not there yet.
insert into litellm_usertable (user_id, created_by, updated_by)
select named.user_id, %(by)s, %(by)s
from unnest(%(user_ids)s::text[]) as named (user_id)
order by named.user_id
on conflict (user_id) do nothing;

-- name: lock_user
-- Hold a user until the transaction ends; accounting may not move it meanwhile.
select user_id
from litellm_usertable
where user_id = %(user_id)s
for no key update;

-- name: write_user
-- All that an admin sets of a user.
update litellm_usertable
set user_email = %(user_email)s,
    user_alias = %(user_alias)s,
    user_role = %(user_role)s,
    organization_id = %(organization_id)s,
    models = %(models)s,
    max_budget = %(max_budget)s,
    soft_budget = %(soft_budget)s,
    budget_duration = %(budget_duration)s,
    budget_reset_at = %(budget_reset_at)s,
    model_max_budget = %(model_max_budget)s,
    max_parallel_requests = %(max_parallel_requests)s,
    rpm_limit = %(rpm_limit)s,
    tpm_limit = %(tpm_limit)s,
    metadata = %(metadata)s,
    blocked = %(blocked)s,
    updated_by = %(by)s
where user_id = %(user_id)s;

-- name: roll_user_over
-- Begin the period that is due but not yet booked.
update litellm_usertable
set spend = 0,
    budget_opening = 0,
    budget_started_at = %(since)s
where user_id = %(user_id)s
  and budget_started_at < %(since)s;

-- name: set_user_spend
-- Start a period by hand: what a user had spent before no longer counts, this does.
update litellm_usertable
set spend = %(spend)s,
    budget_opening = %(spend)s,
    budget_started_at = greatest(
        date_trunc('milliseconds', clock_timestamp()), budget_started_at + interval '1 millisecond'
    ),
    version = default
where user_id = %(user_id)s;

-- name: join_team
-- Note in each user's row the team they are now in.
update litellm_usertable
set teams = array_append(teams, %(team_id)s)
where user_id = any(%(user_ids)s::text[])
  and not %(team_id)s = any(teams);
