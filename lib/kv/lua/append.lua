-- Appends a record to the usage log.   KEYS 1 log   ARGV 1 the record   Reply: length of the log
return redis.call('RPUSH', KEYS[1], nameless(ARGV[1], 2))
