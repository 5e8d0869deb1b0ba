-- Announce a change of the configuration that is about to commit: until it is published, only what
-- was read from Postgres after the fence's number counts.
-- KEYS: config:version
-- ARGV: number, life in ms
-- returns: 1 when the fence stands, 0 when something newer stands there
-- expires: the fence after its life; then no version stands, and whoever asks publishes what Postgres has
local there, number = redis.call('GET', KEYS[1]) or '-1', tonumber(ARGV[1])
if tonumber(string.match(there, '(%d+)$') or '-1') >= number then return 0 end
redis.call('SET', KEYS[1], string.format('fence:%.0f', number), 'PX', ARGV[2])
return 1
