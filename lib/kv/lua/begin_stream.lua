-- Begins to keep a stream and notes which chat it answers, unless its user has just been deleted.
-- KEYS 1 stream  2 notes  3 tombstone   ARGV 1 text  2 lifetime in ms  3 chat  4 request  5 lifetime of notes in seconds
-- Reply 1 done, 0 not
if redis.call('EXISTS', KEYS[3]) == 1 then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('HSET', KEYS[2], ARGV[3], ARGV[4])
redis.call('EXPIRE', KEYS[2], ARGV[5])
return 1
