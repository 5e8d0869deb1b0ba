-- Move a held request from a deployment that failed to the next candidate, in one step.
--
-- KEYS: hold:{id}, holds:{n}, failed deployment's window, its cooldown; then the budgets, then the
--   candidates' cooldowns
-- ARGV: request id, number of this attempt (2…), life of the hold in ms,
--   cooldown ms, at once (0|1), least requests, percent, number of budgets, of candidates; then
--   budget: since, limit or '' · candidate: reservation in nanodollars
-- returns: OK, candidate (1…) · NONE, ms until the first cooling candidate is back or 0
--   GONE (the hold was swept or settled: stop)
-- expires: the failed deployment's window after 2 minutes, a cooldown when it ends
-- include numbers
-- include deployment

local id, number, life = ARGV[1], ARGV[2], tonumber(ARGV[3])
local n_budgets, n_candidates = tonumber(ARGV[8]), tonumber(ARGV[9])
local time = redis.call('TIME')
local now_us = tonumber(time[1]) * 1000000 + tonumber(time[2])
local now = math.floor(now_us / 1000)

local hold = redis.call('HMGET', KEYS[1], 'state', 'amount', 'attempt', 'reply', 'at')
-- The same step again, after a reply that got lost.
if hold[3] == number then return {'OK', tonumber(hold[4])} end
book_outcome(KEYS[3], KEYS[4], true, tonumber(ARGV[4]), ARGV[5] == '1', tonumber(ARGV[6]), tonumber(ARGV[7]), now)
if hold[1] ~= 'held' then return {'GONE'} end

-- What a dearer candidate needs beyond the reservation must fit in every budget.
local function fits(extra)
  if extra <= 0 then return true end
  for i = 1, n_budgets do
    local limit = tonumber(ARGV[9+2*i])
    if limit then
      local counter = redis.call('HMGET', KEYS[4+i], 'since', 'spent', 'reserved', 'at')
      local is_ours = counter[1] and tonumber(counter[1]) == tonumber(ARGV[9+2*i-1])
        and tonumber(hold[5]) >= tonumber(counter[4] or '0')
      if is_ours and tonumber(counter[2]) + tonumber(counter[3]) + extra > limit then return false end
    end
  end
  return true
end

local back = nil
for i = 1, n_candidates do
  local ends = tonumber(redis.call('GET', KEYS[4+n_budgets+i]) or '0')
  local extra = tonumber(ARGV[9+2*n_budgets+i]) - tonumber(hold[2])
  if ends > now then
    if not back or ends < back then back = ends end
  elseif fits(extra) then
    if extra > 0 then
      for b = 1, n_budgets do
        local counter = redis.call('HMGET', KEYS[4+b], 'since', 'at')
        local is_ours = tonumber(ARGV[9+2*b]) and counter[1]
          and tonumber(counter[1]) == tonumber(ARGV[9+2*b-1]) and tonumber(hold[5]) >= tonumber(counter[2] or '0')
        if is_ours then redis.call('HINCRBY', KEYS[4+b], 'reserved', whole(extra)) end
      end
      redis.call('HINCRBY', KEYS[1], 'amount', whole(extra))
    end
    redis.call('HSET', KEYS[1], 'attempt', number, 'reply', i)
    redis.call('ZADD', KEYS[2], 'XX', whole(now + life), id)
    return {'OK', i}
  end
end
return {'NONE', whole(back and back - now or 0)}
