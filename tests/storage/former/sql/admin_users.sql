-- name: find_users
-- Users by id, as the admin API shows them.
select
    user_id, user_email, user_alias, user_role, organization_id, models, max_budget, soft_budget, spend,
    budget_started_at, budget_duration, budget_reset_at, model_max_budget, max_parallel_requests, rpm_limit, tpm_limit,
    coalesce(metadata, '{}') as metadata, blocked, budget_limits, sso_user_id, rph_limit, tph_limit,
    rpd_limit, tpd_limit, teams, created_at, updated_at
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
    metadata, blocked, budget_limits, sso_user_id, rph_limit, tph_limit, rpd_limit, tpd_limit, created_by, updated_by
)
values (
    %(user_id)s, %(user_email)s, %(user_alias)s, %(user_role)s, %(organization_id)s, %(models)s, %(max_budget)s,
    %(soft_budget)s, %(spend)s, %(spend)s, %(budget_duration)s, %(budget_reset_at)s, %(model_max_budget)s,
    %(max_parallel_requests)s, %(rpm_limit)s, %(tpm_limit)s, %(metadata)s, %(blocked)s,
    %(budget_limits)s, %(sso_user_id)s, %(rph_limit)s, %(tph_limit)s, %(rpd_limit)s, %(tpd_limit)s, %(by)s, %(by)s
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
    rph_limit = %(rph_limit)s,
    tph_limit = %(tph_limit)s,
    rpd_limit = %(rpd_limit)s,
    tpd_limit = %(tpd_limit)s,
    metadata = %(metadata)s,
    blocked = %(blocked)s,
    budget_limits = %(budget_limits)s,
    sso_user_id = %(sso_user_id)s,
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

-- name: list_users
-- One page of the users that pass every filter that is not null; sorted by one column of a fixed list, then by id.
select
    user_id, user_email, user_alias, user_role, organization_id, models, max_budget, soft_budget, spend,
    budget_started_at, budget_duration, budget_reset_at, model_max_budget, max_parallel_requests, rpm_limit, tpm_limit,
    coalesce(metadata, '{}') as metadata, blocked, budget_limits, sso_user_id, rph_limit, tph_limit,
    rpd_limit, tpd_limit, teams, created_at, updated_at,
    (
        select count(*) from litellm_verificationtoken as key where key.user_id = litellm_usertable.user_id
    ) as key_count
from litellm_usertable
where (%(user_ids)s::text[] is null or user_id = any(%(user_ids)s::text[]))
  and (%(sso_user_ids)s::text[] is null or sso_user_id = any(%(sso_user_ids)s::text[]))
  and (%(role)s::text is null or user_role = %(role)s)
  and (%(user_email)s::text is null or strpos(lower(coalesce(user_email, '')), lower(%(user_email)s)) > 0)
  and (%(team)s::text is null or teams @> array[%(team)s::text])
  and (
      %(search)s::text is null
      or strpos(lower(user_id), lower(%(search)s)) > 0
      or strpos(lower(coalesce(user_email, '')), lower(%(search)s)) > 0
      or strpos(lower(coalesce(user_alias, '')), lower(%(search)s)) > 0
  )
  and (
      %(organizations)s::text[] is null
      or exists (
          select
          from litellm_organizationmembership as membership
          where membership.user_id = litellm_usertable.user_id
            and membership.organization_id = any(%(organizations)s::text[])
      )
  )
order by
    case when %(descending)s and %(sort_by)s = 'created_at' then created_at end desc nulls last,
    case when not %(descending)s and %(sort_by)s = 'created_at' then created_at end nulls last,
    case when %(descending)s and %(sort_by)s = 'user_id' then user_id end desc nulls last,
    case when not %(descending)s and %(sort_by)s = 'user_id' then user_id end nulls last,
    case when %(descending)s and %(sort_by)s = 'user_email' then user_email end desc nulls last,
    case when not %(descending)s and %(sort_by)s = 'user_email' then user_email end nulls last,
    case when %(descending)s and %(sort_by)s = 'user_alias' then user_alias end desc nulls last,
    case when not %(descending)s and %(sort_by)s = 'user_alias' then user_alias end nulls last,
    case when %(descending)s and %(sort_by)s = 'user_role' then user_role end desc nulls last,
    case when not %(descending)s and %(sort_by)s = 'user_role' then user_role end nulls last,
    case when %(descending)s and %(sort_by)s = 'spend' then spend end desc nulls last,
    case when not %(descending)s and %(sort_by)s = 'spend' then spend end nulls last,
    user_id
limit %(size)s
offset %(skip)s;

-- name: count_users
-- How many users pass every filter that is not null.
select count(*) as total
from litellm_usertable
where (%(user_ids)s::text[] is null or user_id = any(%(user_ids)s::text[]))
  and (%(sso_user_ids)s::text[] is null or sso_user_id = any(%(sso_user_ids)s::text[]))
  and (%(role)s::text is null or user_role = %(role)s)
  and (%(user_email)s::text is null or strpos(lower(coalesce(user_email, '')), lower(%(user_email)s)) > 0)
  and (%(team)s::text is null or teams @> array[%(team)s::text])
  and (
      %(search)s::text is null
      or strpos(lower(user_id), lower(%(search)s)) > 0
      or strpos(lower(coalesce(user_email, '')), lower(%(search)s)) > 0
      or strpos(lower(coalesce(user_alias, '')), lower(%(search)s)) > 0
  )
  and (
      %(organizations)s::text[] is null
      or exists (
          select
          from litellm_organizationmembership as membership
          where membership.user_id = litellm_usertable.user_id
            and membership.organization_id = any(%(organizations)s::text[])
      )
  );

-- name: lock_doomed_users
-- Hold users that are about to be deleted, always in the same order; whoever gives them a key waits.
select user_id
from litellm_usertable
where user_id = any(%(user_ids)s::text[])
order by user_id
for update;

-- name: delete_users
-- Remove users; triggers leave a tombstone for each.
delete from litellm_usertable
where user_id = any(%(user_ids)s::text[]);

-- name: leave_teams
-- Take users out of all teams that list them.
update litellm_teamtable
set members_with_roles = coalesce(
    (
        select jsonb_agg(member order by place)
        from jsonb_array_elements(members_with_roles) with ordinality as listed (member, place)
        where coalesce(member ->> 'user_id' <> all(%(user_ids)s::text[]), true)
    ),
    '[]'
)
where team_id = any(%(team_ids)s::text[]);

-- name: delete_memberships_of_users
-- Forget what users spent in teams.
delete from litellm_teammembership
where user_id = any(%(user_ids)s::text[]);

-- name: delete_organization_memberships_of_users
-- Take users out of all organisations.
delete from litellm_organizationmembership
where user_id = any(%(user_ids)s::text[]);

-- name: find_teams_of_users
-- The teams that list any of the users, or count what they spend.
select team.team_id
from litellm_teamtable as team
where team.team_id in (select unnest(teams) from litellm_usertable where user_id = any(%(user_ids)s::text[]))
   or team.team_id in (select team_id from litellm_teammembership where user_id = any(%(user_ids)s::text[]))
order by team.team_id;

-- name: forget_teams
-- Take teams out of the rows of the users that are in them.
update litellm_usertable
set teams = coalesce(
        (select array_agg(kept) from unnest(teams) as kept where kept <> all(%(team_ids)s::text[])), '{}'
    ),
    team_id = case when team_id = any(%(team_ids)s::text[]) then null else team_id end
where user_id = any(%(user_ids)s::text[]);
