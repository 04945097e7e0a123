-- Gives a claim up, lengthens it or puts a text in its place, if it is still this owner's.
-- KEYS 1 de-duplication record   ARGV 1 the claim's whole value  2 lifetime in ms (0: give up)  3 the text, if any
-- Reply 1 done, 0 not ours
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '0' then return redis.call('DEL', KEYS[1]) end
if not ARGV[3] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[2])
return 1
