-- Settlement: takes a request's hold off and books what it really cost.
-- KEYS 1 user state   ARGV 1 now  2 token  3 cost  4 day  5 month  6 state lifetime
local s = read_state(redis.call('GET', KEYS[1]), tonumber(ARGV[1]), ARGV[4], ARGV[5])
local kept = {}
for _, h in ipairs(s.holds) do if h[1] ~= ARGV[2] then kept[#kept + 1] = h end end
s.holds = kept
s.day, s.month = s.day + tonumber(ARGV[3]), s.month + tonumber(ARGV[3])
redis.call('SET', KEYS[1], dump_state(s, ARGV[4], ARGV[5]), 'PX', ARGV[6])
return {s.day, s.month}
