-- Puts a record in the place of the one that was read, and enters its name in sorted sets, if no one was faster.
-- KEYS 1 record  2… sorted sets   ARGV 1 the record as read ('': there is none)  2 the new one  3 its lifetime in s
-- 4 name  5 the sets' lifetime in s   Reply 1 done, 0 the record is another one
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
for i = 2, #KEYS do
  redis.call('ZADD', KEYS[i], 0, ARGV[4])
  redis.call('EXPIRE', KEYS[i], ARGV[5])
end
return 1
