-- name: find_organizations
-- Organisations by id, as the admin API shows them.
select
    organization_id, organization_alias, budget_id, models, spend, budget_started_at, metadata, blocked, created_at,
    created_by, updated_at, updated_by
from litellm_organizationtable
where organization_id = any(%(organization_ids)s::text[])
order by organization_id;

-- name: list_organizations
-- The organisations that pass every filter that is not null.
select
    organization_id, organization_alias, budget_id, models, spend, budget_started_at, metadata, blocked, created_at,
    created_by, updated_at, updated_by
from litellm_organizationtable
where (%(organization_ids)s::text[] is null or organization_id = any(%(organization_ids)s::text[]))
  and (%(org_alias)s::text is null or strpos(lower(coalesce(organization_alias, '')), lower(%(org_alias)s)) > 0)
order by created_at desc, organization_id
limit %(size)s;

-- name: insert_organization
-- A new organisation.
insert into litellm_organizationtable (
    organization_id, organization_alias, budget_id, models, metadata, blocked, created_by, updated_by
)
values (
    %(organization_id)s, %(organization_alias)s, %(budget_id)s, %(models)s, %(metadata)s, %(blocked)s, %(by)s, %(by)s
);

-- name: lock_organizations
-- Hold organisations until the transaction ends, always in the same order.
select organization_id
from litellm_organizationtable
where organization_id = any(%(organization_ids)s::text[])
order by organization_id
for update;

-- name: write_organization
-- All that an admin sets of an organisation.
update litellm_organizationtable
set organization_alias = %(organization_alias)s,
    budget_id = %(budget_id)s,
    models = %(models)s,
    metadata = %(metadata)s,
    blocked = %(blocked)s,
    updated_by = %(by)s
where organization_id = %(organization_id)s;

-- name: set_organization_spend
-- Start a period by hand: what an organisation had spent before no longer counts, this does.
update litellm_organizationtable
set spend = %(spend)s,
    budget_opening = %(spend)s,
    budget_started_at = greatest(
        date_trunc('milliseconds', clock_timestamp()), budget_started_at + interval '1 millisecond'
    ),
    version = default
where organization_id = %(organization_id)s;

-- name: delete_organizations
-- Remove organisations; triggers leave what is needed of each.
delete from litellm_organizationtable
where organization_id = any(%(organization_ids)s::text[]);

-- name: delete_memberships_of_organizations
-- Remove everybody from organisations.
delete from litellm_organizationmembership
where organization_id = any(%(organization_ids)s::text[]);

-- name: find_teams_of_organizations
-- The teams of organisations.
select team_id
from litellm_teamtable
where organization_id = any(%(organization_ids)s::text[])
order by team_id;

-- name: find_organization_members
-- Who belongs to organisations, and as what.
select
    membership.organization_id, membership.user_id, membership.user_role, membership.spend, membership.budget_id,
    membership.created_at, membership.updated_at, person.user_email
from litellm_organizationmembership as membership
left join litellm_usertable as person on person.user_id = membership.user_id
where membership.organization_id = any(%(organization_ids)s::text[])
order by membership.organization_id, membership.user_id
limit %(size)s;

-- name: insert_organization_members
-- Put users into an organisation.
insert into litellm_organizationmembership (organization_id, user_id, user_role, budget_id)
select %(organization_id)s, named.user_id, %(role)s, %(budget_id)s
from unnest(%(user_ids)s::text[]) as named (user_id)
order by named.user_id;

-- name: write_organization_member
-- What an admin sets of a membership.
update litellm_organizationmembership
set user_role = %(role)s,
    budget_id = %(budget_id)s
where organization_id = %(organization_id)s
  and user_id = %(user_id)s;

-- name: delete_organization_member
-- Take a user out of an organisation.
delete from litellm_organizationmembership
where organization_id = %(organization_id)s
  and user_id = %(user_id)s;
