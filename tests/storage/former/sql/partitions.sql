-- name: add_partitions
-- Make the ledger's partitions from this month on that are missing; the name of each.
select name
from tollgate_add_partitions(%(months_ahead)s, %(now)s) as name;

-- name: strays
-- How many rows fit no partition but the default one, counted no further than is alarming.
select count(*) as count
from (
    select id
    from litellm_spendlogs_default
    limit 1000
) as stray;
