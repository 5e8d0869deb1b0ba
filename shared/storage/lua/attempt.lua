-- Move a held request from a deployment that failed to the next candidate, in one step.
--
-- KEYS: hold:{id}, holds:{n}, failed deployment's window, its cooldown, and of the place there the
--   leases, active_requests, latency, window; then the budgets, then the candidates (places.lua)
-- ARGV: request id, number of this attempt (2…), life of the hold in ms,
--   cooldown ms, at once (0|1), least requests, percent, number of budgets, of candidates,
--   reserved tokens (tpm), sample of the latency or ''; then
--   budget: since, limit or '' · candidate: six words (places.lua)
-- returns: OK, candidate (1…) · NONE, ms until the first candidate is back or has room, or 0
--   GONE (the hold was swept or settled: stop)
-- expires: the failed deployment's window after 2 minutes, a cooldown when it ends
-- A number books its failure once, also when it is asked again after NONE, with other candidates.
-- include numbers
-- include marks
-- include deployment
-- include places

local id, number, life = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local n_budgets, n_candidates, tokens = tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

local hold = redis.call('HMGET', KEYS[1], 'state', 'amount', 'attempt', 'reply', 'marks', 'place')
local latest = tonumber(hold[3] or '1')
if latest > number then return {'GONE'} end
-- The same step again, after a reply that got lost.
if latest == number and hold[4] ~= '0' then return {'OK', tonumber(hold[4])} end
if latest < number then
  book_outcome(KEYS[3], KEYS[4], true, tonumber(ARGV[4]), ARGV[5] == '1', tonumber(ARGV[6]), tonumber(ARGV[7]), now)
  leave(4, id, hold[6], 0, ARGV[11], now)
  if hold[1] then redis.call('HSET', KEYS[1], 'attempt', whole(number), 'reply', '0', 'place', '') end
end
if hold[1] ~= 'held' then return {'GONE'} end
local marks = marks_of(hold[5])

-- The limited counters that carry our reservation: what they say, and what they may reach.
local function ours()
  local counters = {}
  for i = 1, n_budgets do
    local limit = tonumber(ARGV[11+2*i])
    local counter = redis.call('HMGET', KEYS[8+i], 'spent', 'reserved', 'mark')
    if limit and is_marked(counter[3], marks[i]) then
      counters[#counters+1] = {key = KEYS[8+i], taken = tonumber(counter[1]) + tonumber(counter[2]), limit = limit}
    end
  end
  return counters
end

-- What a dearer candidate needs beyond the reservation must fit in every budget.
local function fits(extra)
  for _, counter in ipairs(ours()) do
    if counter.taken + extra > counter.limit then return false end
  end
  return true
end

local first_key, first_word = 8 + n_budgets, 11 + 2 * n_budgets
local function extra_for(i) return tonumber(ARGV[first_word + PLACE_WORDS * (i - 1) + 1]) - tonumber(hold[2]) end
local chosen, back = choose(first_key, first_word, n_candidates, tokens, now, function(i)
  return extra_for(i) <= 0 or fits(extra_for(i))
end)
if not chosen then return {'NONE', whole(back or 0)} end

local extra = extra_for(chosen)
if extra > 0 then
  for _, counter in ipairs(ours()) do redis.call('HINCRBY', counter.key, 'reserved', whole(extra)) end
  redis.call('HINCRBY', KEYS[1], 'amount', whole(extra))
end
local after = chosen - 1
local place = take(first_key + PLACE_KEYS * after, first_word + PLACE_WORDS * after, id, tokens, now, life)
redis.call('HSET', KEYS[1], 'reply', chosen, 'place', place)
redis.call('ZADD', KEYS[2], whole(now + life), id)
return {'OK', chosen}
