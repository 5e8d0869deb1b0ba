-- Write policy entries, each only over an older one: a slow reader resurrects nothing.
-- KEYS: n entries (key:… | policy:…)
-- ARGV: for each entry: version, life in ms, JSON that begins {"version":N
-- returns: for each entry 1 when written, 0 when something newer or a higher fence stands there
-- expires: every entry after its life
local written = {}
for i = 1, #KEYS do
  local version, life, json = tonumber(ARGV[3*i-2]), tonumber(ARGV[3*i-1]), ARGV[3*i]
  local there = redis.call('GET', KEYS[i])
  local standing = there and tonumber(string.match(there, '^{"version":(%d+)'))
  local fence = there and tonumber(string.match(there, '^{"fence":(%d+)'))
  if (fence and version <= fence) or (standing and version < standing) then
    written[i] = 0
  else
    redis.call('SET', KEYS[i], json, 'PX', life)
    written[i] = 1
  end
end
return written
