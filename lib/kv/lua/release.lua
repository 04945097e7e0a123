-- Gives a claim up, or lengthens it, if it is still this owner's.
-- KEYS 1 de-duplication record   ARGV 1 the claim's whole value  2 lease in ms (0: give up)   Reply 1 done, 0 not ours
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '0' then return redis.call('DEL', KEYS[1]) end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
