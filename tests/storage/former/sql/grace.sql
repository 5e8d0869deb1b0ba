-- name: find_successor
-- The key that a former secret stands for until its grace period ends.
select key.token, former.revoke_at
from litellm_deprecatedverificationtoken as former
inner join litellm_verificationtoken as key on key.id = former.active_token_id
where former.token = %(key_hash)s
  and former.revoke_at > %(now)s;
