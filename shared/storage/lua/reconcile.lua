-- Compare budget counters with what Postgres knows plus the rows on their way there; mend those that are told.
--
-- KEYS: ledger:{n}, ledger:{n}:position, then the budgets
-- ARGV: the drain's position in that snapshot, most rows to read, a mark for counters made now, number of ids of rows
--   that Postgres has though they are still here, those ids; then for each budget: since, spent up to the position,
--   the difference to be mended if it is still that ('' only looks)
-- returns: OK, then for each budget what it lacks ('' where it is missing) · AGAIN (rows behind the snapshot are gone:
--   read Postgres anew) · BEHIND (too many rows)
-- expires: nothing
-- A counter of an earlier period than Postgres knows lacks nothing: it is put into that period.
-- include numbers
-- include behind

local position, mark, n_ids = ARGV[1], ARGV[3], tonumber(ARGV[4])
local trimmed = redis.call('GET', KEYS[2])
if trimmed and is_after(trimmed, position) then return {'AGAIN'} end
local known = {}
for i = 1, n_ids do known[ARGV[4+i]] = true end
local spent_behind = spending_behind(KEYS[1], position, tonumber(ARGV[2]), known)
if not spent_behind then return {'BEHIND'} end

local reply, a = {'OK'}, 4 + n_ids
for i = 3, #KEYS do
  local key, since, spent, mends = KEYS[i], tonumber(ARGV[a+1]), tonumber(ARGV[a+2]), ARGV[a+3]
  local counter = redis.call('HMGET', key, 'since', 'spent')
  local its = tonumber(counter[1])
  local lacks = ''
  if its and its < since then
    redis.call('HSET', key, 'since', ARGV[a+1], 'spent', ARGV[a+2], 'reserved', '0', 'mark', mark)
    redis.call('HINCRBY', key, 'spent', whole(spent_behind(key, since)))
    lacks = '0'
  elseif its then
    -- Of a later period than its column's nothing is booked yet.
    local base = its == since and spent or 0
    lacks = whole(base + spent_behind(key, its) - tonumber(counter[2]))
    if mends ~= '' and mends == lacks then redis.call('HINCRBY', key, 'spent', lacks) end
  end
  reply[#reply+1] = lacks
  a = a + 3
end
return reply
