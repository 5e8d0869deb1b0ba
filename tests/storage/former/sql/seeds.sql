-- name: budget_seeds
-- What was spent in which period by whom, and up to where the ledger is booked; one snapshot, always a row.
with wanted as (
    select scope, entity_id, name
    from unnest(%(scopes)s::text[], %(entity_ids)s::text[], %(windows)s::text[]) as asked (scope, entity_id, name)
),

known as (
    select scope, entity_id, '-' as name, spend, budget_started_at
    from policy
    inner join wanted using (scope, entity_id)
    where wanted.name = '-'
    union all
    select scope, entity_id, budget_window.name, spend, budget_started_at
    from budget_window
    inner join wanted using (scope, entity_id)
    where wanted.name = 'w' || budget_window.name
)

select
    coalesce((select stream_id from ledger_position where shard = %(shard)s), '0-0') as position,
    scope, entity_id, name, spend, budget_started_at
from (values (true)) as always (one)
left join known on always.one;
