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
  and (%(excluded_ids)s::text[] is null or entity_id is null or entity_id <> all(%(excluded_ids)s))
  and (%(api_key)s::text is null or api_key = %(api_key)s)
  and (%(model)s::text is null or model = %(model)s)
group by grouping sets (
    (date), (date, model), (date, model_group), (date, custom_llm_provider), (date, api_key), (date, entity_id)
)
order by date desc, spend desc, name
limit %(size)s;

-- name: export_days
-- Sums of a rollup for each day and entity, and for each key, user or model of it where `split` says so.
select
    daily.date::text as date,
    coalesce(daily.entity_id, '') as entity_id,
    max(coalesce(team.team_alias, organization.organization_alias)) as entity_alias,
    case %(split)s when 'daily_with_keys' then daily.api_key end as api_key,
    max(case %(split)s when 'daily_with_keys' then key.key_alias end) as key_alias,
    key.user_id,
    max(owner.user_email) as user_email,
    case %(split)s when 'daily_with_models' then nullif(daily.model, '') end as model,
    sum(daily.spend) as spend,
    sum(daily.prompt_tokens)::bigint as prompt_tokens,
    sum(daily.completion_tokens)::bigint as completion_tokens,
    sum(daily.api_requests)::bigint as api_requests,
    sum(daily.successful_requests)::bigint as successful_requests,
    sum(daily.failed_requests)::bigint as failed_requests,
    sum(daily.cache_read_input_tokens)::bigint as cache_read_input_tokens,
    sum(daily.cache_creation_input_tokens)::bigint as cache_creation_input_tokens
from daily_spend as daily
left join litellm_verificationtoken as key
    on %(split)s in ('daily_with_keys', 'daily_with_users') and key.token = daily.api_key
left join litellm_usertable as owner on owner.user_id = key.user_id
left join litellm_teamtable as team on %(kind)s = 'team' and team.team_id = daily.entity_id
left join litellm_organizationtable as organization
    on %(kind)s = 'organization' and organization.organization_id = daily.entity_id
where daily.kind = %(kind)s
  and daily.date between %(first_day)s and %(last_day)s
  and (%(entity_ids)s::text[] is null or daily.entity_id = any(%(entity_ids)s))
  and (%(api_key)s::text is null or daily.api_key = %(api_key)s)
  and (%(model)s::text is null or daily.model = %(model)s)
group by 1, 2, 4, 6, 8
order by 1, 2, 4, 6, 8
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

-- name: user_ids
-- Some of the users by id, to go through all of them.
select user_id as id
from litellm_usertable
where user_id > %(after)s
order by user_id
limit %(size)s;

-- name: sum_by_key
-- Sums of a rollup between two days for each key, and each model it called.
select
    api_key, model,
    sum(spend) as spend,
    sum(prompt_tokens)::bigint as prompt_tokens,
    sum(completion_tokens)::bigint as completion_tokens
from daily_spend
where kind = %(kind)s
  and date between %(first_day)s and %(last_day)s
  and (%(entity_ids)s::text[] is null or entity_id = any(%(entity_ids)s))
  and (%(api_key)s::text is null or api_key = %(api_key)s)
group by api_key, model
order by spend desc, api_key, model
limit %(size)s;

-- name: sum_by_member
-- Sums of teams between two days for each user whose keys spent them; whose a key was, the users' rollup knows.
select
    daily.team_id, team.team_alias, coalesce(owner.user_id, '') as user_id, member.user_email, member.user_alias,
    sum(daily.spend) as spend,
    sum(daily.prompt_tokens)::bigint as prompt_tokens,
    sum(daily.completion_tokens)::bigint as completion_tokens,
    sum(daily.api_requests)::bigint as api_requests,
    sum(daily.successful_requests)::bigint as successful_requests,
    sum(daily.failed_requests)::bigint as failed_requests
from litellm_dailyteamspend as daily
left join litellm_teamtable as team using (team_id)
left join lateral (
    select user_id
    from litellm_dailyuserspend
    where api_key = daily.api_key
      and date = daily.date
    order by user_id
    limit 1
) as owner on true
left join litellm_usertable as member on member.user_id = owner.user_id
where daily.team_id = any(%(team_ids)s::text[])
  and daily.date between %(first_day)s and %(last_day)s
  and (%(user_id)s::text is null or owner.user_id = %(user_id)s)
group by 1, 2, 3, 4, 5
order by spend desc, 1, 3
limit %(size)s;

-- name: sum_by_call
-- What the calls of each kind came to between two days, by how they failed.
select
    coalesce(nullif(call_type, ''), 'Unknown') as call_type, error_code, error_class,
    sum(api_requests)::bigint as api_requests,
    sum(cache_hits)::bigint as cache_hits,
    sum(failed_requests)::bigint as failed_requests,
    sum(cached_completion_tokens)::bigint as cached_completion_tokens,
    sum(generated_completion_tokens)::bigint as generated_completion_tokens
from litellm_dailycallactivity as daily
left join litellm_verificationtoken as key on key.token = daily.api_key
where daily.date between %(first_day)s and %(last_day)s
  and (%(models)s::text[] is null or daily.model = any(%(models)s))
  and (%(key_aliases)s::text[] is null or coalesce(key.key_alias, 'Unnamed Key') = any(%(key_aliases)s))
group by 1, 2, 3
order by sum(api_requests + cache_hits + failed_requests) desc, 1, 2, 3;

-- name: called_models
-- The models that were called between two days.
select distinct model as name
from litellm_dailycallactivity
where date between %(first_day)s and %(last_day)s
  and model <> ''
order by name
limit %(size)s;

-- name: calling_aliases
-- What the keys are called that called between two days.
select distinct coalesce(key.key_alias, 'Unnamed Key') as name
from litellm_dailycallactivity as daily
left join litellm_verificationtoken as key on key.token = daily.api_key
where daily.date between %(first_day)s and %(last_day)s
order by name
limit %(size)s;

-- name: end_user_names
-- Every end user that something was spent for.
select distinct end_user_id as name
from litellm_dailyenduserspend
order by name
limit %(size)s;
