-- name: book
-- Book rows that are not booked yet, and add those alone to all that sums them up; safe to repeat.
-- A newer `since` starts a column afresh, the same adds, an older one is ignored.
with booked as (
    insert into litellm_spendlogs (
        id, request_id, call_type, api_key, spend, total_tokens, prompt_tokens, completion_tokens, start_time,
        end_time, completion_start_time, model, model_group, model_id, custom_llm_provider, api_base, "user", team_id,
        organization_id, end_user, metadata, status, cache_hit, cache_key, request_tags, requester_ip_address,
        session_id, since
    )
    select
        id,
        request_id,
        call_type,
        api_key,
        nanodollars * 0.000000001,
        prompt_tokens + completion_tokens,
        prompt_tokens,
        completion_tokens,
        tollgate_time_of(id),
        coalesce(to_timestamp(end_ms / 1000.0), tollgate_time_of(id)),
        to_timestamp(completion_start_ms / 1000.0),
        coalesce(model, ''),
        model_group,
        model_id,
        custom_llm_provider,
        api_base,
        "user",
        team_id,
        organization_id,
        end_user,
        metadata,
        metadata ->> 'status',
        coalesce(cache_hit, false),
        cache_key,
        coalesce(request_tags, '{}'),
        requester_ip,
        session_id,
        coalesce(since, '{}')
    from jsonb_to_recordset(%(rows)s::jsonb) as entry (
        id uuid, request_id text, call_type text, api_key text, nanodollars numeric, prompt_tokens integer,
        completion_tokens integer, end_ms bigint, completion_start_ms bigint, model text, model_group text,
        model_id text, custom_llm_provider text, api_base text, "user" text, team_id text, organization_id text,
        end_user text, metadata jsonb, cache_hit boolean, cache_key text, request_tags text[], requester_ip text,
        session_id text, since jsonb
    )
    on conflict do nothing
    returning
        api_key, spend, prompt_tokens, completion_tokens, start_time, model, model_group, custom_llm_provider, "user",
        team_id, organization_id, end_user, metadata, status, request_tags, since
),

-- Of several periods of one key the newest counts.
key_spend as (
    select distinct on (entity_id) entity_id, to_timestamp(since / 1000.0)::timestamptz(3) as since, spend, used_at
    from (
        select api_key as entity_id, (since ->> 'key')::bigint as since, max(start_time) as used_at, sum(spend) as spend
        from booked
        group by 1, 2
    ) as by_period
    where since is not null
    order by entity_id, by_period.since desc
),

key_column as (
    update litellm_verificationtoken as entity
    set
        spend = case entity.budget_started_at when latest.since then entity.spend else 0 end + latest.spend,
        budget_opening = case entity.budget_started_at when latest.since then entity.budget_opening else 0 end,
        budget_started_at = latest.since,
        last_active = greatest(entity.last_active, latest.used_at)
    from key_spend as latest
    where entity.token = latest.entity_id
      and entity.budget_started_at <= latest.since
),

-- Of several periods of one user the newest counts.
user_spend as (
    select distinct on (entity_id) entity_id, to_timestamp(since / 1000.0)::timestamptz(3) as since, spend
    from (
        select "user" as entity_id, (since ->> 'user')::bigint as since, sum(spend) as spend
        from booked
        group by 1, 2
    ) as by_period
    where since is not null
    order by entity_id, by_period.since desc
),

user_column as (
    update litellm_usertable as entity
    set
        spend = case entity.budget_started_at when latest.since then entity.spend else 0 end + latest.spend,
        budget_opening = case entity.budget_started_at when latest.since then entity.budget_opening else 0 end,
        budget_started_at = latest.since
    from user_spend as latest
    where entity.user_id = latest.entity_id
      and entity.budget_started_at <= latest.since
),

-- Of several periods of one team the newest counts.
team_spend as (
    select distinct on (entity_id) entity_id, to_timestamp(since / 1000.0)::timestamptz(3) as since, spend
    from (
        select team_id as entity_id, (since ->> 'team')::bigint as since, sum(spend) as spend
        from booked
        group by 1, 2
    ) as by_period
    where since is not null
    order by entity_id, by_period.since desc
),

team_column as (
    update litellm_teamtable as entity
    set
        spend = case entity.budget_started_at when latest.since then entity.spend else 0 end + latest.spend,
        budget_opening = case entity.budget_started_at when latest.since then entity.budget_opening else 0 end,
        budget_started_at = latest.since
    from team_spend as latest
    where entity.team_id = latest.entity_id
      and entity.budget_started_at <= latest.since
),

