-- Move a held request from a deployment that failed to the next candidate, in one step.
--
-- KEYS: hold:{id}, holds:{n}, failed deployment's window, its cooldown, and of the place there the
--   leases, active_requests, latency, window; then the budgets, then the candidates (places.lua);
--   where the candidates stand for another model, the budgets and rate windows it adds
-- ARGV: request id, number of this attempt (2…), life of the hold in ms,
--   cooldown ms, at once (0|1), least requests, percent, number of budgets, of candidates,
--   reserved tokens (tpm), sample of the latency or ''; then
--   budget: since, limit or '' · candidate: six words (places.lua)
--   for another model: number of budgets and rates it adds, and of budgets it leaves; which it
--   leaves; each it adds: since, opening, limit or '', 1 to refuse at the limit; rates: five words
--   (rates.lua); the row should the call be lost
-- returns: OK, candidate (1…) · NONE, ms until the first candidate is back or has room, or 0
--   SEED, added budget… (1…) whose counters are missing · GONE (swept or settled: stop)
-- expires: the failed deployment's window after 2 minutes, a cooldown when it ends
-- A number books its failure once, also when it is asked again after NONE, with other candidates.
-- include numbers
-- include marks
-- include deployment
-- include places
-- include rates

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
local first_key, first_word = 8 + n_budgets, 11 + 2 * n_budgets

-- What another model adds to the limits, and which budgets of the model before it leaves.
local k, a = first_key + PLACE_KEYS * n_candidates, first_word + PLACE_WORDS * n_candidates
local n_added, n_rates, n_left = tonumber(ARGV[a+1] or '0'), tonumber(ARGV[a+2] or '0'), tonumber(ARGV[a+3] or '0')
local is_switch, left, added, rates, missing = ARGV[a+1] ~= nil, {}, {}, {}, {'SEED'}
for i = 1, n_left do left[tonumber(ARGV[a+3+i])] = true end
a = a + 3 + n_left
for i = 1, n_added do
  local key, since, limit = KEYS[k+i], tonumber(ARGV[a+1]), tonumber(ARGV[a+3])
  local counter = redis.call('HMGET', key, 'since', 'spent', 'reserved', 'mark')
  local rolls = counter[1] and tonumber(counter[1]) < since
  if limit and (not counter[1] or tonumber(counter[1]) > since) then missing[#missing+1] = i end
  added[i] = {key = key, since = ARGV[a+1], limit = limit, at_limit = ARGV[a+4] == '1', rolls = rolls,
    spent = rolls and ARGV[a+2] or counter[2] or '0', reserved = rolls and '0' or counter[3] or '0',
    mark = rolls and id or counter[4] or ''}
  a = a + 4
end
if #missing > 1 then return missing end
k = k + n_added
for i = 1, n_rates do
  rates[i] = window_of(KEYS[k+2*i-1], KEYS[k+2*i], a, now)
  if not has_room(rates[i], a, tokens) then return {'NONE', 0} end
  a = a + 5
end

-- What is reserved for a call must fit whole in every budget that another model adds.
local function bears(amount)
  for _, budget in ipairs(added) do
    local spent = tonumber(budget.spent)
    if budget.limit and (spent + tonumber(budget.reserved) + amount > budget.limit
      or budget.at_limit and spent >= budget.limit) then return false end
  end
  return true
end

-- The limited counters that carry our reservation: what they say, and what they may reach.
local function ours()
  local counters = {}
  for i = 1, n_budgets do
    local limit = tonumber(ARGV[11+2*i])
    local counter = redis.call('HMGET', KEYS[8+i], 'spent', 'reserved', 'mark')
    if limit and not left[i] and is_marked(counter[3], marks[i]) then
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

local function extra_for(i) return tonumber(ARGV[first_word + PLACE_WORDS * (i - 1) + 1]) - tonumber(hold[2]) end
local chosen, back = choose(first_key, first_word, n_candidates, tokens, now, function(i)
  local extra = math.max(extra_for(i), 0)
  return (extra == 0 or fits(extra)) and bears(tonumber(hold[2]) + extra)
end)
if not chosen then return {'NONE', whole(back or 0)} end

local extra = extra_for(chosen)
if extra > 0 then
  for _, counter in ipairs(ours()) do redis.call('HINCRBY', counter.key, 'reserved', whole(extra)) end
  redis.call('HINCRBY', KEYS[1], 'amount', whole(extra))
end
if is_switch then
  local amount, lines, kept = whole(tonumber(hold[2]) + math.max(extra, 0)), {}, {}
  local function keep_line(key, since, is_limited, mark)
    lines[#lines+1] = key .. '\n' .. since .. '\n' .. (is_limited and '1' or '0')
    kept[#kept+1] = mark
  end
  for i = 1, n_budgets do
    local key, limit = KEYS[8+i], ARGV[11+2*i]
    if not left[i] then
      keep_line(key, ARGV[10+2*i], limit ~= '', marks[i] or '')
    elseif limit ~= '' and is_marked(redis.call('HGET', key, 'mark'), marks[i]) then
      redis.call('HINCRBY', key, 'reserved', '-' .. hold[2])
    end
  end
  for _, budget in ipairs(added) do
    if budget.rolls then
      redis.call('HSET', budget.key, 'since', budget.since, 'spent', budget.spent, 'reserved', '0', 'mark', budget.mark)
    end
    if budget.limit then redis.call('HINCRBY', budget.key, 'reserved', amount) end
    keep_line(budget.key, budget.since, budget.limit ~= nil, budget.mark)
  end
  local windows = redis.call('HMGET', KEYS[1], 'windows', 'sixtieths')
  for _, window in ipairs(rates) do
    count_in(window, tokens)
    local separator = windows[1] == '' and '' or '\n'
    windows = {windows[1] .. separator .. window.current, windows[2] .. separator .. sixtieth_of(window)}
  end
  redis.call('HSET', KEYS[1], 'budgets', table.concat(lines, '\n'), 'marks', table.concat(kept, '\n'),
    'windows', windows[1], 'sixtieths', windows[2], 'row', ARGV[a+1])
end
local after = chosen - 1
local place = take(first_key + PLACE_KEYS * after, first_word + PLACE_WORDS * after, id, tokens, now, life)
redis.call('HSET', KEYS[1], 'reply', chosen, 'place', place)
redis.call('ZADD', KEYS[2], whole(now + life), id)
return {'OK', chosen}
