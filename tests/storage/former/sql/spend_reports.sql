-- name: sum_by_day
-- Sums of a rollup for each day, and split five ways: `split` says which way, null for the day's whole.
select
    date,
    case grouping(model, model_group, custom_llm_provider, api_key, entity_id)
        when 15 then 'models' when 23 then 'model_groups' when 27 then 'providers' when 29 then 'api_keys'
        when 30 then 'entities'
    end as split,
    coalesce(model, model_group, custom_llm_provider, api_key, entity_id) as name,
    sum(spend) as spend,
    sum(prompt_tokens)::bigint as prompt_tokens,
    sum(completion_tokens)::bigint as completion_tokens,
    sum(cache_read_input_tokens)::bigint as cache_read_input_tokens,
    sum(cache_creation_input_tokens)::bigint as cache_creation_input_tokens,
    sum(api_requests)::bigint as api_requests,
    sum(successful_requests)::bigint as successful_requests,
    sum(failed_requests)::bigint as failed_requests
from daily_spend
where kind = %(kind)s
  and date between %(first_day)s and %(last_day)s
  and (%(entity_ids)s::text[] is null or entity_id = any(%(entity_ids)s))
  and (%(api_key)s::text is null or api_key = %(api_key)s)
  and (%(model)s::text is null or model = %(model)s)
group by grouping sets (
    (date), (date, model), (date, model_group), (date, custom_llm_provider), (date, api_key), (date, entity_id)
)
order by date desc, spend desc, name
limit %(size)s;

-- name: sum_by_name
-- Sums of a rollup between two days, by whatever `split` says, dearest first.
select
    case %(split)s
        when 'model' then model when 'provider' then custom_llm_provider when 'api_key' then api_key
        else coalesce(entity_id, '')
    end as name,
    sum(spend) as spend,
    sum(prompt_tokens + completion_tokens)::bigint as total_tokens,
    sum(api_requests)::bigint as api_requests,
    sum(failed_requests)::bigint as failed_requests
from daily_spend
where kind = %(kind)s
  and date between %(first_day)s and %(last_day)s
  and (%(entity_ids)s::text[] is null or entity_id = any(%(entity_ids)s))
  and (%(api_key)s::text is null or api_key = %(api_key)s)
group by 1
order by spend desc, name
limit %(size)s;

-- name: sum_in_detail
-- Sums of a rollup for each day, entity, key and model.
select
    date, coalesce(entity_id, '') as entity_id, api_key, model,
    sum(spend) as spend,
    sum(prompt_tokens + completion_tokens)::bigint as total_tokens,
    sum(api_requests)::bigint as api_requests,
    sum(failed_requests)::bigint as failed_requests
from daily_spend
where kind = %(kind)s
  and date between %(first_day)s and %(last_day)s
  and (%(entity_ids)s::text[] is null or entity_id = any(%(entity_ids)s))
  and (%(api_key)s::text is null or api_key = %(api_key)s)
group by date, entity_id, api_key, model
order by date, entity_id, api_key, model
limit %(size)s;

-- name: total_spend
-- All that was ever spent: every row of the ledger is in the users' rollup.
select coalesce(sum(spend), 0) as spend
from litellm_dailyuserspend;

-- name: tag_names
-- Every tag that something was spent under.
select distinct tag
from litellm_dailytagspend
order by tag
limit %(size)s;

-- name: key_names
-- What the keys behind some hashes are called, deleted ones as well.
select token, key_alias, key_name, team_id
from litellm_verificationtoken
where token = any(%(tokens)s)
union
select token, key_alias, key_name, team_id
from litellm_deletedverificationtoken
where token = any(%(tokens)s);

-- name: team_names
-- What teams are called.
select team_id, team_alias
from litellm_teamtable
where team_id = any(%(team_ids)s);

-- name: key_ids
-- Some of the keys by hash, to go through all of them.
select token as id
from litellm_verificationtoken
where token > %(after)s
order by token
limit %(size)s;

-- name: team_ids
-- Some of the teams by id, to go through all of them.
select team_id as id
from litellm_teamtable
where team_id > %(after)s
order by team_id
limit %(size)s;
