-- Take fences away whose change was refused, and put back what stood behind them.
-- KEYS: n entries (key:… | policy:…)
-- ARGV: the fences' number, then for each entry: life in ms, JSON ('' where there is nothing to put back)
-- returns: how many fences were taken away; one of another number protects another change and stays
-- expires: every entry after its life
local fence, lifted = string.format('{"fence":%.0f}', tonumber(ARGV[1])), 0
for i = 1, #KEYS do
  if redis.call('GET', KEYS[i]) == fence then
    local life, json = tonumber(ARGV[2*i]), ARGV[2*i+1]
    if json == '' then
      redis.call('DEL', KEYS[i])
    else
      redis.call('SET', KEYS[i], json, 'PX', life)
    end
    lifted = lifted + 1
  end
end
return lifted
