-- name: due_keys
-- Some of the live keys whose budget is due, the longest due first; kept from others until the transaction ends.
select token as entity_id, budget_duration, budget_started_at, budget_reset_at
from litellm_verificationtoken
where budget_reset_at <= %(now)s
  and (expires is null or expires > %(now)s)
order by budget_reset_at
limit %(most)s
for no key update skip locked;

-- name: due_users
-- Some of the users whose budget is due, the longest due first; kept from others until the transaction ends.
select user_id as entity_id, budget_duration, budget_started_at, budget_reset_at
from litellm_usertable
where budget_reset_at <= %(now)s
order by budget_reset_at
limit %(most)s
for no key update skip locked;

-- name: due_teams
-- Some of the teams whose budget is due, the longest due first; kept from others until the transaction ends.
select team_id as entity_id, budget_duration, budget_started_at, budget_reset_at
from litellm_teamtable
where budget_reset_at <= %(now)s
order by budget_reset_at
limit %(most)s
for no key update skip locked;

-- name: start_periods_of_keys
-- Start the spend of keys afresh where the period is newer than the column's, and note when it ends.
update litellm_verificationtoken as entity
set
    spend = case when entity.budget_started_at < period.since then 0 else entity.spend end,
    budget_opening = case when entity.budget_started_at < period.since then 0 else entity.budget_opening end,
    budget_started_at = greatest(entity.budget_started_at, period.since),
    budget_reset_at = period.until
from unnest(%(entity_ids)s::text[], %(sinces)s::timestamptz[], %(untils)s::timestamptz[])
    as period (entity_id, since, until)
where entity.token = period.entity_id;

-- name: start_periods_of_users
-- Start the spend of users afresh where the period is newer than the column's, and note when it ends.
update litellm_usertable as entity
set
    spend = case when entity.budget_started_at < period.since then 0 else entity.spend end,
    budget_opening = case when entity.budget_started_at < period.since then 0 else entity.budget_opening end,
    budget_started_at = greatest(entity.budget_started_at, period.since),
    budget_reset_at = period.until
from unnest(%(entity_ids)s::text[], %(sinces)s::timestamptz[], %(untils)s::timestamptz[])
    as period (entity_id, since, until)
where entity.user_id = period.entity_id;

-- name: start_periods_of_teams
-- Start the spend of teams afresh where the period is newer than the column's, and note when it ends.
update litellm_teamtable as entity
set
    spend = case when entity.budget_started_at < period.since then 0 else entity.spend end,
    budget_opening = case when entity.budget_started_at < period.since then 0 else entity.budget_opening end,
    budget_started_at = greatest(entity.budget_started_at, period.since),
    budget_reset_at = period.until
from unnest(%(entity_ids)s::text[], %(sinces)s::timestamptz[], %(untils)s::timestamptz[])
    as period (entity_id, since, until)
where entity.team_id = period.entity_id;
