-- Hands out alerts that are due: nobody else gets them before their lease ends.
-- KEYS 1 alerts due   ARGV 1 now  2 end of the lease (both in seconds)  3 how many at most   Reply: their ids
local ids = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[3])
for _, id in ipairs(ids) do redis.call('ZADD', KEYS[1], ARGV[2], id) end
return ids
