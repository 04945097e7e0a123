-- One turn of a worker on a batch job: takes in what has ended, keeps alive what still runs, hands out more.
-- State: open, done or cancelled|next never taken|done|failed|micro-dollars|paused until|last turn|index,until,lost,failures,by;…
-- An item in the list is leased by a worker until then, or (by nobody) waits until then; one before `next` that is not has its result.
-- KEYS  1 state, then where the result of each item that has one goes
-- ARGV  1 now  2 worker  3 lease  4 how many more  5 most leases alive  6 items  7 pause until  8 lifetime in ms
--       9 what still runs (',3,5,')  10 most in the list  11 'cancel' or ''  then per report:
--       index  done, failed or back  micro-dollars, or until when it waits  its result, or 'lost,failures'
-- Reply {status, done, failed, micro-dollars, alive, next, ms until more may be had (-1: never), 'index,lost,failures;…'}
local text = redis.call('GET', KEYS[1])
if not text then return {'gone', 0, 0, 0, 0, 0, -1, ''} end
local now, me, lease = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3])
local want, most, total = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local function int(n) return string.format('%.0f', n) end
local f = {}
for piece in string.gmatch(text .. '|', '([^|]*)|') do f[#f + 1] = piece end
local status, next, done, failed, cost = f[1], tonumber(f[2]), tonumber(f[3]), tonumber(f[4]), tonumber(f[5])
local pause, items = math.max(tonumber(f[6]), tonumber(ARGV[7])), {}
for i, ends, lost, failures, by in string.gmatch(f[8], '(%d+),(%d+),(%d+),(%d+),([^;]*)') do
  items[#items + 1] = {i, tonumber(ends), lost = lost, failures = failures, by = by}
end
local function item_of(index)
  for at, item in ipairs(items) do
    if item[1] == index then return item, at end
  end
end
local key = 1
for a = 12, #ARGV, 4 do
  local item, at = item_of(ARGV[a])
  if ARGV[a + 1] == 'back' then
    if item and item.by == me then
      item.by, item[2] = '', tonumber(ARGV[a + 2])
      item.lost, item.failures = string.match(ARGV[a + 3], '(%d+),(%d+)')
    end
  else
    key = key + 1
    if item then
      redis.call('SET', KEYS[key], ARGV[a + 3], 'PX', ARGV[8])
      table.remove(items, at)
      if ARGV[a + 1] == 'done' then done = done + 1 else failed = failed + 1 end
      cost = cost + tonumber(ARGV[a + 2])
    end
  end
end
for _, item in ipairs(items) do
  if item.by == me then
    if string.find(ARGV[9], ',' .. item[1] .. ',', 1, true) then item[2] = now + lease
    else item.by, item[2] = '', now end
  end
end
if done + failed == total then status = 'done'
elseif ARGV[11] == 'cancel' and status == 'open' then status = 'cancelled' end
local alive, taken = 0, {}
for _, item in ipairs(items) do
  if item.by ~= '' and item[2] > now then alive = alive + 1 end
end
local function take(item)
  item.by, item[2] = me, now + lease
  want, alive = want - 1, alive + 1
  taken[#taken + 1] = item[1] .. ',' .. item.lost .. ',' .. item.failures
end
local function room() return want > 0 and alive < most and status == 'open' and now >= pause end
for _, item in ipairs(items) do
  if item[2] <= now and room() then
    if item.by ~= '' then item.lost = int(tonumber(item.lost) + 1) end
    take(item)
  end
end
while room() and next < total and #items < tonumber(ARGV[10]) do
  items[#items + 1] = {int(next), 0, lost = '0', failures = '0'}
  take(items[#items])
  next = next + 1
end
local soonest = next < total and #items < tonumber(ARGV[10]) and alive < most and now or nil
local list = {}
for _, item in ipairs(items) do
  list[#list + 1] = item[1] .. ',' .. int(item[2]) .. ',' .. item.lost .. ',' .. item.failures .. ',' .. item.by
  if item.by ~= me and not (soonest and soonest <= item[2]) then soonest = item[2] end
end
local wait = status == 'open' and soonest and math.max(soonest, pause, now) - now or -1
redis.call('SET', KEYS[1], table.concat({status, int(next), int(done), int(failed), int(cost), int(pause), int(now),
  table.concat(list, ';')}, '|'), 'PX', ARGV[8])
return {status, done, failed, cost, alive, next, wait, table.concat(taken, ';')}
