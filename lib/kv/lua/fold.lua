-- Adds one user's totals of a month to those of nobody, and removes the user's: at once, so that sums never change.
-- KEYS 1 the user's view  2 nobody's  3 ranking of the month, then of its days
-- ARGV 1 the user  2 nobody  3 lifetime in seconds  4 bytes of 48-bit counters, behind which they have 32 bits
--      5 counters in a block  6 place of the score in a block   Reply 1 there was something, 0 there was not
local text = redis.call('GET', KEYS[1])
local folding = {'BITFIELD', KEYS[2]}
local function add(kind, size, from, upto)
  for at = from, upto - size, size do
    local n = 0
    for i = 1, size do n = n * 256 + string.byte(text, at + i) end
    if n > 0 then
      for _, piece in ipairs({'INCRBY', kind, string.format('%.0f', at * 8), string.format('%.0f', n)}) do
        folding[#folding + 1] = piece
      end
    end
  end
end
if text then
  local narrow = tonumber(ARGV[4])
  text = text .. string.rep('\0', 6)
  add('u48', 6, 0, math.min(narrow, #text))
  add('u32', 4, narrow, #text)
  if #folding > 2 then
    redis.call(unpack(folding))
    redis.call('EXPIRE', KEYS[2], ARGV[3])
  end
  redis.call('DEL', KEYS[1])
end
for k = 3, #KEYS do
  if redis.call('ZREM', KEYS[k], ARGV[1]) == 1 then
    local place = string.format('#%.0f', (k - 3) * ARGV[5] + ARGV[6])
    local score = redis.call('BITFIELD', KEYS[2], 'GET', 'u48', place)[1]
    redis.call('ZADD', KEYS[k], string.format('%.0f', score), ARGV[2])
  end
end
return text and 1 or 0
