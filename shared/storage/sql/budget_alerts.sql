-- name: pressing_budgets
-- Whoever has spent 85 percent of a budget, or its soft budget, or will have spent it all before its period ends; a page of them.
with budget as (
    select
        entity.scope, entity.entity_id, entity.alias, entity.user_id, entity.team_id, entity.spend,
        entity.budget_started_at,
        coalesce(entity.max_budget, linked.max_budget) as max_budget,
        coalesce(entity.soft_budget, linked.soft_budget) as soft_budget,
        coalesce(entity.budget_reset_at, linked.budget_reset_at) as reset_at
    from policy as entity
    left join litellm_budgettable as linked on linked.budget_id = entity.budget_id
    where entity.scope in ('key', 'user', 'team', 'team_member', 'org', 'end_user', 'tag')
      and entity.spend > 0
      and entity.blocked is not true
    union all
    select
        'proxy', 'proxy', null, null, null, spend, budget_started_at, %(proxy_budget)s::numeric, null,
        %(proxy_reset_at)s::timestamptz
    from budget_window
    where scope = 'proxy'
      and name = %(proxy_window)s
      and spend > 0
)

select
    budget.scope, budget.entity_id, budget.alias, budget.user_id, budget.team_id, budget.spend,
    budget.budget_started_at, budget.max_budget, budget.soft_budget, budget.reset_at,
    (
        select user_email from litellm_usertable as mailed
        where mailed.user_id = case budget.scope when 'user' then budget.entity_id else budget.user_id end
    ) as user_email,
    (
        select team_alias from litellm_teamtable as team
        where team.team_id = case budget.scope when 'team' then budget.entity_id else budget.team_id end
    ) as team_alias
from budget
where (budget.reset_at is null or budget.reset_at > %(now)s)
  and (budget.scope, budget.entity_id) > (%(after_scope)s, %(after_id)s)
  and (
      budget.spend >= budget.soft_budget
      or budget.spend >= budget.max_budget * 0.85
      or budget.spend * extract(epoch from budget.reset_at - budget.budget_started_at)
      > budget.max_budget * greatest(extract(epoch from %(now)s - budget.budget_started_at), 1)
  )
order by budget.scope, budget.entity_id
limit %(most)s;

-- name: note_alerts
-- Note alerts that nobody has noted yet: of one kind a budget has one in a period.
insert into litellm_budgetalert (scope, entity_id, event, budget_started_at, budget_limit, body)
select scope, entity_id, event, to_timestamp(started_ms / 1000.0)::timestamptz(3), budget_limit, body
from jsonb_to_recordset(%(alerts)s::jsonb) as alert (
    scope text, entity_id text, event text, started_ms bigint, budget_limit numeric, body jsonb
)
on conflict do nothing;

-- name: claim_alerts
-- Take alerts of the last day that are not sent everywhere yet, but for those another took within two minutes.
update litellm_budgetalert as alert
set claimed_at = clock_timestamp()
from (
    select id
    from litellm_budgetalert
    where sent_at is null
      and noted_at > clock_timestamp() - interval '1 day'
      and (claimed_at is null or claimed_at < clock_timestamp() - interval '2 minutes')
    order by noted_at
    limit %(most)s
    for update skip locked
) as due
where alert.id = due.id
returning alert.id, alert.body, alert.sent_to;

-- name: mark_sent
-- Note where an alert was sent, and whether that is everywhere.
update litellm_budgetalert
set
    sent_to = %(sent_to)s::text[],
    sent_at = case when %(is_all)s then clock_timestamp() end
where id = %(id)s;
