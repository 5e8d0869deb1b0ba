-- Make missing budget counters from what Postgres knows, plus the rows still on their way there.
--
-- KEYS: ledger:{n}, ledger:{n}:position, then the budgets
-- ARGV: the drain's position in that snapshot, most rows to read, a mark for counters made now;
--   then for each budget: since, spent up to the position
-- returns: OK · AGAIN (rows behind the snapshot are gone: read Postgres anew) · BEHIND (too many)
-- expires: nothing
-- include numbers

local function is_after(a, b)
  local a_ms, a_seq = string.match(a, '(%d+)-(%d+)')
  local b_ms, b_seq = string.match(b, '(%d+)-(%d+)')
  if a_ms ~= b_ms then return tonumber(a_ms) > tonumber(b_ms) end
  return tonumber(a_seq) > tonumber(b_seq)
end

local position, most = ARGV[1], tonumber(ARGV[2])
local trimmed = redis.call('GET', KEYS[2])
if trimmed and is_after(trimmed, position) then return {'AGAIN'} end
local rows = redis.call('XRANGE', KEYS[1], '(' .. position, '+', 'COUNT', most + 1)
if #rows > most then return {'BEHIND'} end

for i = 3, #KEYS do
  local since, spent, behind = ARGV[2*i-2], ARGV[2*i-1], 0
  local there = redis.call('HGET', KEYS[i], 'since')
  -- A counter of a later period than Postgres knows comes from a duration that was changed since.
  if not there or tonumber(there) > tonumber(since) then
    local line = '\n' .. KEYS[i] .. '\n' .. since .. '\n'
    for _, entry in ipairs(rows) do
      local fields = entry[2]
      local spend, budgets
      for f = 1, #fields, 2 do
        if fields[f] == 'spend' then spend = fields[f+1] elseif fields[f] == 'budgets' then budgets = fields[f+1] end
      end
      if budgets and string.find(budgets, line, 1, true) then behind = behind + tonumber(spend) end
    end
    redis.call('HSET', KEYS[i], 'since', since, 'spent', spent, 'reserved', '0', 'mark', ARGV[3])
    redis.call('HINCRBY', KEYS[i], 'spent', whole(behind))
  end
end
return {'OK'}
