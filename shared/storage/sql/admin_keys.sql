-- name: find_keys
-- Keys by hash, as the admin API shows them.
select
    token, key_name, key_alias, user_id, team_id, organization_id, models, max_budget, soft_budget, spend,
    budget_started_at, budget_duration, budget_reset_at, model_max_budget, max_parallel_requests, rpm_limit,
    tpm_limit, expires, blocked, coalesce(permissions, '{}') as permissions, coalesce(metadata, '{}') as metadata,
    aliases, config, allowed_routes, allowed_cache_controls, budget_id, budget_limits, budget_fallbacks, router_settings, auto_rotate,
    rph_limit, tph_limit, rpd_limit, tpd_limit, rotation_interval, rotation_count, last_rotation_at, created_at, created_by, updated_at, updated_by, last_active
from litellm_verificationtoken
where token = any(%(tokens)s::text[])
order by token;

-- name: find_deleted_key
-- The last key of that hash that was deleted.
select
    token, key_name, key_alias, user_id, team_id, organization_id, models, max_budget, soft_budget, spend,
    budget_started_at, budget_duration, budget_reset_at, model_max_budget, max_parallel_requests, rpm_limit,
    tpm_limit, expires, blocked, coalesce(permissions, '{}') as permissions, coalesce(metadata, '{}') as metadata,
    aliases, config, allowed_routes, allowed_cache_controls, budget_id, budget_limits, budget_fallbacks, router_settings, auto_rotate,
    rph_limit, tph_limit, rpd_limit, tpd_limit, rotation_interval, rotation_count, last_rotation_at, created_at, created_by, updated_at, updated_by, last_active
from litellm_deletedverificationtoken
where token = %(token)s
order by deleted_at desc
limit 1;

-- name: list_keys
-- One page of the keys that pass every filter that is not null; sorted by one column of a fixed list, then by hash.
select
    token, key_name, key_alias, user_id, team_id, organization_id, models, max_budget, soft_budget, spend,
    budget_started_at, budget_duration, budget_reset_at, model_max_budget, max_parallel_requests, rpm_limit,
    tpm_limit, expires, blocked, coalesce(permissions, '{}') as permissions, coalesce(metadata, '{}') as metadata,
    aliases, config, allowed_routes, allowed_cache_controls, budget_id, budget_limits, budget_fallbacks, router_settings, auto_rotate,
    rph_limit, tph_limit, rpd_limit, tpd_limit, rotation_interval, rotation_count, last_rotation_at, created_at, created_by, updated_at, updated_by, last_active
from litellm_verificationtoken
where (%(token)s::text is null or token = %(token)s)
  and (
      %(everybodys)s
      or user_id = any(%(user_ids)s::text[])
      or team_id = any(%(team_ids)s::text[])
      or created_by = any(%(creators)s::text[])
  )
  and (%(user_id)s::text is null or user_id = %(user_id)s)
  and (%(team_id)s::text is null or team_id = %(team_id)s)
  and (%(organization_id)s::text is null or organization_id = %(organization_id)s)
  and (%(key_alias)s::text is null or key_alias = %(key_alias)s)
  and (
      %(search)s::text is null
      or strpos(lower(coalesce(key_alias, '')), lower(%(search)s)) > 0
      or token = %(search)s
      or user_id = %(search)s
  )
