-- Shared part: whether the user has just been deleted, and a record as it then may be written: without what names them.
-- KEYS 2 tombstone   ARGV from `first` on: a piece of the record, and what then stands in its place
local gone = redis.call('EXISTS', KEYS[2]) == 1
local function nameless(line, first)
  if not gone then return line end
  for i = first, #ARGV, 2 do
    local from, upto = string.find(line, ARGV[i], 1, true)
    if from then line = string.sub(line, 1, from - 1) .. ARGV[i + 1] .. string.sub(line, upto + 1) end
  end
  return line
end
