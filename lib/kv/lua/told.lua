-- Takes in a subscription event, once: only if it has not been, and nothing has changed since its user's state was read.
-- KEYS 1 event  2 the user's subscriptions   ARGV 1 state as read, empty for none  2 state to write  3 its lifetime
--      4 lifetime of the event (seconds)   Reply 1 taken in  0 known already  -1 the state has changed: read it again
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
if (redis.call('GET', KEYS[2]) or '') ~= ARGV[1] then return -1 end
redis.call('SET', KEYS[2], ARGV[2], 'EX', ARGV[3])
redis.call('SET', KEYS[1], '1', 'EX', ARGV[4])
return 1
