-- One user's vote on one answer. A later vote takes the earlier one's place, so each answer counts once.
-- KEYS 1 the user's votes on a day's answers  2 counts of the model's day  3 what teaches of the task  4 the cached answer (or an unused name)
--      5 the user's tombstone  6 how many of the user's votes have taught, by cell
-- ARGV 1 request id  2 rating  3 '1': the cached answer was wrong, which is not taken back  4 the rest of the vote
--      5 votes there is room for  6 lifetime of votes  7 lifetime of counts (seconds)  8 what the model's fields begin with
--      9 the cell of the answer, `bucket|model`, or '' where the vote teaches nothing  10 the task
--      11 votes of one user that teach in a cell  12 votes in a cell above which it is halved
-- Reply {-1 deleted, 1 counted, 2 in an earlier one's place, 0 no room, whether a cached answer was removed, whether it teaches}
if redis.call('EXISTS', KEYS[5]) == 1 then return {-1, 0, 0} end
local before = redis.call('HGET', KEYS[1], ARGV[1])
if not before and redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[5]) then return {0, 0, 0} end
local was, wrong, taught = string.match(before or '', '^(%l+) (%d)(%d?)')
local function add(key, field, by)
  local now = redis.call('HINCRBY', key, field, by)
  if now < 0 then redis.call('HSET', key, field, 0) end
end
local function count(what, by) redis.call('HINCRBY', KEYS[2], ARGV[8] .. what, by) end
local cell, said, touched = ARGV[9], ARGV[10] .. '|' .. ARGV[9], false
local function teach(what, by)
  touched = true
  add(KEYS[3], cell .. '|' .. what, by)
  add(KEYS[6], said, by)
  if by < 0 then return end
  local fields, sum = {cell .. '|up', cell .. '|down', cell .. '|regenerate'}, 0
  local counts = redis.call('HMGET', KEYS[3], unpack(fields))
  for i = 1, 3 do sum = sum + tonumber(counts[i] or '0') end
  if sum <= tonumber(ARGV[12]) then return end
  for i = 1, 3 do redis.call('HSET', KEYS[3], fields[i], math.floor(tonumber(counts[i] or '0') / 2)) end
end
if was ~= ARGV[2] then
  if was then count(was, -1) end
  count(ARGV[2], 1)
end
local removed = 0
if ARGV[3] == '1' and wrong ~= '1' then
  count('wrong', 1)
  removed = redis.call('DEL', KEYS[4])
  wrong = '1'
end
-- Who was given the answer to another question does not judge the model.
local teaches = cell ~= '' and wrong ~= '1'
if taught == '1' and not (teaches and was == ARGV[2]) then
  teach(was, -1)
  taught = '0'
end
if teaches and taught ~= '1' and tonumber(redis.call('HGET', KEYS[6], said) or '0') < tonumber(ARGV[11]) then
  teach(ARGV[2], 1)
  taught = '1'
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. (wrong or '0') .. (taught == '1' and '1' or '0') .. ' ' .. ARGV[4])
redis.call('EXPIRE', KEYS[1], ARGV[6])
redis.call('EXPIRE', KEYS[2], ARGV[7])
if touched then
  redis.call('EXPIRE', KEYS[3], ARGV[7])
  redis.call('EXPIRE', KEYS[6], ARGV[6])
end
return {was and 2 or 1, removed, taught == '1' and 1 or 0}
