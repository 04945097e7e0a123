-- Keeps texts of one user and notes their names in the user's index, unless the user has just been deleted:
-- then what is in their place goes, be it a claim that others wait for.
-- KEYS 1 index  2 tombstone, then where each text goes
-- ARGV 1 now  2 how much longer a name is kept than its text (ms), then per text: lifetime in ms  text   Reply 1 kept, 0 not
if redis.call('EXISTS', KEYS[2]) == 1 then
  for k = 3, #KEYS do redis.call('DEL', KEYS[k]) end
  return 0
end
local now, spare, keeping = tonumber(ARGV[1]), tonumber(ARGV[2]), {'ZADD', KEYS[1]}
local longest = redis.call('PTTL', KEYS[1])
for k = 3, #KEYS do
  local lifetime = ARGV[2 * k - 3]
  redis.call('SET', KEYS[k], ARGV[2 * k - 2], 'PX', lifetime)
  keeping[#keeping + 1] = string.format('%.0f', now + lifetime + spare)
  keeping[#keeping + 1] = KEYS[k]
  longest = math.max(longest, tonumber(lifetime))
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
redis.call(unpack(keeping))
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', longest))
return 1
