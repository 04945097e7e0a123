-- Finds the records of one request in the usage log. Its lists are nearly in order of time, so: by bisection, and where
-- that fails (a record that came late, an id that tells no time) among the latest.
-- KEYS the lists it may lie in   ARGV 1 how its records begin  2 seconds from which on they lie (0: unknown)  3 records looked through
-- Reply: its records, in order
local most, found, closed = tonumber(ARGV[3]), {}, false
local function int(n) return string.format('%.0f', n) end
local function look(key, first)
  for at = first, first + most - 1, 256 do
    local lines = redis.call('LRANGE', key, int(at), int(at + 255))
    for _, line in ipairs(lines) do
      if string.sub(line, 1, #ARGV[1]) == ARGV[1] then
        found[#found + 1] = line
        closed = closed or not string.find(line, '"k":"open"', 1, true)
      end
    end
    if closed or #lines < 256 then return end
  end
end
for _, key in ipairs(KEYS) do
  local low, high = 0, redis.call('LLEN', key)
  local latest = math.max(0, high - most)
  if ARGV[2] ~= '0' then
    while low < high do
      local middle = math.floor((low + high) / 2)
      local at = string.match(redis.call('LINDEX', key, int(middle)), '"at":(%d+)')
      if tonumber(at or 0) < tonumber(ARGV[2]) then low = middle + 1 else high = middle end
    end
    look(key, low)
  end
  if not closed then look(key, latest) end
  if closed then return found end
end
return found
