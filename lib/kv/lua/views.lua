-- Reads counters of several views.
-- KEYS the views   ARGV per range of counters: type  offset in bits  how many   Reply per view: the counters of all ranges
local command = {'BITFIELD', ''}
for i = 1, #ARGV, 3 do
  for n = 0, tonumber(ARGV[i + 2]) - 1 do
    command[#command + 1] = 'GET'
    command[#command + 1] = ARGV[i]
    command[#command + 1] = string.format('%.0f', ARGV[i + 1] + n * tonumber(string.sub(ARGV[i], 2)))
  end
end
local replies = {}
for k = 1, #KEYS do
  command[2] = KEYS[k]
  replies[k] = redis.call(unpack(command))
end
return replies
