-- Appends the record of a request that admission may have booked as a hit without being heard: that one is undone.
-- KEYS 1 usage log   ARGV 1 the record  2 its id, as written in a record  3 records looked through  4 prefix of undone kinds
-- Reply: length of the log
for _, line in ipairs(redis.call('LRANGE', KEYS[1], -tonumber(ARGV[3]), -1)) do
  if string.find(line, ARGV[2], 1, true) and string.find(line, '"entry":{', 1, true) then
    local kind = string.match(line, '"k":"(%a+)"')
    redis.call('RPUSH', KEYS[1], (string.gsub(line, '"k":"' .. kind, '"k":"' .. ARGV[4] .. kind, 1)))
    break
  end
end
return redis.call('RPUSH', KEYS[1], nameless(ARGV[1], 5))
