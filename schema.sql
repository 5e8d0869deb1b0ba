-- The whole schema of Tollgate. Applies to an empty database and, without change, again to a full one: every
-- statement is `if not exists` or `create or replace`. Plain SQL for Postgres 15 or newer, no extensions; one execute
-- runs it all.
--
-- Reading order: functions · budgets and organisations · teams, users, keys · memberships, end users, tags ·
-- models, config, credentials · the ledger · rollups · audit · triggers · partitions.
--
-- Conventions
--   money          numeric(38,9): US dollars, exact to the nanodollar. NaN is above every number in Postgres
--                  (`5 >= 'NaN'` is false), so a NaN budget would be unlimited: `< 'infinity'` refuses it.
--   budget_*       a period began at budget_started_at with budget_opening already spent; spend is the sum since then.
--                  Milliseconds, as Redis and the ledger's `since` have them.
--   version        from one sequence; a trigger takes the next number when a policy column is assigned. What only
--                  accounting writes (spend, budget_started_at, budget_opening, budget_reset_at) does not move it.
--   changed_at     when version moved; what was changed lately is written to Redis again.
--   names          LiteLLM's tables and columns in snake_case.

do $$
begin
    -- Two deploys at once take turns; the lock ends with the transaction of this file.
    perform pg_advisory_xact_lock(hashtext('tollgate schema'));
end;
$$;

create sequence if not exists tollgate_version;

-- ---------------------------------------------------------------------------------------------------------------------
-- Functions: UUIDv7 without extensions, and what triggers do
-- ---------------------------------------------------------------------------------------------------------------------

