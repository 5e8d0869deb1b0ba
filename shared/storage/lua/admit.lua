-- Admit one request: check everything, then take everything, or change nothing.
--
-- KEYS: hold:{id}, holds:{n}, config:version; then, in the order of ARGV, the entries, budgets, rate windows
--   (current, previous), parallel leases and the candidates (places.lua); with a cache: ledger:{n},
--   asking:{key} and the entries that would answer the call
-- ARGV: request id, life of the hold in ms, plan valid from ms, until ms, the row should the call
--   be lost, its prompt tokens, its completion tokens, reserved tokens (tpm),
--   number of entries, budgets, rates, leases, candidates, config version and read mark or ''; then
--   entry: version, read mark · budget: since, opening, limit or '', 1 to refuse at the limit
--   rate: requests or '', tokens or '', ms of a sixtieth of its window, prefix of its fields, which
--   tokens settle counts (total | input | output) · lease: limit
--   candidate: six words (places.lua)
--   with a cache: the row of a hit, ms an entry may be old, ms for which we alone may ask ('' if
--   others may as well), prompt and completion tokens of a hit found elsewhere ('' if not looked)
-- returns one of
--   CONFIG, another version of the configuration stands here
--   OK, now us, candidate (1…), number of the cache's entries, then each of them ('' where there is
--   none), then spent of each budget, then requests and tokens of each rate
--   HIT, the same, candidate 0 · WAIT, an equal call is being answered
--   STALE, then each newer entry and its JSON · COLD, entry… · SEED, budget… · CLOCK, now ms
--   BUDGET, budget, spent, reserved · RATE, rate, requests|tokens, used, seconds until room
--   PARALLEL, lease, used · COOLING, ms until the first candidate is back or has room
--   ENDED, a settle of this request came first: whoever asked has gone
--   (indices count from 1)
-- A hit holds nothing: its row, which costs nothing, is booked at once.
-- expires: rate windows after twice their length, leases with the hold; entries a day after their last use;
--   budgets and holds never: the sweeper ends a hold that nobody settles
-- include numbers
-- include cached
-- include places
-- include rates

local id, life, row = ARGV[1], tonumber(ARGV[2]), ARGV[5]
local tokens = tonumber(ARGV[8])
local n_entries, n_budgets, n_rates, n_leases, n_candidates =
  tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11]), tonumber(ARGV[12]), tonumber(ARGV[13])
local time = redis.call('TIME')
local now_us = tonumber(time[1]) * 1000000 + tonumber(time[2])
local now = math.floor(now_us / 1000)
local k, a = 3, 14

