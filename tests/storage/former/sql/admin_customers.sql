-- name: find_customers
-- Some customers, as the admin API shows them.
select
    user_id, alias, blocked, allowed_model_region, default_model, models, budget_id, spend, created_at, updated_at
from litellm_endusertable
where user_id = any(%(user_ids)s::text[])
order by user_id;

-- name: list_customers
-- The newest customers.
select
    user_id, alias, blocked, allowed_model_region, default_model, models, budget_id, spend, created_at, updated_at
from litellm_endusertable
order by created_at desc, user_id
limit %(size)s;

-- name: insert_customer
-- A new customer; the period begins now, with what is said to have been spent.
insert into litellm_endusertable (
    user_id, alias, blocked, allowed_model_region, default_model, models, budget_id, spend, budget_opening
)
values (
    %(user_id)s, %(alias)s, %(blocked)s, %(allowed_model_region)s, %(default_model)s, %(models)s,
    %(budget_id)s, %(spend)s, %(spend)s
);

-- name: lock_customers
-- Hold customers until the transaction ends, always in the same order.
select user_id
from litellm_endusertable
where user_id = any(%(user_ids)s::text[])
order by user_id
for update;

-- name: write_customer
-- All that an admin sets of a customer.
update litellm_endusertable
set alias = %(alias)s,
    blocked = %(blocked)s,
    allowed_model_region = %(allowed_model_region)s,
    default_model = %(default_model)s,
    models = %(models)s,
    budget_id = %(budget_id)s
where user_id = %(user_id)s;

-- name: set_customer_spend
-- Start a period by hand: what was spent before no longer counts, this does.
update litellm_endusertable
set spend = %(spend)s,
    budget_opening = %(spend)s,
    budget_started_at = greatest(
        date_trunc('milliseconds', clock_timestamp()), budget_started_at + interval '1 millisecond'
    ),
    version = default
where user_id = %(user_id)s;

-- name: delete_customers
-- Remove customers.
delete from litellm_endusertable
where user_id = any(%(user_ids)s::text[]);
