-- name: find_budgets
-- Budgets by id, as the admin API shows them.
select
    budget_id, max_budget, soft_budget, max_parallel_requests, tpm_limit, rpm_limit, rph_limit, tph_limit, rpd_limit,
    tpd_limit, budget_duration, budget_reset_at, model_max_budget, allowed_models, created_at, created_by, updated_at, updated_by
from litellm_budgettable
where budget_id = any(%(budget_ids)s::text[])
order by budget_id;

-- name: list_budgets
-- The newest budgets.
select
    budget_id, max_budget, soft_budget, max_parallel_requests, tpm_limit, rpm_limit, rph_limit, tph_limit, rpd_limit,
    tpd_limit, budget_duration, budget_reset_at, model_max_budget, allowed_models, created_at, created_by, updated_at, updated_by
from litellm_budgettable
order by created_at desc, budget_id
limit %(size)s;

-- name: insert_budget
-- A new budget.
insert into litellm_budgettable (
    budget_id, max_budget, soft_budget, max_parallel_requests, tpm_limit, rpm_limit, rph_limit, tph_limit, rpd_limit,
    tpd_limit, budget_duration, budget_reset_at, model_max_budget, allowed_models, created_by, updated_by
)
values (
    %(budget_id)s, %(max_budget)s, %(soft_budget)s, %(max_parallel_requests)s, %(tpm_limit)s, %(rpm_limit)s,
    %(rph_limit)s, %(tph_limit)s, %(rpd_limit)s, %(tpd_limit)s, %(budget_duration)s, %(budget_reset_at)s, %(model_max_budget)s, %(allowed_models)s, %(by)s, %(by)s
);

-- name: lock_budget
-- Hold a budget until the transaction ends.
select budget_id
from litellm_budgettable
where budget_id = %(budget_id)s
for no key update;

-- name: write_budget
-- All that an admin sets of a budget.
update litellm_budgettable
set max_budget = %(max_budget)s,
    soft_budget = %(soft_budget)s,
    max_parallel_requests = %(max_parallel_requests)s,
    tpm_limit = %(tpm_limit)s,
    rpm_limit = %(rpm_limit)s,
    rph_limit = %(rph_limit)s,
    tph_limit = %(tph_limit)s,
    rpd_limit = %(rpd_limit)s,
    tpd_limit = %(tpd_limit)s,
    budget_duration = %(budget_duration)s,
    budget_reset_at = %(budget_reset_at)s,
    model_max_budget = %(model_max_budget)s,
    allowed_models = %(allowed_models)s,
    updated_by = %(by)s
where budget_id = %(budget_id)s;

-- name: delete_budget
-- Remove a budget that nothing links to.
delete from litellm_budgettable
where budget_id = %(budget_id)s;
