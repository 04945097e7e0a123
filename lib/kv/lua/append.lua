-- Appends a record to the usage log and keeps the texts of its request, by which the record tells where they are. Of a
-- user who has just been deleted nothing is kept: what is in the texts' place goes, be it a claim that others wait for.
-- KEYS 1 log  2 tombstone, then where each text goes
-- ARGV 1 the record, then per text: lifetime in ms  text, then what makes the record nameless   Reply: length of the log
local texts = #KEYS - 2
for i = 1, texts do
  if gone then redis.call('DEL', KEYS[i + 2])
  else redis.call('SET', KEYS[i + 2], ARGV[2 * i + 1], 'PX', ARGV[2 * i]) end
end
return redis.call('RPUSH', KEYS[1], nameless(ARGV[1], 2 * texts + 2))
