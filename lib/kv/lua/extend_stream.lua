-- Adds to a kept stream what it does not hold yet, so that a repetition adds nothing twice; never begins one.
-- KEYS 1 stream   ARGV 1 offset in bytes at which the text belongs  2 text  3 lifetime in ms
-- Reply: its length, or -1 where it is gone or not ours
local held, from = redis.call('STRLEN', KEYS[1]), tonumber(ARGV[1])
if held == 0 or held < from or held > from + #ARGV[2] then return -1 end
if held < from + #ARGV[2] then held = redis.call('APPEND', KEYS[1], string.sub(ARGV[2], held - from + 1)) end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return held
