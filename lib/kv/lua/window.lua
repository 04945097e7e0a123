-- One sliding window with lockout on its own key, for the simple routes.
-- KEYS 1 state   ARGV 1 now  2 maximum  3 window  4 lockout  5 how many   Reply {allowed, used, wait}
local s = read_state(redis.call('GET', KEYS[1]), tonumber(ARGV[1]), '0', '0')
local limit = {name = 'w', max = tonumber(ARGV[2]) - tonumber(ARGV[5]) + 1, window = tonumber(ARGV[3]), lockout = tonumber(ARGV[4])}
local lifetime = int(limit.window + limit.lockout + 2000)
local no, locked = refusal(s, limit)
if no then
  if locked then redis.call('SET', KEYS[1], dump_state(s, '0', '0'), 'PX', lifetime) end
  local _, used = window_of(s, limit)
  return {0, used, no[3]}
end
for _ = 1, tonumber(ARGV[5]) do count(s, limit) end
redis.call('SET', KEYS[1], dump_state(s, '0', '0'), 'PX', lifetime)
local w, used = window_of(s, limit)
return {1, used, wait_until_free(s, w, used, {max = used, window = limit.window})}
