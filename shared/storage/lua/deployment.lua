-- Book how a deployment did in this minute, and rest it when its failures say so.
-- A cooldown is never shortened: an earlier, longer one stands.
local function book_outcome(window_key, cooldown_key, failed, cool_ms, at_once, least, percent, now)
  local ended = redis.call('HINCRBY', window_key, 'ended', 1)
  local failures = tonumber(redis.call('HINCRBY', window_key, 'failures', failed and 1 or 0))
  redis.call('PEXPIRE', window_key, 120000)
  if not failed or cool_ms <= 0 then return end
  -- A percent below 0 asks for `least` failures, not for a share of `least` requests.
  local counted = percent < 0 and failures or tonumber(ended)
  local too_many = counted >= least and failures * 100 > percent * tonumber(ended)
  if not at_once and not too_many then return end
  local ends = now + cool_ms
  if ends > tonumber(redis.call('GET', cooldown_key) or '0') then
    redis.call('SET', cooldown_key, whole(ends), 'PX', whole(cool_ms))
  end
end
