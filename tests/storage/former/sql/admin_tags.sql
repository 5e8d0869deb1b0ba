-- name: find_tags
-- Some tags, as the admin API shows them.
select
    tag_name as name, description, models, budget_id, spend, created_at, updated_at, created_by, updated_by
from litellm_tagtable
where tag_name = any(%(names)s::text[])
order by tag_name;

-- name: list_tags
-- The newest tags.
select
    tag_name as name, description, models, budget_id, spend, created_at, updated_at, created_by, updated_by
from litellm_tagtable
order by created_at desc, tag_name
limit %(size)s;

-- name: insert_tag
-- A new tag; the period begins now, with what is said to have been spent.
insert into litellm_tagtable (
    tag_name, description, models, budget_id, spend, budget_opening, created_by, updated_by
)
values (
    %(tag_name)s, %(description)s, %(models)s, %(budget_id)s, %(spend)s, %(spend)s, %(by)s, %(by)s
);

-- name: lock_tags
-- Hold tags until the transaction ends, always in the same order.
select tag_name
from litellm_tagtable
where tag_name = any(%(names)s::text[])
order by tag_name
for update;

-- name: write_tag
-- All that an admin sets of a tag.
update litellm_tagtable
set description = %(description)s,
    models = %(models)s,
    budget_id = %(budget_id)s,
    updated_by = %(by)s
where tag_name = %(tag_name)s;

-- name: set_tag_spend
-- Start a period by hand: what was spent before no longer counts, this does.
update litellm_tagtable
set spend = %(spend)s,
    budget_opening = %(spend)s,
    budget_started_at = greatest(
        date_trunc('milliseconds', clock_timestamp()), budget_started_at + interval '1 millisecond'
    ),
    version = default
where tag_name = %(tag_name)s;

-- name: delete_tags
-- Remove tags.
delete from litellm_tagtable
where tag_name = any(%(names)s::text[]);
