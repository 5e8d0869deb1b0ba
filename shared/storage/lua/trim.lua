-- Cut off the stream what Postgres has, and remember how far that is.
--
-- KEYS: ledger:{n}, ledger:{n}:position
-- ARGV: the last entry that is booked
-- returns: how many entries were cut off
-- expires: nothing; a position that was lost would let counters be made of too little
-- include numbers

local last = ARGV[1]
local ms, seq = string.match(last, '^(%d+)-(%d+)$')
local cut = redis.call('XTRIM', KEYS[1], 'MINID', '=', ms .. '-' .. whole(tonumber(seq) + 1))

-- A drain that was slow to trim must not take the position back.
local known_ms, known_seq = string.match(redis.call('GET', KEYS[2]) or '0-0', '^(%d+)-(%d+)$')
local is_newer = tonumber(ms) > tonumber(known_ms)
  or (tonumber(ms) == tonumber(known_ms) and tonumber(seq) > tonumber(known_seq))
if is_newer then redis.call('SET', KEYS[2], last) end
return cut
