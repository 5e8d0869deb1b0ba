-- name: rotating_keys
-- Some of the keys that are given another secret from time to time, those that have waited longest first.
select id::text as id, token, key_alias, rotation_interval, coalesce(last_rotation_at, created_at) as rotated_at
from litellm_verificationtoken
where auto_rotate
  and rotation_interval is not null
  and not blocked
  and (expires is null or expires > %(now)s)
order by coalesce(last_rotation_at, created_at)
limit %(size)s;