-- The lowest UUID of a millisecond: the bound of a partition, and of any query by time.
create or replace function tollgate_first_id(moment timestamptz) returns uuid
language sql immutable strict parallel safe as $$
    select (lpad(to_hex(floor(extract(epoch from moment) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;

-- A UUIDv7 of a moment: 48 bits of unix milliseconds, then version, variant and randomness (RFC 9562).
create or replace function tollgate_uuid7(moment timestamptz default clock_timestamp()) returns uuid
language sql volatile strict parallel safe as $$
    -- A random v4 UUID already has its variant; bits 52 and 53 turn version 4 into 7.
    select encode(
        set_bit(
            set_bit(
                overlay(
                    uuid_send(gen_random_uuid())
                    placing substring(uuid_send(tollgate_first_id(moment)) from 1 for 6)
                    from 1 for 6
                ),
                52, 1
            ),
            53, 1
        ),
        'hex'
    )::uuid
$$;

-- The millisecond in which a UUIDv7 was made.
create or replace function tollgate_time_of(id uuid) returns timestamptz
language sql immutable strict parallel safe as $$
    select to_timestamp(
        ('x0000' || substring(encode(uuid_send(id), 'hex') from 1 for 12))::bit(64)::bigint / 1000.0
    )
$$;

-- The id of what two ids name together: `team/user`. Texts that hold a slash themselves cannot forge another's.
create or replace function tollgate_pair(first text, second text) returns text
language sql immutable strict parallel safe as $$
    select replace(replace(first, '%', '%25'), '/', '%2F') || '/' || second
$$;

create or replace function tollgate_touch() returns trigger
language plpgsql as $$
begin
    new.updated_at := clock_timestamp();
    return new;
end;
$$;

create or replace function tollgate_stamp_version() returns trigger
language plpgsql as $$
begin
    new.version := nextval('tollgate_version');
    new.changed_at := clock_timestamp();
    return new;
end;
$$;

-- A deleted policy leaves a number newer than its last version, so that no stale copy of it can come back.
-- Arguments: the scope and the column that names the entity, or the two that do.
create or replace function tollgate_bury() returns trigger
language plpgsql as $$
declare
    gone text := to_jsonb(old) ->> tg_argv[1];
    stays text := case tg_op when 'UPDATE' then to_jsonb(new) ->> tg_argv[1] end;
begin
    if tg_nargs = 3 then
        gone := tollgate_pair(gone, to_jsonb(old) ->> tg_argv[2]);
        stays := case tg_op when 'UPDATE' then tollgate_pair(stays, to_jsonb(new) ->> tg_argv[2]) end;
    end if;
    if gone = stays then
        return null;
    end if;
    insert into policy_tombstone (scope, entity_id) values (tg_argv[0], gone)
    on conflict (scope, entity_id) do update
    set version = nextval('tollgate_version'), deleted_at = clock_timestamp();
    return null;
end;
$$;

-- From the first entity with a limit on, every call that names one of its kind asks for its policy; until then none
-- does. Argument: the scope.
create or replace function tollgate_note_limits() returns trigger
language plpgsql as $$
begin
    insert into policy_limited_scope (scope)
    select tg_argv[0] where not exists (select from policy_limited_scope where scope = tg_argv[0])
    on conflict do nothing;
    return null;
end;
$$;

create or replace function tollgate_stamp_config() returns trigger
language plpgsql as $$
begin
    update config_state set version = nextval('tollgate_version'), changed_at = clock_timestamp();
    return null;
end;
$$;

-- A ledger row without a start began when its id was made.
create or replace function tollgate_start_spend_log() returns trigger
language plpgsql as $$
begin
    new.start_time := tollgate_time_of(new.id);
    return new;
end;
$$;

-- ---------------------------------------------------------------------------------------------------------------------
-- Budgets and organisations
-- ---------------------------------------------------------------------------------------------------------------------

-- Limits that several entities share.
create table if not exists litellm_budgettable (
    budget_id text primary key default gen_random_uuid()::text,
    max_budget numeric(38, 9) check (max_budget >= 0 and max_budget < 'infinity'),
    soft_budget numeric(38, 9) check (soft_budget >= 0 and soft_budget < 'infinity'),
    max_parallel_requests integer check (max_parallel_requests >= 0),
    tpm_limit bigint check (tpm_limit >= 0),
    rpm_limit bigint check (rpm_limit >= 0),
    tpd_limit bigint check (tpd_limit >= 0),
    model_max_budget jsonb not null default '{}',
    budget_duration text,
    budget_reset_at timestamptz,
    allowed_models text[] not null default '{}',
    version bigint not null default nextval('tollgate_version'),
    changed_at timestamptz not null default clock_timestamp(),
    created_at timestamptz not null default now(),
    created_by text,
    updated_at timestamptz not null default now(),
    updated_by text
);

create table if not exists litellm_organizationtable (
    organization_id text primary key default gen_random_uuid()::text,
    organization_alias text,
    budget_id text references litellm_budgettable (budget_id),
    models text[] not null default '{}',
    spend numeric(38, 9) not null default 0 check (spend >= 0 and spend < 'infinity'),
    model_spend jsonb not null default '{}',
    metadata jsonb not null default '{}',
    blocked boolean not null default false,
    budget_started_at timestamptz(3) not null default date_trunc('milliseconds', now()),
    budget_opening numeric(38, 9) not null default 0 check (budget_opening >= 0 and budget_opening < 'infinity'),
    version bigint not null default nextval('tollgate_version'),
    changed_at timestamptz not null default clock_timestamp(),
    created_at timestamptz not null default now(),
    created_by text,
    updated_at timestamptz not null default now(),
    updated_by text
);

-- ---------------------------------------------------------------------------------------------------------------------
-- Teams, users, keys
-- ---------------------------------------------------------------------------------------------------------------------

create table if not exists litellm_teamtable (
    team_id text primary key default gen_random_uuid()::text,
    team_alias text,
    organization_id text,
    max_budget numeric(38, 9) check (max_budget >= 0 and max_budget < 'infinity'),
    spend numeric(38, 9) not null default 0 check (spend >= 0 and spend < 'infinity'),
    budget_duration text,
    budget_reset_at timestamptz,
    -- {"gpt-4": {"budget_limit": 100.0, "time_period": "1d"}}, or flat {"gpt-4": 100.0} for a lifetime.
    model_max_budget jsonb default '{}',
    tpm_limit bigint check (tpm_limit >= 0),
    rpm_limit bigint check (rpm_limit >= 0),
    models text[] not null default '{}',
    blocked boolean not null default false,
    metadata jsonb default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    -- beside the above
    admins text[] not null default '{}',
    members text[] not null default '{}',
    members_with_roles jsonb not null default '[]',
    max_parallel_requests integer check (max_parallel_requests >= 0),
    soft_budget numeric(38, 9) check (soft_budget >= 0 and soft_budget < 'infinity'),
    budget_limits jsonb,
    budget_id text references litellm_budgettable (budget_id),
    model_aliases jsonb not null default '{}',
    model_spend jsonb not null default '{}',
    router_settings jsonb,
    team_member_permissions text[] not null default '{}',
    default_team_member_models text[] not null default '{}',
    access_group_ids text[] not null default '{}',
    tags text[] not null default '{}',
    created_by text,
    updated_by text,
    budget_started_at timestamptz(3) not null default date_trunc('milliseconds', now()),
    budget_opening numeric(38, 9) not null default 0 check (budget_opening >= 0 and budget_opening < 'infinity'),
    version bigint not null default nextval('tollgate_version'),
    changed_at timestamptz not null default clock_timestamp()
) with (fillfactor = 85);

create index if not exists litellm_teamtable_organization_id_idx on litellm_teamtable (organization_id);
create index if not exists litellm_teamtable_team_alias_idx on litellm_teamtable (team_alias);
create index if not exists litellm_teamtable_changed_at_idx on litellm_teamtable (changed_at);
create index if not exists litellm_teamtable_budget_reset_at_idx
on litellm_teamtable (budget_reset_at) where budget_reset_at is not null;

create table if not exists litellm_usertable (
    user_id text primary key,
    user_email text unique,
    user_role text not null default 'internal_user',
    max_budget numeric(38, 9) check (max_budget >= 0 and max_budget < 'infinity'),
    spend numeric(38, 9) not null default 0 check (spend >= 0 and spend < 'infinity'),
    budget_duration text,
    budget_reset_at timestamptz,
    models text[] not null default '{}',
    tpm_limit bigint check (tpm_limit >= 0),
    rpm_limit bigint check (rpm_limit >= 0),
    team_id text references litellm_teamtable (team_id) on delete set null,
    metadata jsonb default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    -- beside the above
    user_alias text,
    sso_user_id text unique,
    organization_id text,
    teams text[] not null default '{}',
    blocked boolean not null default false,
    max_parallel_requests integer check (max_parallel_requests >= 0),
    soft_budget numeric(38, 9) check (soft_budget >= 0 and soft_budget < 'infinity'),
    model_max_budget jsonb not null default '{}',
    budget_limits jsonb,
    budget_id text references litellm_budgettable (budget_id),
    model_spend jsonb not null default '{}',
    allowed_cache_controls text[] not null default '{}',
    tags text[] not null default '{}',
    created_by text,
    updated_by text,
    budget_started_at timestamptz(3) not null default date_trunc('milliseconds', now()),
    budget_opening numeric(38, 9) not null default 0 check (budget_opening >= 0 and budget_opening < 'infinity'),
    version bigint not null default nextval('tollgate_version'),
    changed_at timestamptz not null default clock_timestamp()
) with (fillfactor = 85);

create index if not exists litellm_usertable_team_id_idx on litellm_usertable (team_id);
create index if not exists litellm_usertable_changed_at_idx on litellm_usertable (changed_at);
create index if not exists litellm_usertable_budget_reset_at_idx
on litellm_usertable (budget_reset_at) where budget_reset_at is not null;

-- Virtual keys. Deleting a user or team that still has keys is refused: a key that lost its team would lose its limits.
create table if not exists litellm_verificationtoken (
    id uuid primary key default gen_random_uuid(),
    token text not null unique,
    key_name text,
    user_id text references litellm_usertable (user_id) on update cascade,
    team_id text references litellm_teamtable (team_id) on update cascade,
    models text[] not null default '{}',
    max_budget numeric(38, 9) check (max_budget >= 0 and max_budget < 'infinity'),
    spend numeric(38, 9) not null default 0 check (spend >= 0 and spend < 'infinity'),
    budget_duration text,
    budget_reset_at timestamptz,
    rpm_limit bigint check (rpm_limit >= 0),
    tpm_limit bigint check (tpm_limit >= 0),
    max_parallel_requests integer check (max_parallel_requests >= 0),
    expires timestamptz,
    -- {"allow_model_list": true, …}
    permissions jsonb default '{}',
    metadata jsonb default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    -- beside the above
    key_alias text,
    blocked boolean not null default false,
    soft_budget numeric(38, 9) check (soft_budget >= 0 and soft_budget < 'infinity'),
    soft_budget_cooldown boolean not null default false,
    model_max_budget jsonb not null default '{}',
    budget_limits jsonb,
    budget_id text references litellm_budgettable (budget_id),
    model_spend jsonb not null default '{}',
    aliases jsonb not null default '{}',
    config jsonb not null default '{}',
    router_settings jsonb,
    allowed_routes text[] not null default '{}',
    allowed_cache_controls text[] not null default '{}',
    access_group_ids text[] not null default '{}',
    tags text[] not null default '{}',
    organization_id text,
    created_by text,
    updated_by text,
    last_active timestamptz,
    auto_rotate boolean not null default false,
    rotation_interval text,
    rotation_count integer not null default 0,
    last_rotation_at timestamptz,
    key_rotation_at timestamptz,
    budget_started_at timestamptz(3) not null default date_trunc('milliseconds', now()),
    budget_opening numeric(38, 9) not null default 0 check (budget_opening >= 0 and budget_opening < 'infinity'),
    version bigint not null default nextval('tollgate_version'),
    changed_at timestamptz not null default clock_timestamp()
) with (fillfactor = 85);

-- The unique constraint is the index on token.
create index if not exists litellm_verificationtoken_user_id_idx on litellm_verificationtoken (user_id);
create index if not exists litellm_verificationtoken_team_id_idx on litellm_verificationtoken (team_id);
create index if not exists litellm_verificationtoken_expires_idx on litellm_verificationtoken (expires);
create unique index if not exists litellm_verificationtoken_key_alias_key
on litellm_verificationtoken (key_alias) where key_alias is not null;
create index if not exists litellm_verificationtoken_changed_at_idx on litellm_verificationtoken (changed_at);
create index if not exists litellm_verificationtoken_budget_reset_at_idx
on litellm_verificationtoken (budget_reset_at) where budget_reset_at is not null;

-- Limits by the hour and by the day. Here and not above: a table that exists gets them too.
alter table litellm_budgettable add column if not exists rph_limit bigint check (rph_limit >= 0);
alter table litellm_budgettable add column if not exists tph_limit bigint check (tph_limit >= 0);
alter table litellm_budgettable add column if not exists rpd_limit bigint check (rpd_limit >= 0);
alter table litellm_teamtable add column if not exists rph_limit bigint check (rph_limit >= 0);
alter table litellm_teamtable add column if not exists tph_limit bigint check (tph_limit >= 0);
alter table litellm_teamtable add column if not exists rpd_limit bigint check (rpd_limit >= 0);
alter table litellm_teamtable add column if not exists tpd_limit bigint check (tpd_limit >= 0);
alter table litellm_usertable add column if not exists rph_limit bigint check (rph_limit >= 0);
alter table litellm_usertable add column if not exists tph_limit bigint check (tph_limit >= 0);
alter table litellm_usertable add column if not exists rpd_limit bigint check (rpd_limit >= 0);
alter table litellm_usertable add column if not exists tpd_limit bigint check (tpd_limit >= 0);
alter table litellm_verificationtoken add column if not exists rph_limit bigint check (rph_limit >= 0);
alter table litellm_verificationtoken add column if not exists tph_limit bigint check (tph_limit >= 0);
alter table litellm_verificationtoken add column if not exists rpd_limit bigint check (rpd_limit >= 0);
alter table litellm_verificationtoken add column if not exists tpd_limit bigint check (tpd_limit >= 0);

-- Which models answer instead where the budget of a model is spent: {"gpt-4o": ["gpt-4o-mini"]}.
alter table litellm_verificationtoken add column if not exists budget_fallbacks jsonb;

-- When a budget's current period began; null until its first one is over. Whatever is linked to it spends in this
-- period, or in its own if that began later.
alter table litellm_budgettable add column if not exists budget_started_at timestamptz(3);

create index if not exists litellm_budgettable_changed_at_idx on litellm_budgettable (changed_at);
create index if not exists litellm_budgettable_budget_reset_at_idx
on litellm_budgettable (budget_reset_at) where budget_reset_at is not null;
create index if not exists litellm_organizationtable_changed_at_idx on litellm_organizationtable (changed_at);
create index if not exists litellm_organizationtable_budget_id_idx
on litellm_organizationtable (budget_id) where budget_id is not null;
create index if not exists litellm_teamtable_budget_id_idx on litellm_teamtable (budget_id) where budget_id is not null;
create index if not exists litellm_usertable_budget_id_idx on litellm_usertable (budget_id) where budget_id is not null;
create index if not exists litellm_verificationtoken_budget_id_idx
on litellm_verificationtoken (budget_id) where budget_id is not null;

-- Deleted keys with all they were: /key/info still tells about them. Columns added to keys are added here as well.
create table if not exists litellm_deletedverificationtoken (
    like litellm_verificationtoken including defaults,
    deleted_at timestamptz not null default now(),
    deleted_by text,
    deleted_by_api_key text,
    litellm_changed_by text,
    primary key (id)
);

alter table litellm_deletedverificationtoken add column if not exists rph_limit bigint;
alter table litellm_deletedverificationtoken add column if not exists tph_limit bigint;
alter table litellm_deletedverificationtoken add column if not exists rpd_limit bigint;
alter table litellm_deletedverificationtoken add column if not exists tpd_limit bigint;
alter table litellm_deletedverificationtoken add column if not exists budget_fallbacks jsonb;

create index if not exists litellm_deletedverificationtoken_token_idx on litellm_deletedverificationtoken (token);
create index if not exists litellm_deletedverificationtoken_user_id_idx on litellm_deletedverificationtoken (user_id);
create index if not exists litellm_deletedverificationtoken_team_id_idx on litellm_deletedverificationtoken (team_id);
create index if not exists litellm_deletedverificationtoken_key_alias_idx
on litellm_deletedverificationtoken (key_alias);
create index if not exists litellm_deletedverificationtoken_deleted_at_idx
on litellm_deletedverificationtoken (deleted_at);

-- The former secrets of keys that were given another one, each valid until its grace period ends.
-- The few keys whose secrets change by themselves.
create index if not exists litellm_verificationtoken_rotating_idx
on litellm_verificationtoken (coalesce(last_rotation_at, created_at)) where auto_rotate;

create table if not exists litellm_deprecatedverificationtoken (
    token text primary key,
    active_token_id uuid not null references litellm_verificationtoken (id) on delete cascade,
    revoke_at timestamptz not null,
    created_at timestamptz not null default now()
);

create index if not exists litellm_deprecatedverificationtoken_active_token_id_idx
on litellm_deprecatedverificationtoken (active_token_id);

-- What was deleted, at which version; filled by triggers.
create table if not exists policy_tombstone (
    scope text not null,
    entity_id text not null,
    version bigint not null default nextval('tollgate_version'),
    deleted_at timestamptz not null default clock_timestamp(),
    primary key (scope, entity_id)
);

create index if not exists policy_tombstone_deleted_at_idx on policy_tombstone (deleted_at);

-- ---------------------------------------------------------------------------------------------------------------------
-- Memberships, end users, tags
-- ---------------------------------------------------------------------------------------------------------------------

create table if not exists litellm_teammembership (
    user_id text not null,
    team_id text not null,
    spend numeric(38, 9) not null default 0 check (spend >= 0 and spend < 'infinity'),
    total_spend numeric(38, 9) not null default 0 check (total_spend >= 0 and total_spend < 'infinity'),
    budget_id text references litellm_budgettable (budget_id),
    budget_started_at timestamptz(3) not null default date_trunc('milliseconds', now()),
    budget_opening numeric(38, 9) not null default 0 check (budget_opening >= 0 and budget_opening < 'infinity'),
    version bigint not null default nextval('tollgate_version'),
    changed_at timestamptz not null default clock_timestamp(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (user_id, team_id)
);

create index if not exists litellm_teammembership_team_id_idx on litellm_teammembership (team_id);
create index if not exists litellm_teammembership_pair_idx on litellm_teammembership (tollgate_pair(team_id, user_id));
create index if not exists litellm_teammembership_changed_at_idx on litellm_teammembership (changed_at);
create index if not exists litellm_teammembership_budget_id_idx
on litellm_teammembership (budget_id) where budget_id is not null;

create table if not exists litellm_organizationmembership (
    user_id text not null,
    organization_id text not null,
    user_role text,
    spend numeric(38, 9) not null default 0 check (spend >= 0 and spend < 'infinity'),
    budget_id text references litellm_budgettable (budget_id),
    budget_started_at timestamptz(3) not null default date_trunc('milliseconds', now()),
    budget_opening numeric(38, 9) not null default 0 check (budget_opening >= 0 and budget_opening < 'infinity'),
    version bigint not null default nextval('tollgate_version'),
    changed_at timestamptz not null default clock_timestamp(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (user_id, organization_id)
);

create index if not exists litellm_organizationmembership_organization_id_idx
on litellm_organizationmembership (organization_id);

-- The customers of a caller: whoever a request names as its `user`.
create table if not exists litellm_endusertable (
    user_id text primary key,
    alias text,
    spend numeric(38, 9) not null default 0 check (spend >= 0 and spend < 'infinity'),
    allowed_model_region text,
    default_model text,
    models text[] not null default '{}',
    budget_id text references litellm_budgettable (budget_id),
    blocked boolean not null default false,
    budget_started_at timestamptz(3) not null default date_trunc('milliseconds', now()),
    budget_opening numeric(38, 9) not null default 0 check (budget_opening >= 0 and budget_opening < 'infinity'),
    version bigint not null default nextval('tollgate_version'),
    changed_at timestamptz not null default clock_timestamp(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

-- Whether calls look for this end user: then only what they say to have charged to it is added to its spend.
alter table litellm_endusertable add column if not exists is_counted boolean not null default false;

create table if not exists litellm_tagtable (
    tag_name text primary key,
    description text,
    models text[] not null default '{}',
    model_info jsonb,
    spend numeric(38, 9) not null default 0 check (spend >= 0 and spend < 'infinity'),
    budget_id text references litellm_budgettable (budget_id),
    budget_started_at timestamptz(3) not null default date_trunc('milliseconds', now()),
    budget_opening numeric(38, 9) not null default 0 check (budget_opening >= 0 and budget_opening < 'infinity'),
    version bigint not null default nextval('tollgate_version'),
    changed_at timestamptz not null default clock_timestamp(),
    created_at timestamptz not null default now(),
    created_by text,
    updated_at timestamptz not null default now(),
    updated_by text
);

create index if not exists litellm_endusertable_changed_at_idx on litellm_endusertable (changed_at);
create index if not exists litellm_endusertable_budget_id_idx
on litellm_endusertable (budget_id) where budget_id is not null;
create index if not exists litellm_tagtable_changed_at_idx on litellm_tagtable (changed_at);
create index if not exists litellm_tagtable_budget_id_idx on litellm_tagtable (budget_id) where budget_id is not null;

-- Of which kinds any has limits (end_user, tag). A kind that has none costs its callers nothing.
create table if not exists policy_limited_scope (
    scope text primary key,
    version bigint not null default nextval('tollgate_version'),
    changed_at timestamptz not null default clock_timestamp()
);

-- What has no column of its own: windows of budget_limits, budgets per model, the proxy's own budget. By the merge rule
-- of `since`, from the ledger alone.
create table if not exists budget_window (
    scope text not null,
    entity_id text not null,
    -- `1d`, `1d/gpt-4o`, `-/gpt-4o` (for ever), `-` (all the proxy spends)
    name text not null,
    spend numeric(38, 9) not null default 0 check (spend > '-infinity' and spend < 'infinity'),
    budget_started_at timestamptz(3) not null,
    primary key (scope, entity_id, name)
) with (fillfactor = 85);

-- What anybody may do and spend, in one shape: all that an entry in Redis is made of. Columns are added at the end:
-- a view that exists can be given more of them only there.
create or replace view policy as
select
    'key' as scope,
    token as entity_id,
    version,
    changed_at,
    blocked,
    models,
    max_budget,
    spend,
    budget_duration,
    budget_reset_at,
    budget_started_at,
    budget_opening,
    rpm_limit,
    tpm_limit,
    max_parallel_requests,
    case
        when budget_fallbacks is null then metadata
        else case jsonb_typeof(metadata) when 'object' then metadata else '{}' end
            || jsonb_build_object('budget_fallbacks', budget_fallbacks)
    end as metadata,
    key_name,
    key_alias as alias,
    user_id,
    team_id,
    expires,
    allowed_routes,
    aliases as model_aliases,
    permissions,
    null as user_role,
    organization_id,
    budget_id,
    soft_budget,
    model_max_budget,
    budget_limits,
    rph_limit,
    tph_limit,
    rpd_limit,
    tpd_limit,
    allowed_cache_controls
from litellm_verificationtoken
union all
select
    'user', user_id, version, changed_at, blocked, models, max_budget, spend, budget_duration, budget_reset_at,
    budget_started_at, budget_opening, rpm_limit, tpm_limit, max_parallel_requests, metadata,
    null, user_alias, null, null, null, '{}', '{}', '{}', user_role,
    null, budget_id, soft_budget, model_max_budget, budget_limits, rph_limit, tph_limit, rpd_limit, tpd_limit, '{}'
from litellm_usertable
union all
select
    'team', team_id, version, changed_at, blocked, models, max_budget, spend, budget_duration, budget_reset_at,
    budget_started_at, budget_opening, rpm_limit, tpm_limit, max_parallel_requests, metadata,
    null, team_alias, null, null, null, '{}', model_aliases, '{}', null,
    organization_id, budget_id, soft_budget, model_max_budget, budget_limits,
    rph_limit, tph_limit, rpd_limit, tpd_limit, '{}'
from litellm_teamtable
union all
select
    'team_member', tollgate_pair(team_id, user_id), version, changed_at, false, '{}', null, spend, null, null,
    budget_started_at, budget_opening, null, null, null, '{}',
    null, null, user_id, team_id, null, '{}', '{}', '{}', null,
    null, budget_id, null, '{}', null, null, null, null, null, '{}'
from litellm_teammembership
union all
select
    'org', organization_id, version, changed_at, blocked, models, null, spend, null, null,
    budget_started_at, budget_opening, null, null, null, metadata,
    null, organization_alias, null, null, null, '{}', '{}', '{}', null,
    null, budget_id, null, '{}', null, null, null, null, null, '{}'
from litellm_organizationtable
union all
select
    'end_user', user_id, version, changed_at, blocked, models, null, spend, null, null,
    budget_started_at, budget_opening, null, null, null,
    jsonb_strip_nulls(jsonb_build_object('allowed_model_region', allowed_model_region)),
    null, alias, null, null, null, '{}', '{}', '{}', null,
    null, budget_id, null, '{}', null, null, null, null, null, '{}'
from litellm_endusertable
union all
select
    'tag', tag_name, version, changed_at, false, models, null, spend, null, null,
    budget_started_at, budget_opening, null, null, null, '{}',
    null, null, null, null, null, '{}', '{}', '{}', null,
    null, budget_id, null, '{}', null, null, null, null, null, '{}'
from litellm_tagtable
union all
select
    'budget', budget_id, version, changed_at, false, allowed_models, max_budget, 0, budget_duration, budget_reset_at,
    coalesce(budget_started_at, 'epoch'), 0, rpm_limit, tpm_limit, max_parallel_requests, '{}',
    null, null, null, null, null, '{}', '{}', '{}', null,
    null, null, soft_budget, model_max_budget, null, rph_limit, tph_limit, rpd_limit, tpd_limit, '{}'
from litellm_budgettable
union all
select
    'limited', scope, version, changed_at, false, '{}', null, 0, null, null,
    'epoch', 0, null, null, null, '{}',
    null, null, null, null, null, '{}', '{}', '{}', null,
    null, null, null, '{}', null, null, null, null, null, '{}'
from policy_limited_scope;

-- ---------------------------------------------------------------------------------------------------------------------
-- Models, config, credentials
-- ---------------------------------------------------------------------------------------------------------------------

-- Deployments added over the API; the secrets in litellm_params are encrypted one by one.
create table if not exists litellm_proxymodeltable (
    model_id text primary key default gen_random_uuid()::text,
    model_name text not null,
    litellm_params jsonb not null,
    model_info jsonb,
    blocked boolean not null default false,
    created_at timestamptz not null default now(),
    created_by text,
    updated_at timestamptz not null default now(),
    updated_by text
);

create index if not exists litellm_proxymodeltable_model_name_idx on litellm_proxymodeltable (model_name);

create table if not exists litellm_config (
    id uuid primary key default gen_random_uuid(),
    config_name text not null unique,
    config_value jsonb not null,
    updated_at timestamptz not null default now(),
    updated_by text
);

-- One row: the version of all that config, models and credentials say together. Triggers move it, and whoever changes
-- them holds it, so that every change is judged as part of the whole.
create table if not exists config_state (
    is_only boolean primary key default true check (is_only),
    version bigint not null default nextval('tollgate_version'),
    changed_at timestamptz not null default clock_timestamp()
);

insert into config_state (version)
select nextval('tollgate_version') where not exists (select 1 from config_state);

create table if not exists litellm_credentialstable (
    credential_id text primary key default gen_random_uuid()::text,
    credential_name text not null unique,
    credential_values jsonb not null,
    credential_info jsonb,
    created_at timestamptz not null default now(),
    created_by text,
    updated_at timestamptz not null default now(),
    updated_by text
);

-- ---------------------------------------------------------------------------------------------------------------------
-- The ledger: one row per billed request, append-only
-- ---------------------------------------------------------------------------------------------------------------------

-- Partitioned by id, which is a UUIDv7: so the id alone is the primary key, and a request is booked once whatever its
-- month. start_time is the id's millisecond; a query by time bounds the id as well, to read the months it needs.
-- api_key references no key: the ledger keeps the rows of deleted keys, and of the master key under its alias.
create table if not exists litellm_spendlogs (
    id uuid primary key default tollgate_uuid7(),
    request_id text not null,
    call_type text not null,
    api_key text not null,
    -- Negative in the correction of an estimate. No request costs a billion dollars.
    spend numeric(38, 9) not null default 0 check (abs(spend) < 1000000000),
    total_tokens integer not null default 0,
    prompt_tokens integer not null default 0,
    completion_tokens integer not null default 0,
    start_time timestamptz not null,
    end_time timestamptz not null default clock_timestamp(),
    model text not null default '',
    api_base text,
    "user" text,
    team_id text,
    end_user text,
    metadata jsonb default '{}',
    cache_hit boolean not null default false,
    cache_key text,
    request_tags text[] not null default '{}',
    -- beside the above
    completion_start_time timestamptz,
    model_group text,
    model_id text,
    custom_llm_provider text,
    organization_id text,
    requester_ip_address text,
    session_id text,
    status text,
    -- {"key": ms, "user": ms, …}: the start of the period in which each of them bears this spend; "tag": {name: ms};
    -- "windows": [[scope, id, name, ms], …] for those of budget_window
    since jsonb not null default '{}'
) partition by range (id);

create index if not exists litellm_spendlogs_start_time_idx on litellm_spendlogs (start_time);
create index if not exists litellm_spendlogs_api_key_start_time_idx on litellm_spendlogs (api_key, start_time);
create index if not exists litellm_spendlogs_team_id_idx on litellm_spendlogs (team_id);
create index if not exists litellm_spendlogs_user_idx on litellm_spendlogs ("user");
create index if not exists litellm_spendlogs_model_idx on litellm_spendlogs (model);
create index if not exists litellm_spendlogs_request_tags_idx on litellm_spendlogs using gin (request_tags);
create index if not exists litellm_spendlogs_request_id_idx on litellm_spendlogs (request_id);
create index if not exists litellm_spendlogs_end_user_idx on litellm_spendlogs (end_user);

-- Whatever fits no month; a row here raises an alarm.
create table if not exists litellm_spendlogs_default partition of litellm_spendlogs default;

-- How far each ledger stream is booked; moves in the same transaction as the rows.
create table if not exists ledger_position (
    shard integer primary key,
    stream_id text not null,
    updated_at timestamptz not null default now()
);

-- Since when the ledger is whole: older months were dropped, and none of their rows must be booked again.
create table if not exists ledger_kept (
    is_only boolean primary key default true check (is_only),
    since timestamptz not null
);

-- Entries of the stream that no ledger row could be made of, as they were; or, where is_booked, only a bare one that
-- says who spent how much.
create table if not exists litellm_parkedspendlogs (
    shard integer not null,
    stream_id text not null,
    entry bytea not null,
    sqlstate text not null,
    is_booked boolean not null default false,
    parked_at timestamptz not null default now(),
    primary key (shard, stream_id)
);

-- What was told about budgets, or is to be: one of a kind for each period and limit.
create table if not exists litellm_budgetalert (
    id uuid primary key default gen_random_uuid(),
    scope text not null,
    entity_id text not null,
    event text not null,
    budget_started_at timestamptz(3) not null,
    budget_limit numeric(38, 9) not null,
    body jsonb not null,
    noted_at timestamptz not null default clock_timestamp(),
    claimed_at timestamptz,
    sent_to text[] not null default '{}',
    sent_at timestamptz,
    unique (scope, entity_id, event, budget_started_at, budget_limit)
);

create index if not exists litellm_budgetalert_noted_at_idx on litellm_budgetalert (noted_at) where sent_at is null;

-- ---------------------------------------------------------------------------------------------------------------------
-- Rollups by UTC day. Every row of the ledger is in the users' one (user_id null where there is none)
-- ---------------------------------------------------------------------------------------------------------------------

create table if not exists litellm_dailyuserspend (
    id uuid primary key default gen_random_uuid(),
    user_id text,
    date date not null,
    api_key text not null,
    model text not null default '',
    model_group text not null default '',
    custom_llm_provider text not null default '',
    prompt_tokens bigint not null default 0,
    completion_tokens bigint not null default 0,
    cache_read_input_tokens bigint not null default 0,
    cache_creation_input_tokens bigint not null default 0,
    spend numeric(38, 9) not null default 0 check (spend > '-infinity' and spend < 'infinity'),
    api_requests bigint not null default 0,
    successful_requests bigint not null default 0,
    failed_requests bigint not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint litellm_dailyuserspend_key
    unique nulls not distinct (user_id, date, api_key, model, model_group, custom_llm_provider)
) with (fillfactor = 85);

create index if not exists litellm_dailyuserspend_date_idx on litellm_dailyuserspend (date);
create index if not exists litellm_dailyuserspend_api_key_idx on litellm_dailyuserspend (api_key);
create index if not exists litellm_dailyuserspend_model_idx on litellm_dailyuserspend (model);

create table if not exists litellm_dailyteamspend (
    id uuid primary key default gen_random_uuid(),
    team_id text not null,
    date date not null,
    api_key text not null,
    model text not null default '',
    model_group text not null default '',
    custom_llm_provider text not null default '',
    prompt_tokens bigint not null default 0,
    completion_tokens bigint not null default 0,
    cache_read_input_tokens bigint not null default 0,
    cache_creation_input_tokens bigint not null default 0,
    spend numeric(38, 9) not null default 0 check (spend > '-infinity' and spend < 'infinity'),
    api_requests bigint not null default 0,
    successful_requests bigint not null default 0,
    failed_requests bigint not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint litellm_dailyteamspend_key
    unique nulls not distinct (team_id, date, api_key, model, model_group, custom_llm_provider)
) with (fillfactor = 85);

create index if not exists litellm_dailyteamspend_date_idx on litellm_dailyteamspend (date);
create index if not exists litellm_dailyteamspend_api_key_idx on litellm_dailyteamspend (api_key);
create index if not exists litellm_dailyteamspend_model_idx on litellm_dailyteamspend (model);

create table if not exists litellm_dailyorganizationspend (
    id uuid primary key default gen_random_uuid(),
    organization_id text not null,
    date date not null,
    api_key text not null,
    model text not null default '',
    model_group text not null default '',
    custom_llm_provider text not null default '',
    prompt_tokens bigint not null default 0,
    completion_tokens bigint not null default 0,
    cache_read_input_tokens bigint not null default 0,
    cache_creation_input_tokens bigint not null default 0,
    spend numeric(38, 9) not null default 0 check (spend > '-infinity' and spend < 'infinity'),
    api_requests bigint not null default 0,
    successful_requests bigint not null default 0,
    failed_requests bigint not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint litellm_dailyorganizationspend_key
    unique nulls not distinct (organization_id, date, api_key, model, model_group, custom_llm_provider)
) with (fillfactor = 85);

create index if not exists litellm_dailyorganizationspend_date_idx on litellm_dailyorganizationspend (date);
create index if not exists litellm_dailyorganizationspend_api_key_idx on litellm_dailyorganizationspend (api_key);
create index if not exists litellm_dailyorganizationspend_model_idx on litellm_dailyorganizationspend (model);

create table if not exists litellm_dailyenduserspend (
    id uuid primary key default gen_random_uuid(),
    end_user_id text not null,
    date date not null,
    api_key text not null,
    model text not null default '',
    model_group text not null default '',
    custom_llm_provider text not null default '',
    prompt_tokens bigint not null default 0,
    completion_tokens bigint not null default 0,
    cache_read_input_tokens bigint not null default 0,
    cache_creation_input_tokens bigint not null default 0,
    spend numeric(38, 9) not null default 0 check (spend > '-infinity' and spend < 'infinity'),
    api_requests bigint not null default 0,
    successful_requests bigint not null default 0,
    failed_requests bigint not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint litellm_dailyenduserspend_key
    unique nulls not distinct (end_user_id, date, api_key, model, model_group, custom_llm_provider)
) with (fillfactor = 85);

create index if not exists litellm_dailyenduserspend_date_idx on litellm_dailyenduserspend (date);
create index if not exists litellm_dailyenduserspend_api_key_idx on litellm_dailyenduserspend (api_key);
create index if not exists litellm_dailyenduserspend_model_idx on litellm_dailyenduserspend (model);

create table if not exists litellm_dailytagspend (
    id uuid primary key default gen_random_uuid(),
    tag text not null,
    date date not null,
    api_key text not null,
    model text not null default '',
    model_group text not null default '',
    custom_llm_provider text not null default '',
    prompt_tokens bigint not null default 0,
    completion_tokens bigint not null default 0,
    cache_read_input_tokens bigint not null default 0,
    cache_creation_input_tokens bigint not null default 0,
    spend numeric(38, 9) not null default 0 check (spend > '-infinity' and spend < 'infinity'),
    api_requests bigint not null default 0,
    successful_requests bigint not null default 0,
    failed_requests bigint not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint litellm_dailytagspend_key
    unique nulls not distinct (tag, date, api_key, model, model_group, custom_llm_provider)
) with (fillfactor = 85);

create index if not exists litellm_dailytagspend_date_idx on litellm_dailytagspend (date);
create index if not exists litellm_dailytagspend_api_key_idx on litellm_dailytagspend (api_key);
create index if not exists litellm_dailytagspend_model_idx on litellm_dailytagspend (model);

-- What the calls of each kind came to: answered by the cache, by a provider, or failed and how.
create table if not exists litellm_dailycallactivity (
    date date not null,
    call_type text not null,
    api_key text not null,
    model text not null default '',
    error_code text not null default '',
    error_class text not null default '',
    api_requests bigint not null default 0,
    cache_hits bigint not null default 0,
    failed_requests bigint not null default 0,
    cached_completion_tokens bigint not null default 0,
    generated_completion_tokens bigint not null default 0,
    primary key (date, call_type, api_key, model, error_code, error_class)
) with (fillfactor = 85);

-- The rollups in one shape; who asks names the kind, and only that table is read.
create or replace view daily_spend as
select
    'user' as kind, user_id as entity_id, date, api_key, model, model_group, custom_llm_provider, prompt_tokens, completion_tokens,
    cache_read_input_tokens, cache_creation_input_tokens, spend, api_requests, successful_requests, failed_requests
from litellm_dailyuserspend
union all
select
    'team', team_id, date, api_key, model, model_group, custom_llm_provider, prompt_tokens, completion_tokens,
    cache_read_input_tokens, cache_creation_input_tokens, spend, api_requests, successful_requests, failed_requests
from litellm_dailyteamspend
union all
select
    'organization', organization_id, date, api_key, model, model_group, custom_llm_provider, prompt_tokens, completion_tokens,
    cache_read_input_tokens, cache_creation_input_tokens, spend, api_requests, successful_requests, failed_requests
from litellm_dailyorganizationspend
union all
select
    'customer', end_user_id, date, api_key, model, model_group, custom_llm_provider, prompt_tokens, completion_tokens,
    cache_read_input_tokens, cache_creation_input_tokens, spend, api_requests, successful_requests, failed_requests
from litellm_dailyenduserspend
union all
select
    'tag', tag, date, api_key, model, model_group, custom_llm_provider, prompt_tokens, completion_tokens,
    cache_read_input_tokens, cache_creation_input_tokens, spend, api_requests, successful_requests, failed_requests
from litellm_dailytagspend;

-- How deployments were when /health called them: each change, and once an hour what did not change.
create table if not exists litellm_healthchecktable (
    health_check_id uuid primary key default tollgate_uuid7(),
    model_name text not null,
    model_id text,
    status text not null,
    healthy_count integer not null default 0,
    unhealthy_count integer not null default 0,
    error_message text,
    response_time_ms double precision,
    details jsonb,
    checked_by text,
    checked_at timestamptz not null default now(),
    created_at timestamptz not null default now()
);

create index if not exists litellm_healthchecktable_model_id_idx on litellm_healthchecktable (model_id, checked_at);
create index if not exists litellm_healthchecktable_checked_at_idx on litellm_healthchecktable (checked_at);

-- ---------------------------------------------------------------------------------------------------------------------
-- Audit
-- ---------------------------------------------------------------------------------------------------------------------

create table if not exists litellm_auditlog (
    id uuid primary key default gen_random_uuid(),
    updated_at timestamptz not null default now(),
    changed_by text not null default '',
    changed_by_api_key text not null default '',
    action text not null,
    table_name text not null,
    object_id text not null,
    before_value jsonb,
    updated_values jsonb
);

create index if not exists litellm_auditlog_object_id_idx on litellm_auditlog (object_id);
create index if not exists litellm_auditlog_updated_at_idx on litellm_auditlog (updated_at);

-- ---------------------------------------------------------------------------------------------------------------------
-- Triggers
-- ---------------------------------------------------------------------------------------------------------------------

create or replace trigger touch before update on litellm_budgettable
for each row execute function tollgate_touch();
create or replace trigger touch before update on litellm_organizationtable
for each row execute function tollgate_touch();
create or replace trigger touch before update on litellm_teamtable
for each row execute function tollgate_touch();
create or replace trigger touch before update on litellm_usertable
for each row execute function tollgate_touch();
create or replace trigger touch before update on litellm_verificationtoken
for each row execute function tollgate_touch();
create or replace trigger touch before update on litellm_teammembership
for each row execute function tollgate_touch();
create or replace trigger touch before update on litellm_organizationmembership
for each row execute function tollgate_touch();
create or replace trigger touch before update on litellm_endusertable
for each row execute function tollgate_touch();
create or replace trigger touch before update on litellm_tagtable
for each row execute function tollgate_touch();
create or replace trigger touch before update on litellm_proxymodeltable
for each row execute function tollgate_touch();
create or replace trigger touch before update on litellm_config
for each row execute function tollgate_touch();
create or replace trigger touch before update on litellm_credentialstable
for each row execute function tollgate_touch();
create or replace trigger touch before update on litellm_dailyuserspend
for each row execute function tollgate_touch();
create or replace trigger touch before update on litellm_dailyteamspend
for each row execute function tollgate_touch();
create or replace trigger touch before update on litellm_dailyorganizationspend
for each row execute function tollgate_touch();
create or replace trigger touch before update on litellm_dailyenduserspend
for each row execute function tollgate_touch();
create or replace trigger touch before update on litellm_dailytagspend
for each row execute function tollgate_touch();
create or replace trigger touch before update on ledger_position
for each row execute function tollgate_touch();

-- Which columns are policy: all that decide what an entity may do. `version` is among them, so that a statement which
-- sets spend by hand says `version = default` and is seen as a change.
create or replace trigger stamp_version before update of
    version, token, key_name, key_alias, user_id, team_id, organization_id, budget_id, models, max_budget, soft_budget,
    budget_duration, budget_limits, model_max_budget,
    rpm_limit, tpm_limit, rph_limit, tph_limit, rpd_limit, tpd_limit, max_parallel_requests, expires, blocked,
    permissions, metadata, aliases, config, router_settings, allowed_routes, allowed_cache_controls,
    access_group_ids, tags, budget_fallbacks
on litellm_verificationtoken for each row execute function tollgate_stamp_version();

create or replace trigger stamp_version before update of
    version, user_id, user_email, user_role, user_alias, team_id, teams, organization_id, budget_id, models, max_budget,
    soft_budget, budget_duration, budget_limits, model_max_budget, rpm_limit, tpm_limit, rph_limit, tph_limit,
    rpd_limit, tpd_limit, max_parallel_requests, blocked, metadata, allowed_cache_controls, tags
on litellm_usertable for each row execute function tollgate_stamp_version();

create or replace trigger stamp_version before update of
    version, team_id, team_alias, organization_id, budget_id, models, max_budget, soft_budget, budget_duration,
    budget_limits, model_max_budget, model_aliases, rpm_limit, tpm_limit, rph_limit, tph_limit, rpd_limit, tpd_limit,
    max_parallel_requests, blocked, metadata, admins, members, members_with_roles, router_settings,
    team_member_permissions, default_team_member_models, access_group_ids, tags
on litellm_teamtable for each row execute function tollgate_stamp_version();

create or replace trigger stamp_version before update of
    version, max_budget, soft_budget, max_parallel_requests, tpm_limit, rpm_limit, rph_limit, tph_limit,
    rpd_limit, tpd_limit, model_max_budget, budget_duration, allowed_models
on litellm_budgettable for each row execute function tollgate_stamp_version();

create or replace trigger stamp_version before update of
    version, organization_alias, budget_id, models, metadata, blocked
on litellm_organizationtable for each row execute function tollgate_stamp_version();

create or replace trigger stamp_version before update of
    version, budget_id
on litellm_teammembership for each row execute function tollgate_stamp_version();

create or replace trigger stamp_version before update of
    version, user_role, budget_id
on litellm_organizationmembership for each row execute function tollgate_stamp_version();

create or replace trigger stamp_version before update of
    version, alias, allowed_model_region, default_model, models, budget_id, blocked
on litellm_endusertable for each row execute function tollgate_stamp_version();

create or replace trigger stamp_version before update of
    version, models, budget_id
on litellm_tagtable for each row execute function tollgate_stamp_version();

create or replace trigger bury after delete or update of token on litellm_verificationtoken
for each row execute function tollgate_bury('key', 'token');
create or replace trigger bury after delete or update of user_id on litellm_usertable
for each row execute function tollgate_bury('user', 'user_id');
create or replace trigger bury after delete or update of team_id on litellm_teamtable
for each row execute function tollgate_bury('team', 'team_id');
create or replace trigger bury after delete or update of team_id, user_id on litellm_teammembership
for each row execute function tollgate_bury('team_member', 'team_id', 'user_id');
create or replace trigger bury after delete or update of organization_id on litellm_organizationtable
for each row execute function tollgate_bury('org', 'organization_id');
create or replace trigger bury after delete or update of user_id on litellm_endusertable
for each row execute function tollgate_bury('end_user', 'user_id');
create or replace trigger bury after delete or update of tag_name on litellm_tagtable
for each row execute function tollgate_bury('tag', 'tag_name');
create or replace trigger bury after delete or update of budget_id on litellm_budgettable
for each row execute function tollgate_bury('budget', 'budget_id');

create or replace trigger note_limits after insert or update of budget_id, blocked, allowed_model_region
on litellm_endusertable for each row
when (new.budget_id is not null or new.blocked or new.allowed_model_region is not null) execute function tollgate_note_limits('end_user');
create or replace trigger note_limits after insert or update of metadata on litellm_verificationtoken
for each row when (new.metadata ->> 'end_user_budget_id' is not null) execute function tollgate_note_limits('end_user');
create or replace trigger note_limits after insert or update of budget_id on litellm_tagtable
for each row when (new.budget_id is not null) execute function tollgate_note_limits('tag');

create or replace trigger stamp_config after insert or update or delete or truncate on litellm_config
for each statement execute function tollgate_stamp_config();
create or replace trigger stamp_config after insert or update or delete or truncate on litellm_proxymodeltable
for each statement execute function tollgate_stamp_config();
create or replace trigger stamp_config after insert or update or delete or truncate on litellm_credentialstable
for each statement execute function tollgate_stamp_config();

create or replace trigger start_spend_log before insert on litellm_spendlogs
for each row when (new.start_time is null) execute function tollgate_start_spend_log();

-- ---------------------------------------------------------------------------------------------------------------------
-- Partitions of the ledger: one a UTC month
-- ---------------------------------------------------------------------------------------------------------------------

-- Make the partitions from this month on that are missing, and return their names. Rows that waited in the default
-- partition move along. Runs daily, and may run at any time.
create or replace function tollgate_add_partitions(months_ahead integer default 3, moment timestamptz default now())
returns setof text language plpgsql as $$
declare
    this_month timestamp := date_trunc('month', moment at time zone 'UTC');
    month timestamp;
    name text;
    low uuid;
    high uuid;
begin
    perform pg_advisory_xact_lock(hashtext('tollgate partitions'));
    for month in select generate_series(this_month, this_month + months_ahead * interval '1 month', '1 month') loop
        name := 'litellm_spendlogs_' || to_char(month, 'YYYY_MM');
        continue when to_regclass(name) is not null;
        low := tollgate_first_id(month at time zone 'UTC');
        high := tollgate_first_id((month + interval '1 month') at time zone 'UTC');
        -- Made apart and attached: readers of the other partitions wait for nothing.
        execute format('create table %I (like litellm_spendlogs including all)', name);
        lock table litellm_spendlogs_default in access exclusive mode;
        execute format(
            'with late as (delete from litellm_spendlogs_default where id >= %L and id < %L returning *)
            insert into %I select * from late',
            low, high, name
        );
        execute format(
            'alter table litellm_spendlogs attach partition %I for values from (%L) to (%L)', name, low, high
        );
        return next name;
    end loop;
end;
$$;

-- Drop the partitions of months that were over before a moment, and return their names. Each is detached first: that
-- waits for running statements two seconds at most, and gives up rather than keep others waiting. Rollups stay.
create or replace function tollgate_drop_partitions(before timestamptz)
returns setof text language plpgsql as $$
declare
    month timestamp;
    name text;
begin
    perform pg_advisory_xact_lock(hashtext('tollgate partitions'));
    perform set_config('lock_timeout', '2s', true);
    for name, month in
        select child.relname, to_timestamp(right(child.relname, 7), 'YYYY_MM')::timestamp
        from pg_inherits
        inner join pg_class as child on child.oid = pg_inherits.inhrelid
        where pg_inherits.inhparent = 'litellm_spendlogs'::regclass
          and child.relname ~ '^litellm_spendlogs_[0-9]{4}_[0-9]{2}$'
        order by 1
    loop
        continue when (month + interval '1 month') at time zone 'UTC' > before;
        insert into ledger_kept (since) values ((month + interval '1 month') at time zone 'UTC')
        on conflict (is_only) do update set since = greatest(ledger_kept.since, excluded.since);
        execute format('alter table litellm_spendlogs detach partition %I', name);
        execute format('drop table %I', name);
        return next name;
    end loop;
end;
$$;

do $$
begin
    perform tollgate_add_partitions();
end;
$$;
