-- Adds outcomes to a model's record: failures,opened_at|minute:ok:bad:ms;…  (times in ms, `ms` the sum of latencies)
-- KEYS 1 record   ARGV 1 now  2 successes  3 failures  4 latency sum  5 last outcome was a success (1/0)
--      6 failures that open the circuit  7 window in ms  8 lifetime in ms   Reply: the new record
local now, ok, bad, ms = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local text = redis.call('GET', KEYS[1]) or '0,0|'
local failures, opened, rest = string.match(text, '^(%d+),(%d+)|(.*)$')
failures, opened = tonumber(failures), tonumber(opened)
if ok > 0 then failures, opened = 0, 0 end
if ARGV[5] == '0' then failures = failures + bad end
if failures >= tonumber(ARGV[6]) then opened = now end
local minute, kept, added = math.floor(now / 60000), {}, false
for m, o, b, t in string.gmatch(rest, '(%d+):(%d+):(%d+):(%d+)') do
  if tonumber(m) * 60000 + 60000 > now - tonumber(ARGV[7]) then
    if tonumber(m) == minute then
      o, b, t, added = tonumber(o) + ok, tonumber(b) + bad, tonumber(t) + ms, true
    end
    kept[#kept + 1] = string.format('%.0f:%.0f:%.0f:%.0f', tonumber(m), tonumber(o), tonumber(b), tonumber(t))
  end
end
if not added then kept[#kept + 1] = string.format('%.0f:%.0f:%.0f:%.0f', minute, ok, bad, ms) end
text = string.format('%.0f,%.0f|', failures, opened) .. table.concat(kept, ';')
redis.call('SET', KEYS[1], text, 'PX', ARGV[8])
return text
