-- Set the configuration that the database lays over the file, unless a newer one stands there, or a
-- change that may be newer is about to commit.
-- KEYS: config:version, config:overlay
-- ARGV: version, overlay as JSON
-- returns: 1 when written, 0 when the same or a newer version, or a higher fence, stands there
-- expires: never, so that a cold process needs no SQL
local there, version = redis.call('GET', KEYS[1]) or '-1', tonumber(ARGV[1])
local fence = tonumber(string.match(there, '^fence:(%d+)$') or '-1')
if version <= fence then return 0 end
if fence < 0 and tonumber(there) >= version and redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
redis.call('SET', KEYS[1], ARGV[1])
redis.call('SET', KEYS[2], ARGV[2])
return 1
