-- Announce a change that is about to commit: until its entry is written, only what was read from
-- Postgres after the fence's number counts.
-- KEYS: n entries (key:… | policy:…)
-- ARGV: number, life in ms
-- returns: how many fences stand now
-- expires: every fence after its life; the ledger function repairs what a crash left behind
local number, life, standing = tonumber(ARGV[1]), tonumber(ARGV[2]), 0
for i = 1, #KEYS do
  local there = redis.call('GET', KEYS[i])
  local newest = there and tonumber(string.match(there, '^{"%l+":(%d+)'))
  if not newest or newest < number then
    redis.call('SET', KEYS[i], string.format('{"fence":%.0f}', number), 'PX', life)
    standing = standing + 1
  end
end
return standing
