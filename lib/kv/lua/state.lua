-- Shared part: the packed state of one user or one client address, read with one GET and written with one SET.
--   clock|day,spent,tokens|month,spent,tokens|token,amount,expiry,expected,tokens;…|name,locked_until,first_second,offset:count:offset:count…;…
-- `tokens` are there where there are any, `expected` also where it is not the amount. The state of what many users share (a key, the deployment) is of the
-- same form, its holds summed by the minute they expire in: it stays small however many requests are in flight.
-- Times are milliseconds, money micro-dollars, windows are counted in buckets of one second.
-- Clock, day and month never go back: a caller whose clock is behind counts on what others have reached.
local function split(text, sep)
  local out = {}
  for piece in string.gmatch(text, '[^' .. sep .. ']+') do out[#out + 1] = piece end
  return out
end
local function int(n) return string.format('%.0f', n) end
local function read_windows(text)
  local windows = {}
  for _, piece in ipairs(split(text, ';')) do
    local f = split(piece, ',')
    local buckets, at = {}, tonumber(f[3])
    if f[4] then
      local nums = split(f[4], ':')
      for i = 1, #nums, 2 do
        at = at + tonumber(nums[i])
        buckets[#buckets + 1] = {at, tonumber(nums[i + 1])}
      end
    end
    windows[f[1]] = {lock = tonumber(f[2]), buckets = buckets}
  end
  return windows
end
local function read_spent(text, period)
  local f = split(text, ',')
  if f[1] >= period then return {f[1], tonumber(f[2]), tonumber(f[3] or 0)} end
  return {period, 0, 0}
end
local function read_state(text, now, day, month)
  local s = {clock = now, day = {day, 0, 0}, month = {month, 0, 0}, holds = {}, windows = {}, lost = {}}
  if not text then return s end
  local f = {}
  for piece in string.gmatch(text .. '|', '([^|]*)|') do f[#f + 1] = piece end
  s.clock = math.max(now, tonumber(f[1]))
  s.day, s.month = read_spent(f[2], day), read_spent(f[3], month)
  for _, piece in ipairs(split(f[4], ';')) do
    local h = split(piece, ',')
    local list = tonumber(h[3]) > s.clock and s.holds or s.lost
    list[#list + 1] = {h[1], tonumber(h[2]), tonumber(h[3]), tonumber(h[4]), tonumber(h[5] or 0)}
  end
  s.windows = read_windows(f[5])
  return s
end
local function dump_window(name, w)
  local nums, at = {}, w.buckets[1] and w.buckets[1][1] or 0
  local last = at
  for _, b in ipairs(w.buckets) do
    nums[#nums + 1] = int(b[1] - last) .. ':' .. int(b[2])
    last = b[1]
  end
  return name .. ',' .. int(w.lock) .. ',' .. int(at) .. ',' .. table.concat(nums, ':')
end
local function dump_spent(f)
  return f[1] .. ',' .. int(f[2]) .. (f[3] > 0 and ',' .. int(f[3]) or '')
end
local function dump_hold(h)
  local text = h[1] .. ',' .. int(h[2]) .. ',' .. int(h[3])
  if h[5] > 0 then return text .. ',' .. int(h[4] or h[2]) .. ',' .. int(h[5]) end
  return text .. (h[4] and ',' .. int(h[4]) or '')
end
local function dump_state(s)
  local holds, names, windows = {}, {}, {}
  for _, list in ipairs({s.lost, s.holds}) do
    for _, h in ipairs(list) do holds[#holds + 1] = dump_hold(h) end
  end
  for name, w in pairs(s.windows) do
    if #w.buckets > 0 or w.lock > s.clock then names[#names + 1] = name end
  end
  table.sort(names)
  for _, name in ipairs(names) do windows[#windows + 1] = dump_window(name, s.windows[name]) end
  return int(s.clock) .. '|' .. dump_spent(s.day) .. '|' .. dump_spent(s.month)
    .. '|' .. table.concat(holds, ';') .. '|' .. table.concat(windows, ';')
end
-- Adds to, or takes off, what is held of a shared state until a time.
local function hold_shared(s, amount, tokens, expiry)
  local minute = math.floor(expiry / 60000)
  s.lost = {}
  for i, h in ipairs(s.holds) do
    if h[1] == int(minute) then
      h[2], h[5] = h[2] + amount, math.max(0, h[5] + tokens)
      if h[2] <= 0 then table.remove(s.holds, i) end
      return
    end
  end
  if amount > 0 then s.holds[#s.holds + 1] = {int(minute), amount, (minute + 1) * 60000, nil, tokens} end
end
-- A bucket counts until its last millisecond has left the window, so any window of that length holds at most the limit.
local function window_of(s, limit)
  local w = s.windows[limit.name] or {lock = 0, buckets = {}}
  local kept, used = {}, 0
  for _, b in ipairs(w.buckets) do
    if b[1] * 1000 + 999 > s.clock - limit.window then
      kept[#kept + 1] = b
      used = used + b[2]
    end
  end
  w.buckets = kept
  s.windows[limit.name] = w
  return w, used
end
local function wait_until_free(s, w, used, limit)
  for _, b in ipairs(w.buckets) do
    used = used - b[2]
    if used < limit.max then return b[1] * 1000 + 999 + limit.window - s.clock end
  end
  return limit.window
end
-- Returns nothing when the limit leaves room, else the reply of a refusal and whether a lockout has begun.
local function refusal(s, limit)
  local w, used = window_of(s, limit)
  if w.lock > s.clock then return {5, limit.name, w.lock - s.clock, limit.max} end
  if used < limit.max then return nil end
  local wait = wait_until_free(s, w, used, limit)
  if limit.lockout == 0 then return {4, limit.name, wait, limit.max} end
  w.lock = s.clock + limit.lockout
  return {4, limit.name, math.max(wait, limit.lockout), limit.max}, true
end
local function count(s, limit)
  local w = window_of(s, limit)
  s.changed = true
  local second, last = math.floor(s.clock / 1000), w.buckets[#w.buckets]
  if last and last[1] == second then last[2] = last[2] + 1
  else w.buckets[#w.buckets + 1] = {second, 1} end
end
