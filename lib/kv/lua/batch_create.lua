-- Makes a batch job, unless there is one of that name or the user has as many as they may.
-- KEYS 1 head  2 state  3 the user's jobs ('id,expiry;…')  4 the user's tombstone
-- ARGV 1 head  2 state  3 lifetime in ms  4 id  5 now  6 expiry  7 most jobs
-- Reply {-1} the user has just been deleted, {1} made, {0, head} there was one, {2} too many
if redis.call('EXISTS', KEYS[4]) == 1 then return {-1} end
local head = redis.call('GET', KEYS[1])
if head then return {0, head} end
local jobs = {}
for id, expiry in string.gmatch(redis.call('GET', KEYS[3]) or '', '([^,;]+),(%d+)') do
  if tonumber(expiry) > tonumber(ARGV[5]) then jobs[#jobs + 1] = id .. ',' .. expiry end
end
if #jobs >= tonumber(ARGV[7]) then return {2} end
jobs[#jobs + 1] = ARGV[4] .. ',' .. ARGV[6]
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
redis.call('SET', KEYS[3], table.concat(jobs, ';'), 'PX', ARGV[3])
return {1}
