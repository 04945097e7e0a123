-- Adds a batch of log records to the totals, once: only if the cursor still stands where the batch began.
-- KEYS 1 cursor, then the views   ARGV 1 where the batch begins  2 where it ends  3 cursor lifetime  4 view lifetime (seconds)
--      then per view: how many increments, and for each: kind  offset  by
if (redis.call('GET', KEYS[1]) or '0') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
local at = 5
for k = 2, #KEYS do
  local command = {'BITFIELD', KEYS[k]}
  local n = tonumber(ARGV[at])
  for i = at + 1, at + 3 * n, 3 do
    command[#command + 1] = 'INCRBY'
    command[#command + 1] = ARGV[i]
    command[#command + 1] = ARGV[i + 1]
    command[#command + 1] = ARGV[i + 2]
  end
  local new = redis.call(unpack(command))
  if tostring(new[1]) == ARGV[at + 3] then redis.call('EXPIRE', KEYS[k], ARGV[4]) end
  at = at + 1 + 3 * n
end
return 1
