-- Keep a running call's hold: move its deadline and its leases'.
-- KEYS: hold:{id}, holds:{n}, active_requests or -, then leases
-- ARGV: request id, life in ms
-- returns: 1, or 0 when the hold is no longer held
-- expires: leases and active_requests with the new deadline
-- A lease that others pruned, or Redis lost, is taken again: the call does run.
-- include numbers
if redis.call('HGET', KEYS[1], 'state') ~= 'held' then return 0 end
local time = redis.call('TIME')
local deadline = whole(tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000) + tonumber(ARGV[2]))
redis.call('ZADD', KEYS[2], deadline, ARGV[1])
redis.call('PEXPIRE', KEYS[3], ARGV[2])
for i = 4, #KEYS do
  redis.call('ZADD', KEYS[i], deadline, ARGV[1])
  redis.call('PEXPIRE', KEYS[i], ARGV[2])
end
return 1
