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
        team_id, organization_id, end_user, metadata, status, request_tags, since, call_type, cache_hit
),

-- A key that has another secret by now bears what its former one spent.
former as (
    select former.token, key.token as current
    from litellm_deprecatedverificationtoken as former
    inner join litellm_verificationtoken as key on key.id = former.active_token_id
    where former.token in (select api_key from booked)
),

-- Who bears how much, in which period: null where a kind has no limits and nobody looked.
borne as (
    select
        scope, entity_id, since, sum(spend) as spend, max(start_time) as used_at
    from (
        select bearer.scope, bearer.entity_id, bearer.since, booked.spend, booked.start_time
        from booked
        cross join lateral (
            values
            (
                'key',
                coalesce((select current from former where token = booked.api_key), booked.api_key),
                (since ->> 'key')::bigint
            ),
            ('user', "user", (since ->> 'user')::bigint),
            ('team', team_id, (since ->> 'team')::bigint),
            ('team_member', tollgate_pair(team_id, "user"), (since ->> 'team_member')::bigint),
            ('org', organization_id, (since ->> 'org')::bigint),
            ('end_user', end_user, (since ->> 'end_user')::bigint)
        ) as bearer (scope, entity_id, since)
        union all
        select 'tag', tag, (since -> 'tag' ->> tag)::bigint, spend, start_time
        from booked
        cross join lateral (select distinct unnest(request_tags) as tag) as tags
    ) as each_row
    where entity_id is not null
    group by 1, 2, 3
),

-- Of several periods of one bearer the newest counts.
latest as (
    select distinct on (scope, entity_id)
        scope, entity_id, to_timestamp(borne.since / 1000.0)::timestamptz(3) as since, spend, used_at
    from borne
    where since is not null
    order by scope, entity_id, borne.since desc
),

key_column as (
    update litellm_verificationtoken as entity
    set
        spend = case entity.budget_started_at when latest.since then entity.spend else 0 end + latest.spend,
        budget_opening = case entity.budget_started_at when latest.since then entity.budget_opening else 0 end,
        budget_started_at = latest.since,
        last_active = greatest(entity.last_active, latest.used_at)
    from latest
    where latest.scope = 'key'
      and entity.token = latest.entity_id
      and entity.budget_started_at <= latest.since
),

user_column as (
    update litellm_usertable as entity
    set
        spend = case entity.budget_started_at when latest.since then entity.spend else 0 end + latest.spend,
        budget_opening = case entity.budget_started_at when latest.since then entity.budget_opening else 0 end,
        budget_started_at = latest.since
    from latest
    where latest.scope = 'user'
      and entity.user_id = latest.entity_id
      and entity.budget_started_at <= latest.since
),

team_column as (
    update litellm_teamtable as entity
    set
        spend = case entity.budget_started_at when latest.since then entity.spend else 0 end + latest.spend,
        budget_opening = case entity.budget_started_at when latest.since then entity.budget_opening else 0 end,
        budget_started_at = latest.since
    from latest
    where latest.scope = 'team'
      and entity.team_id = latest.entity_id
      and entity.budget_started_at <= latest.since
),

organization_column as (
    update litellm_organizationtable as entity
    set
        spend = case entity.budget_started_at when latest.since then entity.spend else 0 end + latest.spend,
        budget_opening = case entity.budget_started_at when latest.since then entity.budget_opening else 0 end,
        budget_started_at = latest.since
    from latest
    where latest.scope = 'org'
      and entity.organization_id = latest.entity_id
      and entity.budget_started_at <= latest.since
),

member_column as (
    update litellm_teammembership as entity
    set
        spend = case entity.budget_started_at when latest.since then entity.spend else 0 end + latest.spend,
        total_spend = entity.total_spend + latest.spend,
        budget_opening = case entity.budget_started_at when latest.since then entity.budget_opening else 0 end,
        budget_started_at = latest.since
    from latest
    where latest.scope = 'team_member'
      and tollgate_pair(entity.team_id, entity.user_id) = latest.entity_id
      and entity.budget_started_at <= latest.since
),

-- Nobody looked for these where none of their kind has limits. What they spent then is added as long as they have no
-- budget and no counter: a counter that is made later must say what its column says.
named as (
    select scope, entity_id, latest.since, coalesce(latest.spend, 0) as spend, coalesce(undated.spend, 0) as undated
    from latest
    full join (select scope, entity_id, spend from borne where since is null) as undated using (scope, entity_id)
    where scope in ('end_user', 'tag')
),

enduser_column as (
    update litellm_endusertable as entity
    set
        spend = case when entity.budget_started_at < named.since then 0 else entity.spend end
            + case when entity.budget_started_at <= named.since then named.spend else 0 end
            + case when entity.budget_id is null and not entity.is_counted then named.undated else 0 end,
        budget_opening = case when entity.budget_started_at < named.since then 0 else entity.budget_opening end,
        budget_started_at = greatest(entity.budget_started_at, named.since),
        is_counted = entity.is_counted or named.since is not null
    from named
    where named.scope = 'end_user'
      and entity.user_id = named.entity_id
),

