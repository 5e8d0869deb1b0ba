-- name: list_spend_logs
-- The newest rows of the ledger that pass every filter that is not null; the bounds on id pick the months.
select
    request_id, call_type, api_key, spend, total_tokens, prompt_tokens, completion_tokens, start_time, end_time,
    completion_start_time, model, model_id, model_group, custom_llm_provider, api_base, "user", team_id,
    organization_id, end_user, coalesce(metadata, '{}') as metadata,
    case when cache_hit then 'True' else 'False' end as cache_hit,
    cache_key, request_tags, requester_ip_address, session_id, status
from litellm_spendlogs
where (%(api_key)s::text is null or api_key = %(api_key)s)
  and (%(user_id)s::text is null or "user" = %(user_id)s)
  and (%(request_id)s::text is null or request_id = %(request_id)s)
  and (%(start_date)s::timestamptz is null or id >= tollgate_first_id(%(start_date)s))
  and (%(start_date)s::timestamptz is null or start_time >= %(start_date)s)
  and (%(end_date)s::timestamptz is null or id < tollgate_first_id(%(end_date)s))
  and (%(end_date)s::timestamptz is null or start_time < %(end_date)s)
order by start_time desc, id desc
limit %(size)s;

-- name: sum_spend_by_day
-- What was spent from one UTC day to another, by key, user and model, from the rollup that every row is in.
select date as day, api_key, coalesce(user_id, '') as "user", model, sum(spend) as spend
from litellm_dailyuserspend
where date between %(first_day)s and %(last_day)s
  and (%(api_key)s::text is null or api_key = %(api_key)s)
  and (%(user_id)s::text is null or user_id = %(user_id)s)
group by date, api_key, user_id, model
order by date, api_key, user_id, model
limit %(size)s;

-- name: page_spend_logs
-- One page of the ledger's rows that pass every filter that is not null, newest first or oldest first.
select
    request_id, call_type, api_key, spend, total_tokens, prompt_tokens, completion_tokens, start_time, end_time,
    completion_start_time, model, model_id, model_group, custom_llm_provider, api_base, "user", team_id,
    organization_id, end_user, coalesce(metadata, '{}') as metadata,
    case when cache_hit then 'True' else 'False' end as cache_hit,
    cache_key, request_tags, requester_ip_address, session_id, status
