-- Deployments: which of them takes a call, what it takes there, and how a place is left.
--
-- A candidate has six KEYS: cooldown, parallel leases, active_requests, latency, this minute's
-- window and the one before. It has six words: reservation, level, strategy, most in parallel
-- or '', rpm or '', tpm or ''. Levels ascend; the first with a candidate that has room decides.
-- A strategy: sent (the order it came in), active (fewest running), tokens (fewest this minute),
-- latency or first_token, each with the share above the lowest that is as good, and of how many
-- samples: `latency 0.1 10`.
local PLACE_KEYS, PLACE_WORDS = 6, 6

-- What passed in the trailing minute; the bucket of this very second a minute ago still counts.
local function in_a_minute(current, previous, field, letter, now, more, limit)
  local used = tonumber(redis.call('HGET', current, field) or '0')
  local before = tonumber(redis.call('HGET', previous, field) or '0')
  if used + before + more <= limit then return used + before end
  local names = {}
  for s = math.floor(now / 1000) % 60, 59 do names[#names+1] = letter .. s end
  for _, v in ipairs(redis.call('HMGET', previous, unpack(names))) do used = used + tonumber(v or '0') end
  return used
end

-- Milliseconds until the candidate may take a call: 0 for now.
local function wait_for(k, a, tokens, now)
  local ends = tonumber(redis.call('GET', KEYS[k+1]) or '0')
  if ends > now then return ends - now end
  local most, rpm, tpm = tonumber(ARGV[a+4]), tonumber(ARGV[a+5]), tonumber(ARGV[a+6])
  if most and redis.call('ZCOUNT', KEYS[k+2], '(' .. whole(now), '+inf') >= most then return 1000 end
  local is_full = rpm and in_a_minute(KEYS[k+5], KEYS[k+6], 'requests', 'r', now, 1, rpm) + 1 > rpm
    or tpm and in_a_minute(KEYS[k+5], KEYS[k+6], 'tokens', 't', now, tokens, tpm) + tokens > tpm
  return is_full and 60000 - now % 60000 or 0
end

-- The mean of the latest samples (`ms:microseconds per token:ms to the first token:request`), in
-- the unit that is asked for; 0 without any, so that an unknown deployment is tried.
local function mean_latency(key, is_first_token, samples)
  local sum, count = 0, 0
  for _, member in ipairs(redis.call('ZRANGE', key, -samples, -1)) do
    local per_token, first_token = string.match(member, '^%d+:(%d+):(%d*):')
    local value = tonumber(is_first_token and first_token or per_token)
    if value then sum, count = sum + value, count + 1 end
  end
  return count > 0 and sum / count or 0
end

-- How good a candidate is by its strategy (lower is better), and what share above the lowest is as good.
local function rank(k, strategy, now)
  local kind, buffer, samples = string.match(strategy, '^(%l[%l_]*) ?([%d.]*) ?(%d*)$')
  if kind == 'active' then return redis.call('ZCOUNT', KEYS[k+2], '(' .. whole(now), '+inf'), 0 end
  if kind == 'tokens' then return tonumber(redis.call('HGET', KEYS[k+5], 'tokens') or '0'), 0 end
  if kind == 'sent' then return 0, 0 end
  return mean_latency(KEYS[k+4], kind == 'first_token', tonumber(samples)), tonumber(buffer)
end

-- The candidate that takes the call, by its number; else ms until the first is back (nil: none is).
-- `fits` may pass one over.
local function choose(first_key, first_word, n, tokens, now, fits)
  local back, level, ranked, lowest = nil, nil, {}, nil
  for i = 1, n do
    local k, a = first_key + PLACE_KEYS * (i - 1), first_word + PLACE_WORDS * (i - 1)
    if level and ARGV[a+2] ~= level then break end
    local wait = wait_for(k, a, tokens, now)
    if wait > 0 then
      if not back or wait < back then back = wait end
    elseif not fits or fits(i) then
      if ARGV[a+3] == 'sent' then return i end
      local value, buffer = rank(k, ARGV[a+3], now)
      level = ARGV[a+2]
      ranked[#ranked+1] = {i = i, value = value, buffer = buffer}
      if not lowest or value < lowest then lowest = value end
    end
  end
  for _, candidate in ipairs(ranked) do
    if candidate.value <= lowest * (1 + candidate.buffer) then return candidate.i end
  end
  return nil, back
end

local function count_active(parallel, active, now)
  redis.call('ZREMRANGEBYSCORE', parallel, '-inf', whole(now))
  local running = redis.call('ZCARD', parallel)
  if running == 0 then redis.call('DEL', active) else redis.call('SET', active, running, 'PX', redis.call('PTTL', parallel)) end
end

-- Take a place: a slot and, where anybody counts them, a request and its tokens. Returns what the
-- hold must remember to leave it again.
local function take(k, a, id, tokens, now, life)
  redis.call('ZADD', KEYS[k+2], whole(now + life), id)
  redis.call('PEXPIRE', KEYS[k+2], whole(life))
  count_active(KEYS[k+2], KEYS[k+3], now)
  if ARGV[a+5] == '' and ARGV[a+6] == '' and ARGV[a+3] ~= 'tokens' then return '' end
  local second = math.floor(now / 1000) % 60
  redis.call('HINCRBY', KEYS[k+5], 'requests', 1)
  redis.call('HINCRBY', KEYS[k+5], 'r' .. second, 1)
  redis.call('HINCRBY', KEYS[k+5], 'tokens', whole(tokens))
  redis.call('HINCRBY', KEYS[k+5], 't' .. second, whole(tokens))
  redis.call('PEXPIRE', KEYS[k+5], 120000)
  return second .. ' ' .. whole(tokens)
end

-- Leave the place whose parallel leases, active_requests, latency and window are KEYS[k+1] to
-- KEYS[k+4]; `taken` is what the hold remembered, `used` the tokens it came to, `sample` how long it took.
local function leave(k, id, taken, used, sample, now)
  redis.call('ZREM', KEYS[k+1], id)
  count_active(KEYS[k+1], KEYS[k+2], now)
  local second, tokens = string.match(taken or '', '^(%d+) (%d+)$')
  local difference = second and used - tonumber(tokens) or 0
  if difference ~= 0 and redis.call('EXISTS', KEYS[k+4]) == 1 then
    redis.call('HINCRBY', KEYS[k+4], 'tokens', whole(difference))
    redis.call('HINCRBY', KEYS[k+4], 't' .. second, whole(difference))
  end
  if sample == '' then return end
  redis.call('ZADD', KEYS[k+3], whole(now), sample .. ':' .. id)
  redis.call('ZREMRANGEBYSCORE', KEYS[k+3], '-inf', whole(now - 3600000))
  redis.call('ZREMRANGEBYRANK', KEYS[k+3], 0, -101)
  redis.call('PEXPIRE', KEYS[k+3], 3600000)
end
