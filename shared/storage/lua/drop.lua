-- Leave one of the two places of a hedged request: where it failed, or where it was slower.
--
-- KEYS: hold:{id}, the deployment's window, its cooldown, and of the place there the leases,
--   active_requests, latency, window
-- ARGV: request id, 1 for the second place, failed (0|1), cooldown ms, at once (0|1), least requests,
--   percent, sample of the latency or ''
-- returns: 1, or 0 when one was left before
-- expires: the deployment's window after 2 minutes, a cooldown when it ends
-- include numbers
-- include deployment
-- include places

local id, is_second, failed = ARGV[1], ARGV[2] == '1', ARGV[3] == '1'
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

local hold = redis.call('HMGET', KEYS[1], 'hedge', 'hedge_place', 'place', 'state')
if not hold[1] then return 0 end
if failed then
  book_outcome(KEYS[2], KEYS[3], true, tonumber(ARGV[4]), ARGV[5] == '1', tonumber(ARGV[6]), tonumber(ARGV[7]), now)
end
leave(3, id, is_second and hold[2] or hold[3], 0, ARGV[8], now)
redis.call('HDEL', KEYS[1], 'hedge', 'hedge_place')
if not is_second and hold[4] == 'held' then redis.call('HSET', KEYS[1], 'place', hold[2]) end
return 1
