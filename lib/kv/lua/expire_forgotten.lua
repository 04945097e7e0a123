-- Gives a lifetime to keys that have none.
-- KEYS any   ARGV 1 the lifetime in seconds   Reply: how many had none
local count = 0
for _, key in ipairs(KEYS) do
  if redis.call('PTTL', key) == -1 then count = count + redis.call('EXPIRE', key, ARGV[1]) end
end
return count
