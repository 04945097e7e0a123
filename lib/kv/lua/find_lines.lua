-- The lines of a piece of a list that hold a text.   KEYS 1 list   ARGV 1 the text  2 first place  3 how many are looked at
-- Reply {how many there were, place, line, …}
local from = tonumber(ARGV[2])
local lines = redis.call('LRANGE', KEYS[1], ARGV[2], string.format('%.0f', from + ARGV[3] - 1))
local found = {#lines}
for i, line in ipairs(lines) do
  if string.find(line, ARGV[1], 1, true) then
    found[#found + 1] = from + i - 1
    found[#found + 1] = line
  end
end
return found
