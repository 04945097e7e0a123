-- Raises an alert unless it counts as raised already: all of it, or nothing.
-- KEYS 1 claim  2 alert  3 latest alerts  4 alerts due  5 tombstone of the user it is about, if about one
-- ARGV 1 claim lifetime in seconds  2 the alert  3 its id  4 now in seconds  5 lifetime in seconds  6 alerts kept at most
--      7 when it is due in seconds, '' for nobody to be told
-- Reply 1 raised, 0 known, or about a user who has been deleted
if KEYS[5] and redis.call('EXISTS', KEYS[5]) == 1 then return 0 end
if not redis.call('SET', KEYS[1], ARGV[3], 'NX', 'EX', ARGV[1]) then return 0 end
redis.call('SET', KEYS[2], ARGV[2], 'EX', ARGV[5])
redis.call('ZADD', KEYS[3], ARGV[4], ARGV[3])
redis.call('ZREMRANGEBYRANK', KEYS[3], 0, -1 - tonumber(ARGV[6]))
redis.call('EXPIRE', KEYS[3], ARGV[5])
if ARGV[7] ~= '' then
  redis.call('ZADD', KEYS[4], ARGV[7], ARGV[3])
  redis.call('EXPIRE', KEYS[4], ARGV[5])
end
return 1
