-- Take a second place for a held request, beside the one where it is being asked.
--
-- KEYS: hold:{id}, then the candidates (places.lua)
-- ARGV: request id, life of the hold in ms, number of candidates, reserved tokens (tpm); then for each
--   candidate six words (places.lua)
-- returns: OK, candidate (1…) · NONE, nobody has room · GONE (the hold was swept or settled)
-- expires: the place's leases with the hold, its window after 2 minutes
-- Candidates need no more of the budgets than was reserved: they are of the same group.
-- include numbers
-- include places

local id, life, n, tokens = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

local hold = redis.call('HMGET', KEYS[1], 'state', 'hedge')
if hold[1] ~= 'held' then return {'GONE'} end
-- The same step again, after a reply that got lost.
if hold[2] then return {'OK', tonumber(hold[2])} end
local chosen = choose(1, 4, n, tokens, now)
if not chosen then return {'NONE'} end
local before = PLACE_KEYS * (chosen - 1)
local place = take(1 + before, 4 + PLACE_WORDS * (chosen - 1), id, tokens, now, life)
redis.call('HSET', KEYS[1], 'hedge', chosen, 'hedge_place', place)
return {'OK', chosen}
