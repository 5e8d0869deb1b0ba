-- Make missing budget counters from what Postgres knows, plus the rows still on their way there.
--
-- KEYS: ledger:{n}, ledger:{n}:position, then the budgets
-- ARGV: the drain's position in that snapshot, most rows to read, a mark for counters made now;
--   then for each budget: since, spent up to the position
-- returns: OK · AGAIN (rows behind the snapshot are gone: read Postgres anew) · BEHIND (too many)
-- expires: nothing
-- include numbers
-- include behind

local position = ARGV[1]
local trimmed = redis.call('GET', KEYS[2])
if trimmed and is_after(trimmed, position) then return {'AGAIN'} end
local spent_behind = spending_behind(KEYS[1], position, tonumber(ARGV[2]), {})
if not spent_behind then return {'BEHIND'} end

for i = 3, #KEYS do
  local since, spent = ARGV[2*i-2], ARGV[2*i-1]
  local there = redis.call('HGET', KEYS[i], 'since')
  -- A counter of a later period than Postgres knows comes from a duration that was changed since.
  if not there or tonumber(there) > tonumber(since) then
    redis.call('HSET', KEYS[i], 'since', since, 'spent', spent, 'reserved', '0', 'mark', ARGV[3])
    redis.call('HINCRBY', KEYS[i], 'spent', whole(spent_behind(KEYS[i], since)))
  end
end
return {'OK'}
