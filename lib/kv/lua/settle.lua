-- Settlement: takes a request's hold off and books what it really cost.
-- KEYS 1 user state   ARGV 1 now  2 token  3 cost  4 day  5 month  6 state lifetime
--      7 'held': only if the hold is still there, so that a repetition books nothing twice
local s = read_state(redis.call('GET', KEYS[1]), tonumber(ARGV[1]), ARGV[4], ARGV[5])
local held = false
for _, list in ipairs({'holds', 'lost'}) do
  local kept = {}
  for _, h in ipairs(s[list]) do
    if h[1] ~= ARGV[2] then kept[#kept + 1] = h else held = true end
  end
  s[list] = kept
end
if ARGV[7] and not held then return {s.day[2], s.month[2]} end
for _, spent in ipairs({s.day, s.month}) do spent[2] = spent[2] + tonumber(ARGV[3]) end
redis.call('SET', KEYS[1], dump_state(s), 'PX', ARGV[6])
return {s.day[2], s.month[2]}
