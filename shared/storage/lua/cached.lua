-- Read the cache's entries in KEYS[from] to KEYS[to]: their texts ('' where there is none), how many
-- are missing, and the tokens of those that are there. What is older than `oldest` counts as
-- missing, and so does what is no entry of ours: the cache fails no call.
local function cached(from, to, oldest)
  local texts, missing, prompt, completion = {}, 0, 0, 0
  for i = from, to do
    local there = redis.pcall('GET', KEYS[i])
    local text = type(there) == 'string' and there or ''
    local at, its_prompt, its_completion = string.match(text, '^{"at":(%d+),"prompt":(%d+),"completion":(%d+),')
    if at and tonumber(at) >= oldest then
      texts[#texts+1] = text
      prompt, completion = prompt + tonumber(its_prompt), completion + tonumber(its_completion)
    else
      texts[#texts+1] = ''
      missing = missing + 1
    end
  end
  return texts, missing, prompt, completion
end
