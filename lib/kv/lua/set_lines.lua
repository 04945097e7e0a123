-- Puts lines in the place of others in a list that only grows.   KEYS 1 list   ARGV place, line, …   Reply: how many
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
for i = 1, #ARGV, 2 do redis.call('LSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
return #ARGV / 2
