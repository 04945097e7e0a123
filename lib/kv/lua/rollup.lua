-- Adds a batch of log records to the totals, once: only if the cursor still stands where the batch began.
-- KEYS 1 cursor, then the views, then the rankings
-- ARGV 1 where the batch begins  2 where it ends  3 cursor lifetime  4 view and ranking lifetime (seconds)  5 how many views
--      6 names a ranking keeps at most
--      then per view: how many increments, and for each: kind  offset  by
--                     how many ranks, and for each: which ranking  which increment's sum is the score  name
if (redis.call('GET', KEYS[1]) or '0') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
local at, views, ranked = 7, tonumber(ARGV[5]), {}
for k = 2, views + 1 do
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
  local ranks = tonumber(ARGV[at])
  for i = at + 1, at + 3 * ranks, 3 do
    local key = KEYS[views + 1 + tonumber(ARGV[i])]
    local list = ranked[key] or {'ZADD', key}
    list[#list + 1] = string.format('%.0f', new[tonumber(ARGV[i + 1])])
    list[#list + 1] = ARGV[i + 2]
    ranked[key] = list
  end
  at = at + 1 + 3 * ranks
end
for k = views + 2, #KEYS do
  if redis.call(unpack(ranked[KEYS[k]])) > 0 then
    redis.call('EXPIRE', KEYS[k], ARGV[4])
    redis.call('ZREMRANGEBYRANK', KEYS[k], 0, -1 - tonumber(ARGV[6]))
  end
end
return 1
