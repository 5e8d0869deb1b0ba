-- Which counters carry a hold's reservation. Every counter has a mark of its own, made with it; the
-- hold keeps the marks it found, a line for each budget. Times would not do: Redis's clock may step
-- back, and then a reservation is never given back.
local function marks_of(lines)
  local marks = {}
  for mark in string.gmatch((lines or '') .. '\n', '([^\n]*)\n') do marks[#marks+1] = mark end
  return marks
end

local function is_marked(counter_mark, mark) return mark ~= nil and mark ~= '' and mark == counter_mark end