order by
    case when %(descending)s and %(sort_by)s = 'created_at' then created_at end desc nulls last,
    case when not %(descending)s and %(sort_by)s = 'created_at' then created_at end nulls last,
    case when %(descending)s and %(sort_by)s = 'updated_at' then updated_at end desc nulls last,
    case when not %(descending)s and %(sort_by)s = 'updated_at' then updated_at end nulls last,
    case when %(descending)s and %(sort_by)s = 'expires' then expires end desc nulls last,
    case when not %(descending)s and %(sort_by)s = 'expires' then expires end nulls last,
    case when %(descending)s and %(sort_by)s = 'spend' then spend end desc nulls last,
    case when not %(descending)s and %(sort_by)s = 'spend' then spend end nulls last,
    case when %(descending)s and %(sort_by)s = 'max_budget' then max_budget end desc nulls last,
    case when not %(descending)s and %(sort_by)s = 'max_budget' then max_budget end nulls last,
    case when %(descending)s and %(sort_by)s = 'key_alias' then key_alias end desc nulls last,
    case when not %(descending)s and %(sort_by)s = 'key_alias' then key_alias end nulls last,
    case when %(descending)s and %(sort_by)s = 'user_id' then user_id end desc nulls last,
    case when not %(descending)s and %(sort_by)s = 'user_id' then user_id end nulls last,
    case when %(descending)s and %(sort_by)s = 'team_id' then team_id end desc nulls last,
    case when not %(descending)s and %(sort_by)s = 'team_id' then team_id end nulls last,
    token
limit %(size)s
offset %(skip)s;

-- name: count_keys
-- How many keys pass every filter that is not null.
select count(*) as total
from litellm_verificationtoken
where (%(token)s::text is null or token = %(token)s)
  and (
      %(everybodys)s
      or user_id = any(%(user_ids)s::text[])
      or team_id = any(%(team_ids)s::text[])
      or created_by = any(%(creators)s::text[])
  )
  and (%(user_id)s::text is null or user_id = %(user_id)s)
  and (%(team_id)s::text is null or team_id = %(team_id)s)
  and (%(organization_id)s::text is null or organization_id = %(organization_id)s)
  and (%(key_alias)s::text is null or key_alias = %(key_alias)s)
  and (
      %(search)s::text is null
      or strpos(lower(coalesce(key_alias, '')), lower(%(search)s)) > 0
      or token = %(search)s
      or user_id = %(search)s
  );

-- name: list_deleted_keys
-- One page of the keys that were deleted and pass every filter that is not null.
select
    token, key_name, key_alias, user_id, team_id, organization_id, models, max_budget, soft_budget, spend,
    budget_started_at, budget_duration, budget_reset_at, model_max_budget, max_parallel_requests, rpm_limit,
    tpm_limit, expires, blocked, coalesce(permissions, '{}') as permissions, coalesce(metadata, '{}') as metadata,
    aliases, config, allowed_routes, allowed_cache_controls, budget_id, budget_limits, budget_fallbacks, router_settings, auto_rotate,
    rph_limit, tph_limit, rpd_limit, tpd_limit, rotation_interval, rotation_count, last_rotation_at, created_at, created_by, updated_at, updated_by, last_active
from litellm_deletedverificationtoken
where (%(token)s::text is null or token = %(token)s)
  and (
      %(everybodys)s
      or user_id = any(%(user_ids)s::text[])
      or team_id = any(%(team_ids)s::text[])
      or created_by = any(%(creators)s::text[])
  )
  and (%(user_id)s::text is null or user_id = %(user_id)s)
  and (%(team_id)s::text is null or team_id = %(team_id)s)
  and (%(organization_id)s::text is null or organization_id = %(organization_id)s)
  and (%(key_alias)s::text is null or key_alias = %(key_alias)s)
  and (
      %(search)s::text is null
      or strpos(lower(coalesce(key_alias, '')), lower(%(search)s)) > 0
      or token = %(search)s
      or user_id = %(search)s
  )