-- The same request again, after a reply that got lost: it has what it asked for.
local held = redis.call('HMGET', KEYS[1], 'state', 'at', 'choice', 'entries')
if held[1] and not held[2] then return {'ENDED'} end
if held[4] then
  local again = cached(#KEYS - tonumber(held[4]) + 1, #KEYS, 0)
  return {'HIT', held[2], 0, held[4], unpack(again)}
end
if held[1] then return {'OK', held[2], tonumber(held[3]), 0} end

-- Under a fence (a change is about to commit) only what was read from Postgres after it counts.
local told, mark = string.match(ARGV[14], '^(%d+) (%d+)$')
local configured = told and redis.call('GET', KEYS[3]) or ''
local fence = tonumber(string.match(configured, '^fence:(%d+)$') or '')
if told and configured ~= told and not (fence and (tonumber(told) > fence or tonumber(mark) >= fence)) then
  return {'CONFIG'}
end
if now < tonumber(ARGV[3]) or now >= tonumber(ARGV[4]) then return {'CLOCK', whole(now)} end

local cold, stale = {}, {'STALE'}
for i = 1, n_entries do
  local version, mark = tonumber(ARGV[a+1]), tonumber(ARGV[a+2])
  local there = redis.call('GET', KEYS[k+i])
  local standing = there and tonumber(string.match(there, '^{"version":(%d+)'))
  local fence = there and tonumber(string.match(there, '^{"fence":(%d+)'))
  if standing and standing > version then
    stale[#stale+1] = i
    stale[#stale+1] = there
  elseif not standing and not (fence and (mark >= fence or version > fence)) then
    cold[#cold+1] = i
  elseif standing and redis.call('PTTL', KEYS[k+i]) < 43200000 then
    redis.call('PEXPIRE', KEYS[k+i], 86400000)
  end
  a = a + 2
end
if #stale > 1 then return stale end
if #cold > 0 then return {'COLD', unpack(cold)} end
k = k + n_entries

-- The candidate that takes the call; its reservation is what the budgets must bear.
local first_candidate = k + n_budgets + 2 * n_rates + n_leases
local prices = a + 4 * n_budgets + 5 * n_rates + n_leases
local choice, back = choose(first_candidate, prices, n_candidates, tokens, now)
local amount = tonumber(ARGV[prices + PLACE_WORDS * ((choice or 1) - 1) + 1] or '0')

-- The cache: with an entry for every key nobody is asked, and nothing but the request counts.
local cache, c = first_candidate + PLACE_KEYS * n_candidates, prices + PLACE_WORDS * n_candidates
local texts, is_hit, hit_prompt, hit_completion = {}, false, ARGV[c+4], ARGV[c+5]
local may_wait = ARGV[c+3] and ARGV[c+3] ~= ''
if hit_prompt and hit_prompt ~= '' then
  is_hit = true
elseif ARGV[c+1] then
  local missing, prompt, completion
  texts, missing, prompt, completion = cached(cache + 3, #KEYS, ARGV[c+2] == '' and 0 or now - tonumber(ARGV[c+2]))
  is_hit, hit_prompt, hit_completion = #texts > 0 and missing == 0, whole(prompt), whole(completion)
  local asks = not is_hit and may_wait and redis.pcall('GET', KEYS[cache+2])
  if type(asks) == 'string' and asks ~= id then return {'WAIT'} end
end
if is_hit then choice, amount, tokens, n_leases, n_candidates = 0, 0, 0, 0, 0 end

local seed, budgets = {}, {}
for i = 1, n_budgets do
  local key, since = KEYS[k+i], tonumber(ARGV[a+1])
  local limit, at_limit = tonumber(ARGV[a+3]), ARGV[a+4] == '1'
  local counter = redis.call('HMGET', key, 'since', 'spent', 'reserved', 'mark')
  local spent, reserved, mark = counter[2] or '0', counter[3] or '0', counter[4] or ''
  local rolls = counter[1] and tonumber(counter[1]) < since
  if rolls then spent, reserved, mark = ARGV[a+2], '0', id end
  if limit then
    if not counter[1] or tonumber(counter[1]) > since then
      seed[#seed+1] = i
    elseif tonumber(spent) + tonumber(reserved) + amount > limit or (at_limit and tonumber(spent) >= limit) then
      return {'BUDGET', i, spent, reserved}
    end
  end
  budgets[i] = {key = key, since = ARGV[a+1], limited = limit ~= nil, spent = spent, mark = mark, rolls = rolls}
  a = a + 4
end
if #seed > 0 then return {'SEED', unpack(seed)} end
k = k + n_budgets

local windows, usage = {}, {}
for i = 1, n_rates do
  local window = window_of(KEYS[k+2*i-1], KEYS[k+2*i], a, now)
  local most_requests, most_tokens = tonumber(ARGV[a+1]), tonumber(ARGV[a+2])
  local requests, no_request = used_of(window, 'requests', 'r', 1, most_requests)
  if no_request then
    return {'RATE', i, 'requests', whole(requests), seconds_until_room(window, 'r', requests + 1 - most_requests, now)}
  end
  local spent_tokens, no_token = used_of(window, 'tokens', 't', tokens, most_tokens)
  if no_token then
    return {'RATE', i, 'tokens', whole(spent_tokens), seconds_until_room(window, 't', spent_tokens + tokens - most_tokens, now)}
  end
  usage[#usage+1] = whole(requests + 1)
  usage[#usage+1] = whole(spent_tokens + tokens)
  windows[i] = window
  a = a + 5
end
k = k + 2 * n_rates

for i = 1, n_leases do
  local taken = redis.call('ZCOUNT', KEYS[k+i], '(' .. whole(now), '+inf')
  if taken + 1 > tonumber(ARGV[a+i]) then return {'PARALLEL', i, taken} end
end
if not choice then
  if n_candidates > 0 then return {'COOLING', whole(back)} end
  choice = 0
end

-- Everything fits: take it. A counter without a limit rolls over too: it may get one tomorrow.
for _, budget in ipairs(budgets) do
  if budget.rolls then
    redis.call('HSET', budget.key, 'since', budget.since, 'spent', budget.spent, 'reserved', '0', 'mark', budget.mark)
  end
  if budget.limited then redis.call('HINCRBY', budget.key, 'reserved', whole(amount)) end
end
for _, window in ipairs(windows) do count_in(window, tokens) end
local deadline = whole(now + life)
local lease_keys, budget_lines, marks, window_keys, sixtieths = {}, {}, {}, {}, {}
for i = 1, n_leases do
  redis.call('ZREMRANGEBYSCORE', KEYS[k+i], '-inf', whole(now))
  redis.call('ZADD', KEYS[k+i], deadline, id)
  redis.call('PEXPIRE', KEYS[k+i], whole(life))
  lease_keys[i] = KEYS[k+i]
end
for i, budget in ipairs(budgets) do
  budget_lines[i] = budget.key .. '\n' .. budget.since .. '\n' .. (budget.limited and '1' or '0')
  marks[i] = budget.mark
end
for i, window in ipairs(windows) do
  window_keys[i] = window.current
  sixtieths[i] = sixtieth_of(window)
end
local reply = {is_hit and 'HIT' or 'OK', whole(now_us), choice, #texts}
for _, text in ipairs(texts) do reply[#reply+1] = text end
for _, budget in ipairs(budgets) do reply[#reply+1] = budget.spent end
for _, u in ipairs(usage) do reply[#reply+1] = u end
if is_hit then
  redis.call('XADD', KEYS[cache+1], '*', 'id', id, 'spend', '0', 'prompt_tokens', hit_prompt,
    'completion_tokens', hit_completion, 'budgets', '\n' .. table.concat(budget_lines, '\n') .. '\n', 'row', ARGV[c+1])
  redis.call('HSET', KEYS[1], 'state', 'settled', 'at', whole(now_us), 'entries', #texts)
  redis.call('PEXPIRE', KEYS[1], 600000)
  return reply
end
if may_wait then redis.pcall('SET', KEYS[cache+2], id, 'PX', ARGV[c+3]) end
local place = ''
if choice > 0 then
  local after = choice - 1
  place = take(first_candidate + PLACE_KEYS * after, prices + PLACE_WORDS * after, id, tokens, now, life)
end
redis.call('HSET', KEYS[1], 'state', 'held', 'place', place, 'at', whole(now_us), 'choice', choice, 'amount', whole(amount),
  'tokens', whole(tokens), 'sixtieths', table.concat(sixtieths, '\n'), 'prompt', ARGV[6], 'completion', ARGV[7], 'row', row,
  'budgets', table.concat(budget_lines, '\n'), 'windows', table.concat(window_keys, '\n'),
  'leases', table.concat(lease_keys, '\n'), 'marks', table.concat(marks, '\n'))
redis.call('ZADD', KEYS[2], deadline, id)
return reply
