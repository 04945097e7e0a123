-- Appends a record to the log unless this has been done before, whoever does it.
-- KEYS 1 mark  2 log   ARGV 1 the record  2 mark and log lifetime in seconds   Reply 1 done, 0 done before
if not redis.call('SET', KEYS[1], '1', 'NX', 'EX', ARGV[2]) then return 0 end
if redis.call('RPUSH', KEYS[2], ARGV[1]) == 1 then redis.call('EXPIRE', KEYS[2], ARGV[2]) end
return 1
