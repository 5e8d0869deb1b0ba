-- name: note_checks
-- Note how deployments were just now where that is news or an hour old, and forget what is older than a month.
with found as (
    select model_name, model_id, status, error_message, response_time_ms
    from jsonb_to_recordset(%(checks)s::jsonb) as check_ (
        model_name text, model_id text, status text, error_message text, response_time_ms double precision
    )
),

forgotten as (
    delete from litellm_healthchecktable
    where checked_at < now() - interval '30 days'
)

insert into litellm_healthchecktable (
    model_name, model_id, status, healthy_count, unhealthy_count, error_message, response_time_ms, checked_by
)
select
    model_name, model_id, status, (status = 'healthy')::integer, (status <> 'healthy')::integer, error_message,
    response_time_ms, %(checked_by)s
from found
where not exists (
    select
    from (
        select status, checked_at
        from litellm_healthchecktable as earlier
        where earlier.model_id = found.model_id
        order by checked_at desc
        limit 1
    ) as latest
    where latest.status = found.status
      and latest.checked_at > now() - interval '1 hour'
);

-- name: list_checks
-- Some of the checks, the newest first.
select
    health_check_id::text, model_name, model_id, status, healthy_count, unhealthy_count, error_message,
    response_time_ms, details, checked_by, checked_at, created_at
from litellm_healthchecktable
where (%(model)s::text is null or model_name = %(model)s)
  and (%(status)s::text is null or status = %(status)s)
order by checked_at desc, health_check_id desc
limit %(most)s
offset %(skipped)s;

-- name: latest_checks
-- The newest check of each deployment.
select distinct on (model_id)
    health_check_id::text, model_name, model_id, status, healthy_count, unhealthy_count, error_message,
    response_time_ms, details, checked_by, checked_at, created_at
from litellm_healthchecktable
order by model_id, checked_at desc, health_check_id desc;
