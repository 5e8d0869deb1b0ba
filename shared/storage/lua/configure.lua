-- Set the configuration that the database lays over the file, unless a newer one stands there.
-- KEYS: config:version, config:overlay
-- ARGV: version, overlay as JSON
-- returns: 1 when written, 0 when the same or a newer version stands there
-- expires: never, so that a cold process needs no SQL
local standing = tonumber(redis.call('GET', KEYS[1]) or '-1')
if standing >= tonumber(ARGV[1]) and redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
redis.call('SET', KEYS[1], ARGV[1])
redis.call('SET', KEYS[2], ARGV[2])
return 1
