-- What the rows behind a position of the stream add to a budget: spent_behind(key, since) sums those of that period and
-- of later ones, which lie in it when a calendar was changed. nil instead when there are more than `most` rows.
-- Rows of `known` ids are in Postgres already, by another way.
local function spending_behind(ledger, position, most, known)
  local rows = redis.call('XRANGE', ledger, '(' .. position, '+', 'COUNT', most + 1)
  if #rows > most then return nil end
  local by_key = {}
  for _, entry in ipairs(rows) do
    local row = {}
    for f = 1, #entry[2], 2 do row[entry[2][f]] = entry[2][f+1] end
    if row.budgets and not known[row.id] then
      for key, since in string.gmatch(row.budgets, '([^\n]+)\n(%d+)\n') do
        local sums = by_key[key] or {}
        by_key[key] = sums
        sums[since] = (sums[since] or 0) + tonumber(row.spend)
      end
    end
  end
  return function(key, since)
    local sum = 0
    for its, spent in pairs(by_key[key] or {}) do
      if tonumber(its) >= tonumber(since) then sum = sum + spent end
    end
    return sum
  end
end

local function is_after(a, b)
  local a_ms, a_seq = string.match(a, '(%d+)-(%d+)')
  local b_ms, b_seq = string.match(b, '(%d+)-(%d+)')
  if a_ms ~= b_ms then return tonumber(a_ms) > tonumber(b_ms) end
  return tonumber(a_seq) > tonumber(b_seq)
end
