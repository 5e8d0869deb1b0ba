-- name: budget_seeds
-- What each entity's column says it spent in which period, and up to where the ledger is booked; one snapshot.
select
    scope, entity_id, spend, budget_started_at,
    coalesce((select stream_id from ledger_position where shard = %(shard)s), '0-0') as position
from policy
inner join unnest(%(scopes)s::text[], %(entity_ids)s::text[]) as wanted (scope, entity_id) using (scope, entity_id);