-- An end user whom nobody made gets a row when it first spends (LiteLLM), always in the same order. Whoever had one at
-- the time of the call has been deleted since. Nobody need be told: the row limits nothing.
enduser_row as (
    insert into litellm_endusertable as entity (user_id, spend, changed_at)
    select entity_id, undated, 'epoch'
    from named
    where scope = 'end_user'
      and undated > 0
      and not exists (select from litellm_endusertable where user_id = entity_id)
    order by entity_id
    on conflict (user_id) do update set spend = entity.spend + excluded.spend
    where entity.budget_id is null and not entity.is_counted
),

tag_column as (
    update litellm_tagtable as entity
    set
        spend = case when entity.budget_started_at < named.since then 0 else entity.spend end
            + case when entity.budget_started_at <= named.since then named.spend else 0 end
            + case when entity.budget_id is null then named.undated else 0 end,
        budget_opening = case when entity.budget_started_at < named.since then 0 else entity.budget_opening end,
        budget_started_at = greatest(entity.budget_started_at, named.since)
    from named
    where named.scope = 'tag'
      and entity.tag_name = named.entity_id
),

window_spend as (
    select distinct on (scope, entity_id, name)
        scope, entity_id, name, to_timestamp(by_period.since / 1000.0)::timestamptz(3) as since, spend
    from (
        select
            entry ->> 0 as scope,
            coalesce(
                (select current from former where token = entry ->> 1 and entry ->> 0 = 'key'), entry ->> 1
            ) as entity_id,
            entry ->> 2 as name, (entry ->> 3)::bigint as since,
            sum(spend) as spend
        from booked
        cross join lateral jsonb_array_elements(since -> 'windows') as entry
        group by 1, 2, 3, 4
    ) as by_period
    order by scope, entity_id, name, by_period.since desc
),

window_row as (
    insert into budget_window as entity (scope, entity_id, name, spend, budget_started_at)
    select scope, entity_id, name, spend, since
    from window_spend
    on conflict (scope, entity_id, name) do update set
        spend = case entity.budget_started_at when excluded.budget_started_at then entity.spend else 0 end
            + excluded.spend,
        budget_started_at = excluded.budget_started_at
    where entity.budget_started_at <= excluded.budget_started_at
),

-- What a day's rollups add up. The correction of a lost request is no request of its own.
counted as (
    select
        api_key, model, spend, prompt_tokens, completion_tokens, "user", team_id, organization_id, end_user,
        request_tags, call_type,
        coalesce(model_group, '') as model_group,
        coalesce(custom_llm_provider, '') as custom_llm_provider,
        (start_time at time zone 'UTC')::date as date,
        coalesce((metadata -> 'additional_usage_values' ->> 'cache_read_input_tokens')::bigint, 0) as cache_read,
        coalesce((metadata -> 'additional_usage_values' ->> 'cache_creation_input_tokens')::bigint, 0) as cache_creation,
        (not metadata ? 'corrects')::integer as request,
        (not metadata ? 'corrects' and coalesce(status = 'success', false))::integer as success,
        (not metadata ? 'corrects' and cache_hit)::integer as hit,
        case when status = 'success' then '' else coalesce(metadata -> 'error_information' ->> 'error_code', '') end
            as error_code,
        case when status = 'success' then '' else coalesce(metadata -> 'error_information' ->> 'error_class', '') end
            as error_class
    from booked
),

daily_call as (
    insert into litellm_dailycallactivity as daily (
        date, call_type, api_key, model, error_code, error_class, api_requests, cache_hits, failed_requests,
        cached_completion_tokens, generated_completion_tokens
    )
    select
        date, call_type, api_key, model, error_code, error_class, sum(success - hit), sum(hit), sum(request - success),
        sum(completion_tokens * hit), sum(completion_tokens * (1 - hit))
    from counted
    group by 1, 2, 3, 4, 5, 6
    on conflict (date, call_type, api_key, model, error_code, error_class) do update set
        api_requests = daily.api_requests + excluded.api_requests,
        cache_hits = daily.cache_hits + excluded.cache_hits,
        failed_requests = daily.failed_requests + excluded.failed_requests,
        cached_completion_tokens = daily.cached_completion_tokens + excluded.cached_completion_tokens,
        generated_completion_tokens = daily.generated_completion_tokens + excluded.generated_completion_tokens
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
where string_to_array(ledger_position.stream_id, '-')::numeric[] < string_to_array(excluded.stream_id, '-')::numeric[]
returning stream_id;

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

-- name: count_parked
-- How many entries wait for somebody to look at them, counted no further than is alarming.
select count(*) as count
from (
    select shard
    from litellm_parkedspendlogs
    limit 1000
) as parked;
