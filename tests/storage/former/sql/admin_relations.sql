-- name: find_places
-- The teams somebody is in, or that an organisation of theirs as its admin has, and what they are there.
with caller as (
    select user_id, teams
    from litellm_usertable
    where user_id = %(user_id)s
),

administered as (
    select organization_id
    from litellm_organizationmembership
    where user_id = %(user_id)s
      and user_role = 'org_admin'
)

select
    team.team_id,
    team.organization_id,
    team.team_member_permissions,
    coalesce(member.role = 'admin', false) as is_admin,
    coalesce(team.organization_id in (select administered.organization_id from administered), false) as is_org_admin
from litellm_teamtable as team
left join lateral (
    select listed.role
    from jsonb_to_recordset(team.members_with_roles) as listed (user_id text, role text)
    where listed.user_id = %(user_id)s
    limit 1
) as member on true
where (member.role is not null and team.team_id in (select unnest(caller.teams) from caller))
   or team.organization_id in (select administered.organization_id from administered)
order by team.team_id
limit %(most)s;

-- name: find_organizations
-- The organisations somebody belongs to, and as what.
select organization_id, user_role
from litellm_organizationmembership
where user_id = %(user_id)s
order by organization_id
limit %(most)s;
