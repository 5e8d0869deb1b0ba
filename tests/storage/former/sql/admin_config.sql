-- name: insert_model
-- Add a deployment; its secrets are sealed already.
insert into litellm_proxymodeltable (model_id, model_name, litellm_params, model_info, created_by, updated_by)
values (%(model_id)s, %(model_name)s, %(litellm_params)s::jsonb, %(model_info)s::jsonb, %(by)s, %(by)s);

-- name: write_model
-- Set all that an administrator sets of a deployment.
update litellm_proxymodeltable
set
    model_name = %(model_name)s,
    litellm_params = %(litellm_params)s::jsonb,
    model_info = %(model_info)s::jsonb,
    blocked = %(blocked)s,
    updated_by = %(by)s
where model_id = %(model_id)s;

-- name: delete_model
-- Take a deployment away.
delete from litellm_proxymodeltable
where model_id = %(model_id)s;

-- name: list_models
-- The deployments that were added over the API, oldest first; only one when an id is given.
select
    model_id, model_name, litellm_params, coalesce(model_info, '{}') as model_info, blocked, created_at, created_by,
    updated_at, updated_by
from litellm_proxymodeltable
where %(model_id)s::text is null or model_id = %(model_id)s
order by created_at, model_id;

-- name: find_section
-- A part of the configuration.
select config_value
from litellm_config
where config_name = %(name)s;

-- name: write_section
-- Set a part of the configuration.
insert into litellm_config (config_name, config_value, updated_by)
values (%(name)s, %(value)s::jsonb, %(by)s)
on conflict (config_name) do update set config_value = excluded.config_value, updated_by = excluded.updated_by;

-- name: insert_credential
-- Add a credential; its values are sealed already.
insert into litellm_credentialstable (credential_name, credential_values, credential_info, created_by, updated_by)
values (%(name)s, %(values)s::jsonb, %(info)s::jsonb, %(by)s, %(by)s);

-- name: write_credential
-- Set what a credential holds.
update litellm_credentialstable
set credential_values = %(values)s::jsonb, credential_info = %(info)s::jsonb, updated_by = %(by)s
where credential_name = %(name)s;

-- name: delete_credential
-- Take a credential away.
delete from litellm_credentialstable
where credential_name = %(name)s;

-- name: list_credentials
-- The credentials by name; only one when a name is given.
select credential_name, credential_values, coalesce(credential_info, '{}') as credential_info
from litellm_credentialstable
where %(name)s::text is null or credential_name = %(name)s
order by credential_name;