-- What a day's rollups add up. The correction of a lost request is no request of its own.
counted as (
    select
        api_key, model, spend, prompt_tokens, completion_tokens, "user", team_id, organization_id, end_user,
        request_tags,
        coalesce(model_group, '') as model_group,
        coalesce(custom_llm_provider, '') as custom_llm_provider,
        (start_time at time zone 'UTC')::date as date,
        coalesce((metadata -> 'additional_usage_values' ->> 'cache_read_input_tokens')::bigint, 0) as cache_read,
        coalesce((metadata -> 'additional_usage_values' ->> 'cache_creation_input_tokens')::bigint, 0) as cache_creation,
        (not metadata ? 'corrects')::integer as request,
        (not metadata ? 'corrects' and status = 'success')::integer as success
    from booked
),

daily_user as (
    insert into litellm_dailyuserspend as daily (
        user_id, date, api_key, model, model_group, custom_llm_provider, spend, prompt_tokens, completion_tokens,
        cache_read_input_tokens, cache_creation_input_tokens, api_requests, successful_requests, failed_requests
    )
    select
        "user", date, api_key, model, model_group, custom_llm_provider, sum(spend), sum(prompt_tokens),
        sum(completion_tokens), sum(cache_read), sum(cache_creation), sum(request), sum(success), sum(request - success)
    from counted
    group by 1, 2, 3, 4, 5, 6
    on conflict (user_id, date, api_key, model, model_group, custom_llm_provider) do update set
        spend = daily.spend + excluded.spend,
        prompt_tokens = daily.prompt_tokens + excluded.prompt_tokens,
        completion_tokens = daily.completion_tokens + excluded.completion_tokens,
        cache_read_input_tokens = daily.cache_read_input_tokens + excluded.cache_read_input_tokens,
        cache_creation_input_tokens = daily.cache_creation_input_tokens + excluded.cache_creation_input_tokens,
        api_requests = daily.api_requests + excluded.api_requests,
        successful_requests = daily.successful_requests + excluded.successful_requests,
        failed_requests = daily.failed_requests + excluded.failed_requests
),

daily_team as (
    insert into litellm_dailyteamspend as daily (
        team_id, date, api_key, model, model_group, custom_llm_provider, spend, prompt_tokens, completion_tokens,
        cache_read_input_tokens, cache_creation_input_tokens, api_requests, successful_requests, failed_requests
    )
    select
        team_id, date, api_key, model, model_group, custom_llm_provider, sum(spend), sum(prompt_tokens),
        sum(completion_tokens), sum(cache_read), sum(cache_creation), sum(request), sum(success), sum(request - success)
    from counted
    where team_id is not null
    group by 1, 2, 3, 4, 5, 6
    on conflict (team_id, date, api_key, model, model_group, custom_llm_provider) do update set
        spend = daily.spend + excluded.spend,
        prompt_tokens = daily.prompt_tokens + excluded.prompt_tokens,
        completion_tokens = daily.completion_tokens + excluded.completion_tokens,
        cache_read_input_tokens = daily.cache_read_input_tokens + excluded.cache_read_input_tokens,
        cache_creation_input_tokens = daily.cache_creation_input_tokens + excluded.cache_creation_input_tokens,
        api_requests = daily.api_requests + excluded.api_requests,
        successful_requests = daily.successful_requests + excluded.successful_requests,
        failed_requests = daily.failed_requests + excluded.failed_requests
),

daily_organization as (
    insert into litellm_dailyorganizationspend as daily (
        organization_id, date, api_key, model, model_group, custom_llm_provider, spend, prompt_tokens, completion_tokens,
        cache_read_input_tokens, cache_creation_input_tokens, api_requests, successful_requests, failed_requests
    )
    select
        organization_id, date, api_key, model, model_group, custom_llm_provider, sum(spend), sum(prompt_tokens),
        sum(completion_tokens), sum(cache_read), sum(cache_creation), sum(request), sum(success), sum(request - success)
    from counted
    where organization_id is not null
    group by 1, 2, 3, 4, 5, 6
    on conflict (organization_id, date, api_key, model, model_group, custom_llm_provider) do update set
        spend = daily.spend + excluded.spend,
        prompt_tokens = daily.prompt_tokens + excluded.prompt_tokens,
        completion_tokens = daily.completion_tokens + excluded.completion_tokens,
        cache_read_input_tokens = daily.cache_read_input_tokens + excluded.cache_read_input_tokens,
        cache_creation_input_tokens = daily.cache_creation_input_tokens + excluded.cache_creation_input_tokens,
        api_requests = daily.api_requests + excluded.api_requests,
        successful_requests = daily.successful_requests + excluded.successful_requests,
        failed_requests = daily.failed_requests + excluded.failed_requests
),

