-- Keep answers in a cache that has a database of its own, and let go of who waits for them.
-- KEYS: asking:{key}, then n entries (cache:…)
-- ARGV: request id; then for each entry: ms it lives, its text
-- returns: how many entries were written
-- expires: every entry after its life
-- include keeping
return keep(1, #KEYS, ARGV[1], 1)
