-- Notes a stored question under its rarest terms: its record goes before what their fields hold, which are cut to size.
-- Nothing is noted for a user who has just been deleted; no new field is begun in a hash that has as many as it may.
-- The postings' name is noted in the index of the user's holdings, by which a deletion finds them.
-- KEYS 1 the postings of a scope  2 the user's tombstone  3 index of their holdings
-- ARGV 1 record  2 characters a field may hold  3 fields there may be  4 lifetime of the postings (seconds)
--      5 when their name may go from the index (ms)  6 '1': several users write here, each is noted; then the fields
-- Reply: fields written
if redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
local fields = {}
for i = 7, #ARGV do fields[#fields + 1] = ARGV[i] end
local held = redis.call('HMGET', KEYS[1], unpack(fields))
local many = redis.call('HLEN', KEYS[1])
local full = many >= tonumber(ARGV[3])
local set = {'HSET', KEYS[1]}
for i, field in ipairs(fields) do
  local before = held[i]
  if before or not full then
    local rest = before or ''
    local at = string.find(rest, ARGV[1], 1, true)
    if at and (at - 1) % #ARGV[1] == 0 then rest = string.sub(rest, 1, at - 1) .. string.sub(rest, at + #ARGV[1]) end
    set[#set + 1] = field
    set[#set + 1] = string.sub(ARGV[1] .. rest, 1, tonumber(ARGV[2]))
  end
end
if #set == 2 then return 0 end
redis.call(unpack(set))
if many == 0 or ARGV[6] == '1' then
  redis.call('EXPIRE', KEYS[1], ARGV[4])
  redis.call('ZADD', KEYS[3], ARGV[5], KEYS[1])
  if redis.call('TTL', KEYS[3]) < tonumber(ARGV[4]) then redis.call('EXPIRE', KEYS[3], ARGV[4]) end
end
return (#set - 2) / 2
