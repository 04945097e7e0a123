-- Gives a claim up, lengthens it or puts a text in its place, if it is still this owner's.
-- KEYS 1 de-duplication record, with a text: 2 its user's index  3 their tombstone
-- ARGV 1 the claim's whole value  2 lifetime in ms (0: give up)  3 the text, if any  4 when its name may go from the index
-- Reply 1 done, 0 not ours
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '0' then return redis.call('DEL', KEYS[1]) end
if not ARGV[3] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
if KEYS[3] then
  if redis.call('EXISTS', KEYS[3]) == 1 then return redis.call('DEL', KEYS[1]) end
  redis.call('ZADD', KEYS[2], ARGV[4], KEYS[1])
  if redis.call('PTTL', KEYS[2]) < tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[2], ARGV[2]) end
end
redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[2])
return 1
