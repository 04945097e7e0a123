-- One sliding window with lockout on its own key, for the simple routes.
-- KEYS 1 state   ARGV 1 now  2 maximum  3 window  4 lockout  5 how many (0: only look)   Reply {allowed, used, wait}
local s = read_state(redis.call('GET', KEYS[1]), tonumber(ARGV[1]), '0', '0')
local max, many = tonumber(ARGV[2]), tonumber(ARGV[5])
local limit = {name = 'w', max = max - many + 1, window = tonumber(ARGV[3]), lockout = tonumber(ARGV[4])}
local function save() redis.call('SET', KEYS[1], dump_state(s), 'PX', int(limit.window + limit.lockout + 2000)) end
local no, locked = refusal(s, limit)
local w, used = window_of(s, limit)
if no then
  if locked then save() end
  return {0, w.lock > s.clock and max or used, no[3]}
end
if many > 0 then
  for _ = 1, many do count(s, limit) end
  save()
end
w, used = window_of(s, limit)
return {1, used, wait_until_free(s, w, used, {max = used, window = limit.window})}
