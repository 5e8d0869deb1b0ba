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
-- A number books its failure once, also when it is asked again after NONE, with other candidates.
-- include numbers
-- include marks
-- include deployment

local id, number, life = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local n_budgets, n_candidates = tonumber(ARGV[8]), tonumber(ARGV[9])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

local hold = redis.call('HMGET', KEYS[1], 'state', 'amount', 'attempt', 'reply', 'marks')
local latest = tonumber(hold[3] or '1')
if latest > number then return {'GONE'} end
-- The same step again, after a reply that got lost.
if latest == number and hold[4] ~= '0' then return {'OK', tonumber(hold[4])} end
if latest < number then
  book_outcome(KEYS[3], KEYS[4], true, tonumber(ARGV[4]), ARGV[5] == '1', tonumber(ARGV[6]), tonumber(ARGV[7]), now)
  if hold[1] then redis.call('HSET', KEYS[1], 'attempt', whole(number), 'reply', '0') end
end
if hold[1] ~= 'held' then return {'GONE'} end
local marks = marks_of(hold[5])

-- The limited counters that carry our reservation: what they say, and what they may reach.
local function ours()
  local counters = {}
  for i = 1, n_budgets do
    local limit = tonumber(ARGV[9+2*i])
    local counter = redis.call('HMGET', KEYS[4+i], 'spent', 'reserved', 'mark')
    if limit and is_marked(counter[3], marks[i]) then
      counters[#counters+1] = {key = KEYS[4+i], taken = tonumber(counter[1]) + tonumber(counter[2]), limit = limit}
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

local back = nil
for i = 1, n_candidates do
  local ends = tonumber(redis.call('GET', KEYS[4+n_budgets+i]) or '0')
  local extra = tonumber(ARGV[9+2*n_budgets+i]) - tonumber(hold[2])
  if ends > now then
    if not back or ends < back then back = ends end
  elseif extra <= 0 or fits(extra) then
    if extra > 0 then
      for _, counter in ipairs(ours()) do redis.call('HINCRBY', counter.key, 'reserved', whole(extra)) end
      redis.call('HINCRBY', KEYS[1], 'amount', whole(extra))
    end
    redis.call('HSET', KEYS[1], 'reply', i)
    redis.call('ZADD', KEYS[2], whole(now + life), id)
    return {'OK', i}
  end
end
return {'NONE', whole(back and back - now or 0)}
