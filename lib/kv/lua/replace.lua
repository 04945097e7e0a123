-- Puts a value in another's place, only if that is still there: of several who would, one does.
-- KEYS 1 key   ARGV 1 the value as it was read ('' for none)  2 the new one  3 lifetime in seconds   Reply 1 done, 0 it has changed
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
return 1