order by
    case when %(descending)s and %(sort_by)s = 'created_at' then created_at end desc nulls last,
    case when not %(descending)s and %(sort_by)s = 'created_at' then created_at end nulls last,
    case when %(descending)s and %(sort_by)s = 'updated_at' then updated_at end desc nulls last,
    case when not %(descending)s and %(sort_by)s = 'updated_at' then updated_at end nulls last,
    case when %(descending)s and %(sort_by)s = 'expires' then expires end desc nulls last,
    case when not %(descending)s and %(sort_by)s = 'expires' then expires end nulls last,
    case when %(descending)s and %(sort_by)s = 'spend' then spend end desc nulls last,
    case when not %(descending)s and %(sort_by)s = 'spend' then spend end nulls last,
    case when %(descending)s and %(sort_by)s = 'max_budget' then max_budget end desc nulls last,
    case when not %(descending)s and %(sort_by)s = 'max_budget' then max_budget end nulls last,
    case when %(descending)s and %(sort_by)s = 'key_alias' then key_alias end desc nulls last,
    case when not %(descending)s and %(sort_by)s = 'key_alias' then key_alias end nulls last,
    case when %(descending)s and %(sort_by)s = 'user_id' then user_id end desc nulls last,
    case when not %(descending)s and %(sort_by)s = 'user_id' then user_id end nulls last,
    case when %(descending)s and %(sort_by)s = 'team_id' then team_id end desc nulls last,
    case when not %(descending)s and %(sort_by)s = 'team_id' then team_id end nulls last,
    token
limit %(size)s
offset %(skip)s;

-- name: count_deleted_keys
-- How many of the deleted keys pass every filter that is not null.
select count(*) as total
from litellm_deletedverificationtoken
where (%(token)s::text is null or token = %(token)s)
  and (
      %(everybodys)s
      or user_id = any(%(user_ids)s::text[])
      or team_id = any(%(team_ids)s::text[])
      or created_by = any(%(creators)s::text[])
  )
  and (%(user_id)s::text is null or user_id = %(user_id)s)
  and (%(team_id)s::text is null or team_id = %(team_id)s)
  and (%(organization_id)s::text is null or organization_id = %(organization_id)s)
  and (%(key_alias)s::text is null or key_alias = %(key_alias)s)
  and (
      %(search)s::text is null
      or strpos(lower(coalesce(key_alias, '')), lower(%(search)s)) > 0
      or token = %(search)s
      or user_id = %(search)s
  );

-- name: list_aliases
-- One page of the aliases of keys that pass every filter that is not null.
select key_alias
from litellm_verificationtoken
where (%(token)s::text is null or token = %(token)s)
  and (
      %(everybodys)s
      or user_id = any(%(user_ids)s::text[])
      or team_id = any(%(team_ids)s::text[])
      or created_by = any(%(creators)s::text[])
  )
  and (%(user_id)s::text is null or user_id = %(user_id)s)
  and (%(team_id)s::text is null or team_id = %(team_id)s)
  and (%(organization_id)s::text is null or organization_id = %(organization_id)s)
  and (%(key_alias)s::text is null or key_alias = %(key_alias)s)
  and (
      %(search)s::text is null
      or strpos(lower(coalesce(key_alias, '')), lower(%(search)s)) > 0
      or token = %(search)s
      or user_id = %(search)s
  )
  and key_alias is not null
order by key_alias
limit %(size)s
offset %(skip)s;

-- name: count_aliases
-- How many aliases pass every filter that is not null.
select count(*) as total
from litellm_verificationtoken
where (%(token)s::text is null or token = %(token)s)
  and (
      %(everybodys)s
      or user_id = any(%(user_ids)s::text[])
      or team_id = any(%(team_ids)s::text[])
      or created_by = any(%(creators)s::text[])
  )
  and (%(user_id)s::text is null or user_id = %(user_id)s)
  and (%(team_id)s::text is null or team_id = %(team_id)s)
  and (%(organization_id)s::text is null or organization_id = %(organization_id)s)
  and (%(key_alias)s::text is null or key_alias = %(key_alias)s)
  and (
      %(search)s::text is null
      or strpos(lower(coalesce(key_alias, '')), lower(%(search)s)) > 0
      or token = %(search)s
      or user_id = %(search)s
  )
  and key_alias is not null;