daily_enduser as (
    insert into litellm_dailyenduserspend as daily (
        end_user_id, date, api_key, model, model_group, custom_llm_provider, spend, prompt_tokens, completion_tokens,
        cache_read_input_tokens, cache_creation_input_tokens, api_requests, successful_requests, failed_requests
    )
    select
        end_user, date, api_key, model, model_group, custom_llm_provider, sum(spend), sum(prompt_tokens),
        sum(completion_tokens), sum(cache_read), sum(cache_creation), sum(request), sum(success), sum(request - success)
    from counted
    where end_user is not null
    group by 1, 2, 3, 4, 5, 6
    on conflict (end_user_id, date, api_key, model, model_group, custom_llm_provider) do update set
        spend = daily.spend + excluded.spend,
        prompt_tokens = daily.prompt_tokens + excluded.prompt_tokens,
        completion_tokens = daily.completion_tokens + excluded.completion_tokens,
        cache_read_input_tokens = daily.cache_read_input_tokens + excluded.cache_read_input_tokens,
        cache_creation_input_tokens = daily.cache_creation_input_tokens + excluded.cache_creation_input_tokens,
        api_requests = daily.api_requests + excluded.api_requests,
        successful_requests = daily.successful_requests + excluded.successful_requests,
        failed_requests = daily.failed_requests + excluded.failed_requests
),

daily_tag as (
    insert into litellm_dailytagspend as daily (
        tag, date, api_key, model, model_group, custom_llm_provider, spend, prompt_tokens, completion_tokens,
        cache_read_input_tokens, cache_creation_input_tokens, api_requests, successful_requests, failed_requests
    )
    select
        tag, date, api_key, model, model_group, custom_llm_provider, sum(spend), sum(prompt_tokens),
        sum(completion_tokens), sum(cache_read), sum(cache_creation), sum(request), sum(success), sum(request - success)
    from counted
    cross join lateral (select distinct unnest(request_tags) as tag) as tags
    group by 1, 2, 3, 4, 5, 6
    on conflict (tag, date, api_key, model, model_group, custom_llm_provider) do update set
        spend = daily.spend + excluded.spend,
        prompt_tokens = daily.prompt_tokens + excluded.prompt_tokens,
        completion_tokens = daily.completion_tokens + excluded.completion_tokens,
        cache_read_input_tokens = daily.cache_read_input_tokens + excluded.cache_read_input_tokens,
        cache_creation_input_tokens = daily.cache_creation_input_tokens + excluded.cache_creation_input_tokens,
        api_requests = daily.api_requests + excluded.api_requests,
        successful_requests = daily.successful_requests + excluded.successful_requests,
        failed_requests = daily.failed_requests + excluded.failed_requests
)

select count(*) as count, coalesce(sum(spend), 0) as spend
from booked;

-- name: booked
-- What those rows cost that are booked.
select id, spend
from litellm_spendlogs
where id = any(%(ids)s::uuid[]);

-- name: take_turn
-- Whether nobody else drains this shard; until the transaction ends, nobody else will.
select pg_try_advisory_xact_lock(hashtext('tollgate drain'), %(shard)s) as has_turn;

-- name: move_position
-- Note up to which entry of the stream all is booked; never backwards.
insert into ledger_position (shard, stream_id)
values (%(shard)s, %(stream_id)s)
on conflict (shard) do update
set stream_id = excluded.stream_id
where string_to_array(ledger_position.stream_id, '-')::numeric[] < string_to_array(excluded.stream_id, '-')::numeric[];

-- name: position
-- Up to which entry of the stream all is booked.
select stream_id
from ledger_position
where shard = %(shard)s;

-- name: park
-- Keep an entry that no row could be made of, or not all of it.
insert into litellm_parkedspendlogs (shard, stream_id, entry, sqlstate, is_booked)
values (%(shard)s, %(stream_id)s, %(entry)s, %(sqlstate)s, %(is_booked)s)
on conflict (shard, stream_id) do nothing;
