-- One user's vote on one answer. A later vote takes the earlier one's place, so each answer counts once.
-- KEYS 1 the user's votes on a day's answers  2 counts of the model's day  3 counts of the task  4 the cached answer (or an unused name)
--      5 the user's tombstone
-- ARGV 1 request id  2 rating  3 '1': the cached answer was wrong, which is not taken back  4 the rest of the vote
--      5 votes there is room for  6 lifetime of votes  7 lifetime of counts (seconds)  8 what the model's fields begin with  9 the task's
-- Reply {-1 deleted, 1 counted, 2 in an earlier one's place, 0 no room, whether a cached answer was removed}
if redis.call('EXISTS', KEYS[5]) == 1 then return {-1, 0} end
local before = redis.call('HGET', KEYS[1], ARGV[1])
if not before and redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[5]) then return {0, 0} end
local was, wrong = string.match(before or '', '^(%l+) (%d)')
local function count(what, by)
  redis.call('HINCRBY', KEYS[2], ARGV[8] .. what, by)
  redis.call('HINCRBY', KEYS[3], ARGV[9] .. what, by)
end
if was ~= ARGV[2] then
  if was then count(was, -1) end
  count(ARGV[2], 1)
end
local removed = 0
if ARGV[3] == '1' and wrong ~= '1' then
  count('wrong', 1)
  removed = redis.call('DEL', KEYS[4])
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. (wrong == '1' and '1' or ARGV[3]) .. ' ' .. ARGV[4])
redis.call('EXPIRE', KEYS[1], ARGV[6])
redis.call('EXPIRE', KEYS[2], ARGV[7])
redis.call('EXPIRE', KEYS[3], ARGV[7])
return {was and 2 or 1, removed}