-- name: find_tokens_of
-- The keys of users, teams or organisations that are about to go.
select token
from litellm_verificationtoken
where user_id = any(%(user_ids)s::text[])
   or team_id = any(%(team_ids)s::text[])
   or organization_id = any(%(organization_ids)s::text[])
order by token;

-- name: find_tokens_of_members
-- The keys that users have in one team.
select token
from litellm_verificationtoken
where team_id = %(team_id)s
  and user_id = any(%(user_ids)s::text[])
order by token;

-- name: find_tokens_of_aliases
-- The hashes behind aliases.
select token, key_alias
from litellm_verificationtoken
where key_alias = any(%(key_aliases)s::text[]);

-- name: insert_key
-- A new key; its period begins now, with what it is said to have spent.
insert into litellm_verificationtoken (
    token, key_name, key_alias, user_id, team_id, organization_id, models, max_budget, soft_budget, spend,
    budget_opening, budget_duration, budget_reset_at, model_max_budget, max_parallel_requests, rpm_limit, tpm_limit,
    expires, blocked, permissions, metadata, aliases, config, allowed_routes, allowed_cache_controls, budget_id,
    budget_limits, budget_fallbacks, router_settings, auto_rotate, rotation_interval, rph_limit, tph_limit, rpd_limit,
    tpd_limit, created_by, updated_by
)
values (
    %(token)s, %(key_name)s, %(key_alias)s, %(user_id)s, %(team_id)s, %(organization_id)s, %(models)s, %(max_budget)s,
    %(soft_budget)s, %(spend)s, %(spend)s, %(budget_duration)s, %(budget_reset_at)s, %(model_max_budget)s,
    %(max_parallel_requests)s, %(rpm_limit)s, %(tpm_limit)s, %(expires)s, %(blocked)s, %(permissions)s, %(metadata)s,
    %(aliases)s, %(config)s, %(allowed_routes)s, %(allowed_cache_controls)s, %(budget_id)s, %(budget_limits)s,
    %(budget_fallbacks)s, %(router_settings)s, %(auto_rotate)s, %(rotation_interval)s, %(rph_limit)s, %(tph_limit)s,
    %(rpd_limit)s, %(tpd_limit)s, %(by)s, %(by)s
);

-- name: lock_key
-- Hold a key until the transaction ends; accounting may not move it meanwhile.
select token
from litellm_verificationtoken
where token = %(token)s
for no key update;

-- name: write_key
-- All that an admin sets of a key.
update litellm_verificationtoken
set key_alias = %(key_alias)s,
    user_id = %(user_id)s,
    team_id = %(team_id)s,
    organization_id = %(organization_id)s,
    models = %(models)s,
    max_budget = %(max_budget)s,
    soft_budget = %(soft_budget)s,
    budget_duration = %(budget_duration)s,
    budget_reset_at = %(budget_reset_at)s,
    model_max_budget = %(model_max_budget)s,
    max_parallel_requests = %(max_parallel_requests)s,
    rpm_limit = %(rpm_limit)s,
    tpm_limit = %(tpm_limit)s,
    rph_limit = %(rph_limit)s,
    tph_limit = %(tph_limit)s,
    rpd_limit = %(rpd_limit)s,
    tpd_limit = %(tpd_limit)s,
    expires = %(expires)s,
    blocked = %(blocked)s,
    permissions = %(permissions)s,
    metadata = %(metadata)s,
    aliases = %(aliases)s,
    config = %(config)s,
    allowed_routes = %(allowed_routes)s,
    allowed_cache_controls = %(allowed_cache_controls)s,
    budget_id = %(budget_id)s,
    budget_limits = %(budget_limits)s,
    budget_fallbacks = %(budget_fallbacks)s,
    router_settings = %(router_settings)s,
    auto_rotate = %(auto_rotate)s,
    rotation_interval = %(rotation_interval)s,
    updated_by = %(by)s
where token = %(token)s;

-- name: roll_key_over
-- Begin the period that is due but not yet booked.
update litellm_verificationtoken
set spend = 0,
    budget_opening = 0,
    budget_started_at = %(since)s
