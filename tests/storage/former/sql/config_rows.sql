-- name: find_overlay
-- All that the database lays over the configuration file, in one snapshot.
select
    (select version from config_state) as version,
    (select coalesce(jsonb_object_agg(config_name, config_value), '{}') from litellm_config) as sections,
    (
        select coalesce(
            jsonb_agg(
                jsonb_build_object(
                    'model_id', model_id, 'model_name', model_name, 'litellm_params', litellm_params,
                    'model_info', model_info, 'blocked', blocked
                )
                order by created_at, model_id
            ),
            '[]'
        )
        from litellm_proxymodeltable
    ) as models,
    (
        select coalesce(jsonb_object_agg(credential_name, credential_values), '{}') from litellm_credentialstable
    ) as credentials;

-- name: changed_config
-- The version of the configuration, if it changed since a moment.
select version
from config_state
where changed_at >= %(since)s;

-- name: take_turn
-- Hold the configuration until the transaction ends: changes come one after the other.
select version
from config_state
for update;