from litellm_spendlogs
where id >= tollgate_first_id(%(start_date)s)
  and start_time >= %(start_date)s
  and id < tollgate_first_id(%(end_date)s)
  and start_time < %(end_date)s
  and (%(api_key)s::text is null or api_key = %(api_key)s)
  and (%(user_id)s::text is null or "user" = %(user_id)s)
  and (%(team_id)s::text is null or team_id = %(team_id)s)
  and (%(request_id)s::text is null or request_id = %(request_id)s)
  and (%(session_id)s::text is null or position(%(session_id)s in session_id) > 0)
  and (%(end_user)s::text is null or end_user = %(end_user)s)
  and (%(model)s::text is null or model = %(model)s)
  and (%(model_id)s::text is null or model_id = %(model_id)s)
  and (%(model_group)s::text is null or model_group = %(model_group)s)
  and (%(key_alias)s::text is null or position(%(key_alias)s in metadata ->> 'user_api_key_alias') > 0)
  and (%(status)s::text is null or status = %(status)s)
  and (%(error_code)s::text is null or metadata #>> '{error_information,error_code}' = %(error_code)s)
  and (%(is_cache_hit)s::boolean is null or cache_hit = %(is_cache_hit)s)
  and (%(search)s::text is null or %(search)s in (request_id, api_key, team_id, "user", end_user, session_id, model_id))
  and (%(min_spend)s::numeric is null or spend >= %(min_spend)s)
  and (%(max_spend)s::numeric is null or spend <= %(max_spend)s)
order by case when %(is_oldest_first)s::boolean then start_time end, start_time desc, id desc
limit %(size)s offset %(skip)s;

-- name: sorted_spend_logs
-- One page of the newest rows that pass, as many of them as are counted, sorted by something else than time.
select
    request_id, call_type, api_key, spend, total_tokens, prompt_tokens, completion_tokens, start_time, end_time,
    completion_start_time, model, model_id, model_group, custom_llm_provider, api_base, "user", team_id,
    organization_id, end_user, metadata, cache_hit, cache_key, request_tags, requester_ip_address, session_id, status
from (
    select
        id, request_id, call_type, api_key, spend, total_tokens, prompt_tokens, completion_tokens, start_time, end_time,
        completion_start_time, model, model_id, model_group, custom_llm_provider, api_base, "user", team_id,
        organization_id, end_user, coalesce(metadata, '{}') as metadata,
        case when cache_hit then 'True' else 'False' end as cache_hit,
        cache_key, request_tags, requester_ip_address, session_id, status
    from litellm_spendlogs
    where id >= tollgate_first_id(%(start_date)s)
      and start_time >= %(start_date)s
      and id < tollgate_first_id(%(end_date)s)
      and start_time < %(end_date)s
      and (%(api_key)s::text is null or api_key = %(api_key)s)
      and (%(user_id)s::text is null or "user" = %(user_id)s)
      and (%(team_id)s::text is null or team_id = %(team_id)s)
      and (%(request_id)s::text is null or request_id = %(request_id)s)
      and (%(session_id)s::text is null or position(%(session_id)s in session_id) > 0)
      and (%(end_user)s::text is null or end_user = %(end_user)s)
      and (%(model)s::text is null or model = %(model)s)
      and (%(model_id)s::text is null or model_id = %(model_id)s)
      and (%(model_group)s::text is null or model_group = %(model_group)s)
      and (%(key_alias)s::text is null or position(%(key_alias)s in metadata ->> 'user_api_key_alias') > 0)
      and (%(status)s::text is null or status = %(status)s)
      and (%(error_code)s::text is null or metadata #>> '{error_information,error_code}' = %(error_code)s)
      and (%(is_cache_hit)s::boolean is null or cache_hit = %(is_cache_hit)s)
      and (%(search)s::text is null or %(search)s in (request_id, api_key, team_id, "user", end_user, session_id, model_id))
      and (%(min_spend)s::numeric is null or spend >= %(min_spend)s)
      and (%(max_spend)s::numeric is null or spend <= %(max_spend)s)
    order by start_time desc, id desc
    limit %(cap)s
) as passing
order by
    sign(%(direction)s) * case %(sort_by)s
        when 'spend' then spend
        when 'total_tokens' then total_tokens
        when 'endTime' then extract(epoch from end_time)
        when 'request_duration_ms' then extract(epoch from end_time - start_time)
        when 'ttft_ms' then extract(epoch from completion_start_time - start_time)
    end nulls last,
    case when %(sort_by)s = 'model' and %(direction)s > 0 then model end,
    case when %(sort_by)s = 'model' and %(direction)s < 0 then model end desc nulls last,
    start_time desc, id desc
limit %(size)s offset %(skip)s;

-- name: count_spend_logs
-- How many rows pass the filters; counting stops at a cap, so that no page costs more than its neighbours.
select count(passing.one) as n
from (
    select 1 as one
    from litellm_spendlogs
    where id >= tollgate_first_id(%(start_date)s)
      and start_time >= %(start_date)s
      and id < tollgate_first_id(%(end_date)s)
      and start_time < %(end_date)s
      and (%(api_key)s::text is null or api_key = %(api_key)s)
      and (%(user_id)s::text is null or "user" = %(user_id)s)
      and (%(team_id)s::text is null or team_id = %(team_id)s)
      and (%(request_id)s::text is null or request_id = %(request_id)s)
      and (%(session_id)s::text is null or position(%(session_id)s in session_id) > 0)
      and (%(end_user)s::text is null or end_user = %(end_user)s)
      and (%(model)s::text is null or model = %(model)s)
      and (%(model_id)s::text is null or model_id = %(model_id)s)
      and (%(model_group)s::text is null or model_group = %(model_group)s)
      and (%(key_alias)s::text is null or position(%(key_alias)s in metadata ->> 'user_api_key_alias') > 0)
      and (%(status)s::text is null or status = %(status)s)
      and (%(error_code)s::text is null or metadata #>> '{error_information,error_code}' = %(error_code)s)
      and (%(is_cache_hit)s::boolean is null or cache_hit = %(is_cache_hit)s)
      and (%(search)s::text is null or %(search)s in (request_id, api_key, team_id, "user", end_user, session_id, model_id))
      and (%(min_spend)s::numeric is null or spend >= %(min_spend)s)
      and (%(max_spend)s::numeric is null or spend <= %(max_spend)s)
    -- Unordered, the planner would begin to read the month from its first row.
    order by start_time desc
    limit %(cap)s
) as passing;
