-- Give budget counters to whom their key belongs now: another secret has spent what the former one had.
--
-- KEYS: pairs of counters, the former one and the new one
-- ARGV: a mark for counters made now
-- returns: how many were made; where there is none to carry, or a new one already, nothing is done
-- expires: nothing
-- What calls hold goes along as spent, for they will give it back to the former counter; reconciliation puts that right.
-- include numbers

local made = 0
for i = 1, #KEYS, 2 do
  local former = redis.call('HMGET', KEYS[i], 'since', 'spent', 'reserved')
  if former[1] and redis.call('EXISTS', KEYS[i+1]) == 0 then
    local spent = whole(tonumber(former[2] or '0') + tonumber(former[3] or '0'))
    redis.call('HSET', KEYS[i+1], 'since', former[1], 'spent', spent, 'reserved', '0', 'mark', ARGV[1])
    made = made + 1
  end
end
return made
