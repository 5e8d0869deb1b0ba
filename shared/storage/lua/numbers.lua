-- Whole numbers as text: Lua's own tostring makes 1e+14 of $100,000 in nanodollars.
local function whole(n) return string.format('%.0f', n) end
