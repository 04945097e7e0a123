-- Moves the sweep of one shard on and books what it found lost, once: only if nobody else has moved it meanwhile.
-- KEYS 1 place, then per lost record the log it goes to   ARGV 1 the place as it was read ('' for none)  2 the new one
--      3 place lifetime  4 log lifetime (seconds), then the lost records   Reply 1 done, 0 somebody else was faster
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
for i = 2, #KEYS do
  if redis.call('RPUSH', KEYS[i], ARGV[i + 3]) == 1 then redis.call('EXPIRE', KEYS[i], ARGV[4]) end
end
return 1