where token = %(token)s
  and budget_started_at < %(since)s;

-- name: set_key_spend
-- Start a period by hand: what a key had spent before no longer counts, this does.
update litellm_verificationtoken
set spend = %(spend)s,
    budget_opening = %(spend)s,
    budget_started_at = greatest(
        date_trunc('milliseconds', clock_timestamp()), budget_started_at + interval '1 millisecond'
    ),
    version = default
where token = %(token)s;

-- name: lock_doomed_keys
-- Hold keys that are about to be deleted, always in the same order; whoever deletes them too waits.
select token
from litellm_verificationtoken
where token = any(%(tokens)s::text[])
order by token
for update;

-- name: archive_keys
-- Keep all that keys were, and who deleted them.
insert into litellm_deletedverificationtoken (
    id, token, key_name, user_id, team_id, models, max_budget, spend, budget_duration, budget_reset_at, rpm_limit,
    tpm_limit, max_parallel_requests, expires, permissions, metadata, created_at, updated_at, key_alias, blocked,
    soft_budget, soft_budget_cooldown, model_max_budget, budget_limits, budget_id, model_spend, aliases, config,
    router_settings, allowed_routes, allowed_cache_controls, access_group_ids, tags, organization_id, created_by,
    updated_by, last_active, auto_rotate, rotation_interval, rotation_count, last_rotation_at, key_rotation_at,
    budget_started_at, budget_opening, version, changed_at, rph_limit, tph_limit, rpd_limit, tpd_limit,
    budget_fallbacks, deleted_by, deleted_by_api_key, litellm_changed_by
)
select
    id, token, key_name, user_id, team_id, models, max_budget, spend, budget_duration, budget_reset_at, rpm_limit,
    tpm_limit, max_parallel_requests, expires, permissions, metadata, created_at, updated_at, key_alias, blocked,
    soft_budget, soft_budget_cooldown, model_max_budget, budget_limits, budget_id, model_spend, aliases, config,
    router_settings, allowed_routes, allowed_cache_controls, access_group_ids, tags, organization_id, created_by,
    updated_by, last_active, auto_rotate, rotation_interval, rotation_count, last_rotation_at, key_rotation_at,
    budget_started_at, budget_opening, version, changed_at, rph_limit, tph_limit, rpd_limit, tpd_limit,
    budget_fallbacks, %(by)s, %(by_key)s, %(changed_by)s
from litellm_verificationtoken
where token = any(%(tokens)s::text[]);

-- name: delete_keys
-- Remove keys; a trigger leaves a tombstone for each.
delete from litellm_verificationtoken
where token = any(%(tokens)s::text[]);

-- name: rotate_key
-- Give a key another secret; a trigger leaves a tombstone for the old one.
update litellm_verificationtoken
set token = %(new_token)s,
    key_name = %(key_name)s,
    rotation_count = rotation_count + 1,
    last_rotation_at = clock_timestamp(),
    updated_by = %(by)s
where token = %(token)s;

-- name: end_grace
-- End the grace periods of a key's former secrets; that they were its own is remembered for rows still to come.
update litellm_deprecatedverificationtoken
set revoke_at = least(revoke_at, clock_timestamp())
where active_token_id = (
    select id
    from litellm_verificationtoken
    where token = %(token)s
);

-- name: begin_grace
-- Let the former secret of a key be used for a while.
insert into litellm_deprecatedverificationtoken (token, active_token_id, revoke_at)
select %(old_token)s, id, %(revoke_at)s
from litellm_verificationtoken
where token = %(token)s
on conflict (token) do update
set active_token_id = excluded.active_token_id, revoke_at = excluded.revoke_at;

-- name: rename_windows
-- What a key has spent by span and by model stays with it under its new secret.
update budget_window
set entity_id = %(new_token)s
where scope = 'key'
  and entity_id = %(token)s;
