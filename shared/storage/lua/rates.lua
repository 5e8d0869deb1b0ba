-- Rates: what passed in a trailing minute, hour or day, whose windows are counted in sixtieths.
-- Each has five words: requests or '', tokens or '', ms of a sixtieth, prefix of its fields, which
-- tokens settle counts (total | input | output).
local function window_of(current, previous, a, now)
  local step = tonumber(ARGV[a+3])
  return {current = current, previous = previous, step = step, prefix = ARGV[a+4], counted = ARGV[a+5],
    sixtieth = math.floor(now / step) % 60}
end

-- Sixtieths of the window before that still lie within the trailing one. The bucket of this very
-- sixtieth counts too: what it holds may be almost a whole window old.
local function trailing(window, letter)
  local names = {}
  for n = window.sixtieth, 59 do names[#names+1] = window.prefix .. letter .. n end
  local sum, values = 0, redis.call('HMGET', window.previous, unpack(names))
  for _, v in ipairs(values) do sum = sum + tonumber(v or '0') end
  return sum, values
end

-- Seconds until enough of the trailing window has passed for `excess` to be gone.
local function seconds_until_room(window, letter, excess, now)
  local function seconds(sixtieths) return math.ceil((sixtieths * window.step - now % window.step) / 1000) end
  local _, old = trailing(window, letter)
  for i, v in ipairs(old) do
    excess = excess - tonumber(v or '0')
    if excess <= 0 then return seconds(i) end
  end
  for n = 0, window.sixtieth do
    excess = excess - tonumber(redis.call('HGET', window.current, window.prefix .. letter .. n) or '0')
    if excess <= 0 then return seconds(60 - window.sixtieth + n + 1) end
  end
  return 60 * window.step / 1000
end

-- What was used of a limit, and whether `more` of it is too much.
local function used_of(window, field, letter, more, limit)
  local now_used = tonumber(redis.call('HGET', window.current, window.prefix .. field) or '0')
  if not limit then return now_used, false end
  local before = tonumber(redis.call('HGET', window.previous, window.prefix .. field) or '0')
  if now_used + before + more <= limit then return now_used + before, false end
  local used = now_used + trailing(window, letter)
  return used, used + more > limit
end

local function has_room(window, a, tokens)
  local _, no_request = used_of(window, 'requests', 'r', 1, tonumber(ARGV[a+1]))
  local _, no_token = used_of(window, 'tokens', 't', tokens, tonumber(ARGV[a+2]))
  return not no_request and not no_token
end

-- Take a request and its tokens.
local function count_in(window, tokens)
  local function add(field, letter, count)
    redis.call('HINCRBY', window.current, window.prefix .. field, whole(count))
    redis.call('HINCRBY', window.current, window.prefix .. letter .. window.sixtieth, whole(count))
  end
  add('requests', 'r', 1)
  if tokens > 0 then add('tokens', 't', tokens) end
  -- At hh:00 the minute's window and the hour's share a key: the longer life counts.
  local lives = 120 * window.step
  if redis.call('PTTL', window.current) < lives then redis.call('PEXPIRE', window.current, whole(lives)) end
end

-- What a hold must remember for settle to correct the tokens.
local function sixtieth_of(window) return window.counted .. ' ' .. window.prefix .. ' ' .. window.sixtieth end
