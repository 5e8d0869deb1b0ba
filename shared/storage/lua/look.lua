-- Look for answers in a cache that has a database of its own.
-- KEYS: asking:{key}, then n entries (cache:…)
-- ARGV: request id, oldest moment an entry may be from in ms, ms for which we alone may ask ('' if
--   others may as well)
-- returns: WAIT (an equal call is being answered) · FOUND, prompt tokens, completion tokens, then
--   each entry, '' where there is none
-- expires: asking, when its time is over
-- include cached
local texts, missing, prompt, completion = cached(2, #KEYS, tonumber(ARGV[2]))
if missing > 0 and ARGV[3] ~= '' then
  local asks = redis.pcall('GET', KEYS[1])
  if type(asks) == 'string' and asks ~= ARGV[1] then return {'WAIT'} end
  redis.pcall('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
end
return {'FOUND', string.format('%.0f', prompt), string.format('%.0f', completion), unpack(texts)}
