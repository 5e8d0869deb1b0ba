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

-- name: due_budget_rows
-- Some of the budget rows that are due, the longest due first; kept from others until the transaction ends.
select budget_id as entity_id, budget_duration, coalesce(budget_started_at, 'epoch') as budget_started_at, budget_reset_at
from litellm_budgettable
where budget_reset_at <= %(now)s
order by budget_reset_at
limit %(most)s
for no key update skip locked;

-- name: start_periods_of_budget_rows
-- Start budget rows' periods, and afresh the spend of all that is linked to them and has no period of its own.
with period as (
    select entity_id, since, until
    from unnest(%(entity_ids)s::text[], %(sinces)s::timestamptz[], %(untils)s::timestamptz[])
        as period (entity_id, since, until)
),

budget_row as (
    update litellm_budgettable as entity
    set
        budget_started_at = greatest(entity.budget_started_at, period.since),
        budget_reset_at = period.until
    from period
    where entity.budget_id = period.entity_id
    returning entity.budget_id
),

key as (
    update litellm_verificationtoken as entity
    set spend = 0, budget_opening = 0, budget_started_at = period.since
    from period
    where entity.budget_id = period.entity_id
      and entity.budget_started_at < period.since
      and entity.budget_duration is null
),

user_row as (
    update litellm_usertable as entity
    set spend = 0, budget_opening = 0, budget_started_at = period.since
    from period
    where entity.budget_id = period.entity_id
      and entity.budget_started_at < period.since
      and entity.budget_duration is null
),

team as (
    update litellm_teamtable as entity
    set spend = 0, budget_opening = 0, budget_started_at = period.since
    from period
    where entity.budget_id = period.entity_id
      and entity.budget_started_at < period.since
      and entity.budget_duration is null
),

organization as (
    update litellm_organizationtable as entity
    set spend = 0, budget_opening = 0, budget_started_at = period.since
    from period
    where entity.budget_id = period.entity_id
      and entity.budget_started_at < period.since
),

member as (
    update litellm_teammembership as entity
    set spend = 0, budget_opening = 0, budget_started_at = period.since
    from period
    where entity.budget_id = period.entity_id
      and entity.budget_started_at < period.since
),

organization_member as (
    update litellm_organizationmembership as entity
    set spend = 0, budget_opening = 0, budget_started_at = period.since
    from period
    where entity.budget_id = period.entity_id
      and entity.budget_started_at < period.since
),

enduser as (
    update litellm_endusertable as entity
    set spend = 0, budget_opening = 0, budget_started_at = period.since
    from period
    where entity.budget_id = period.entity_id
      and entity.budget_started_at < period.since
),

-- End users without a budget of their own have this one.
enduser_by_default as (
    update litellm_endusertable as entity
    set spend = 0, budget_opening = 0, budget_started_at = period.since
    from period
    where period.entity_id = %(end_user_budget_id)s::text
      and entity.budget_id is null
      and entity.spend > 0
      and entity.budget_started_at < period.since
),

tag as (
    update litellm_tagtable as entity
    set spend = 0, budget_opening = 0, budget_started_at = period.since
    from period
    where entity.budget_id = period.entity_id
      and entity.budget_started_at < period.since
)

select count(*) from budget_row;
