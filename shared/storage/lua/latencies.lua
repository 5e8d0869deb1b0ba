-- Read how long the latest answers of some deployments took.
-- KEYS: latency:{id} of each
-- ARGV: 1 for the time to the first token, else 0; how many samples of each
-- returns: milliseconds, in no order; answers that never came are left out
-- expires: nothing
local is_first_token, samples, found = ARGV[1] == '1', tonumber(ARGV[2]), {}
for _, key in ipairs(KEYS) do
  for _, member in ipairs(redis.call('ZRANGE', key, -samples, -1)) do
    local whole, first_token = string.match(member, '^(%d+):%d+:(%d*):')
    local value = tonumber(is_first_token and first_token or whole)
    if value and value < 1000000 then found[#found+1] = value end
  end
end
return found
