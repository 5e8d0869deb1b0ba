-- End a hold: give back what was reserved, book what it cost, append the ledger row. Idempotent,
-- and complete in itself: it books even when Redis has lost the hold.
--
-- KEYS: hold:{id}, holds:{n}, ledger:{n}, deployment window or '-', cooldown or '-'; then budgets,
--   rate windows, leases; with a place at a deployment its leases, active_requests, latency, window; with a cache: asking:{key} and the entries to keep
-- ARGV: mode (settle | lost | booked), request id, cost in nanodollars, prompt tokens, completion
--   tokens, row JSON, id of the correction row should the sweeper have been first,
--   failed (0|1), cooldown ms, at once (0|1), least requests, percent,
--   number of budgets, rate windows, leases; then for each budget its since and 1 if reserved,
--   the sample of the latency ('' for none, '-' without a place), for each entry the ms it lives and its text;
--   last, how many rows of the ledger may wait ('' for any)
-- returns: FULL (more rows wait already, nothing was done: book it in Postgres) · OK · DUP (settled before) · CORRECTED, difference (the sweeper was first)
--   LIVES (to be lost, but its function renewed it meanwhile)
--   OTHER, budgets, windows, leases, row (nothing was done: the hold stands elsewhere than in KEYS; end it there)
-- expires: the hold 10 minutes after settling, 24 h after it was lost; the deployment's window
--   after 2 minutes, a cooldown when it ends
--
-- lost: the function died; the row says so, at the reserved amount.
-- booked: the row reached Postgres past Redis; release and charge, append nothing.
-- include numbers
-- include marks
-- include deployment
-- include places
-- include keeping

local mode, id, cost, row = ARGV[1], ARGV[2], ARGV[3], ARGV[6]
local prompt, completion = ARGV[4], ARGV[5]
local n_budgets, n_windows, n_leases = tonumber(ARGV[13]), tonumber(ARGV[14]), tonumber(ARGV[15])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local hold = redis.call('HMGET', KEYS[1], 'state', 'marks', 'amount', 'tokens', 'sixtieths', 'spend', 'prompt', 'completion', 'place', 'budgets', 'windows', 'leases', 'row')
local state, marks = hold[1], marks_of(hold[2])

if state == 'settled' or state == 'corrected' or (state == 'lost' and mode ~= 'settle') then return {'DUP'} end
if not state and mode ~= 'settle' then return {'DUP'} end
if mode == 'lost' and tonumber(redis.call('ZSCORE', KEYS[2], id) or '0') > now then return {'LIVES'} end
local most_rows = tonumber(ARGV[#ARGV])
if mode == 'settle' and most_rows and state ~= 'lost' and redis.call('XLEN', KEYS[3]) >= most_rows then return {'FULL'} end

-- A turn to another model whose reply was lost moved the hold, unknown to its function.
local function is_elsewhere()
  local i, last = 0, 5 + n_budgets + n_windows
  for key in string.gmatch(hold[10] .. '\n', '([^\n]+)\n%d+\n[01]\n') do
    i = i + 1
    if KEYS[5+i] ~= key then return true end
  end
  return i ~= n_budgets or hold[11] ~= table.concat(KEYS, '\n', 6 + n_budgets, last)
end
if mode == 'settle' and hold[10] and is_elsewhere() then return {'OTHER', hold[10], hold[11], hold[12], hold[13]} end

local budget_lines = {}
for i = 1, n_budgets do budget_lines[i] = KEYS[5+i] .. '\n' .. ARGV[15+2*i-1] end

local function append(row_id, spend, prompt_tokens, completion_tokens, ...)
  redis.call('XADD', KEYS[3], '*', 'id', row_id, 'spend', spend, 'prompt_tokens', prompt_tokens,
    'completion_tokens', completion_tokens, 'budgets', '\n' .. table.concat(budget_lines, '\n') .. '\n', 'row', row, ...)
end

-- A counter of a later period is not ours to touch. One of an earlier period has missed that ours
-- began, and one that was made after the hold may know what Postgres has booked or not: both go,
-- and the next admit makes them from the ledger.
local function charge(spend, release)
  for i = 1, n_budgets do
    local key, since = KEYS[5+i], tonumber(ARGV[15+2*i-1])
    local counter = redis.call('HMGET', key, 'since', 'mark')
    local behind = counter[1] and tonumber(counter[1]) - since
    local carries_us = is_marked(counter[2], marks[i])
    if behind and (behind < 0 or (behind == 0 and mode == 'booked' and not carries_us)) then
      redis.call('DEL', key)
    elseif behind == 0 then
      redis.call('HINCRBY', key, 'spent', spend)
      if carries_us and release and release ~= '0' and ARGV[15+2*i] == '1' then
        redis.call('HINCRBY', key, 'reserved', '-' .. release)
      end
    end
  end
end

if state == 'lost' then
  local difference = whole(tonumber(cost) - tonumber(hold[6]))
  charge(difference)
  append(ARGV[7], difference, whole(tonumber(prompt) - tonumber(hold[7])),
    whole(tonumber(completion) - tonumber(hold[8])), 'corrects', id)
  redis.call('HSET', KEYS[1], 'state', 'corrected')
  return {'CORRECTED', difference}
end

if mode == 'lost' then cost, prompt, completion = hold[3], hold[7], hold[8] end
charge(cost, hold[3])
if hold[4] then
  local counts = {total = tonumber(prompt) + tonumber(completion), input = tonumber(prompt), output = tonumber(completion)}
  local i = 0
  for counted, prefix, sixtieth in string.gmatch(hold[5] or '', '(%l+) (%l*) (%d+)') do
    i = i + 1
    local key, difference = KEYS[5+n_budgets+i], counts[counted] - tonumber(hold[4])
    if i <= n_windows and difference ~= 0 and redis.call('EXISTS', key) == 1 then
      redis.call('HINCRBY', key, prefix .. 'tokens', whole(difference))
      redis.call('HINCRBY', key, prefix .. 't' .. sixtieth, whole(difference))
    end
  end
end
for i = 1, n_leases do redis.call('ZREM', KEYS[5+n_budgets+n_windows+i], id) end
if mode ~= 'booked' then append(id, cost, prompt, completion) end
if KEYS[4] ~= '-' then
  book_outcome(KEYS[4], KEYS[5], ARGV[8] == '1', tonumber(ARGV[9]), ARGV[10] == '1', tonumber(ARGV[11]), tonumber(ARGV[12]), now)
end

local last_held, sample = 5 + n_budgets + n_windows + n_leases, ARGV[16+2*n_budgets]
if sample ~= '-' then
  leave(last_held, id, hold[9], tonumber(prompt) + tonumber(completion), sample, now)
  last_held = last_held + 4
end
if #KEYS > last_held then keep(last_held + 1, #KEYS, id, 16 + 2 * n_budgets) end

redis.call('ZREM', KEYS[2], id)
redis.call('HDEL', KEYS[1], 'marks', 'place')
if mode == 'lost' then
  redis.call('HSET', KEYS[1], 'state', 'lost', 'spend', cost)
  redis.call('PEXPIRE', KEYS[1], 86400000)
else
  redis.call('HDEL', KEYS[1], 'row', 'budgets', 'windows', 'leases')
  redis.call('HSET', KEYS[1], 'state', 'settled')
  redis.call('PEXPIRE', KEYS[1], 600000)
end
return {'OK'}
