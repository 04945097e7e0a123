-- Counts what comparisons of near answers came to. Counts are held 1,024-fold and halved with each week that begins.
-- Of one user no more than a share is taken, so that nobody certifies for all others by themselves.
-- KEYS 1 counts  2 how many this user has had counted this week (or an unused name)
-- ARGV 1 week  2 lifetime of the counts (seconds)  3 most that are taken of a user (0: any)  4 lifetime of that (seconds)
--      then field  how many, …   Reply 1 counted, 0 not
if ARGV[3] ~= '0' then
  local had = redis.call('INCR', KEYS[2])
  if had == 1 then redis.call('EXPIRE', KEYS[2], ARGV[4]) end
  if had > tonumber(ARGV[3]) then return 0 end
end
local week, since = tonumber(ARGV[1]), tonumber(redis.call('HGET', KEYS[1], 'w') or ARGV[1])
if since < week then
  local all, by = redis.call('HGETALL', KEYS[1]), 2 ^ math.min(week - since, 40)
  local halved = {'HSET', KEYS[1], 'w', ARGV[1]}
  for i = 1, #all, 2 do
    if all[i] ~= 'w' then
      halved[#halved + 1] = all[i]
      halved[#halved + 1] = string.format('%.0f', math.floor(tonumber(all[i + 1]) / by))
    end
  end
  redis.call(unpack(halved))
end
for i = 5, #ARGV, 2 do redis.call('HINCRBY', KEYS[1], ARGV[i], string.format('%.0f', ARGV[i + 1] * 1024)) end
if redis.call('TTL', KEYS[1]) < ARGV[2] / 2 then
  redis.call('HSETNX', KEYS[1], 'w', ARGV[1])
  redis.call('EXPIRE', KEYS[1], ARGV[2])
end
return 1
