-- Keep entries of the cache: KEYS[at] is asking:{key}, entries follow up to KEYS[last]; after
-- ARGV[a] come, for each, its life in ms and its text. An error of the cache fails no call.
local function keep(at, last, id, a)
  if redis.pcall('GET', KEYS[at]) == id then redis.call('DEL', KEYS[at]) end
  for i = at + 1, last do
    redis.pcall('SET', KEYS[i], ARGV[a+2], 'PX', ARGV[a+1])
    a = a + 2
  end
  return last - at
end
