-- Admission: limits, lockouts, budgets, exact cache and de-duplication of one request, all or nothing, in one call.
-- KEYS  1 user state  2 address state  3 cached answer  4 de-duplication record  5 usage log
--       then the states of shared budgets
-- ARGV  1 now  2 claim token  3 lease (0: claim nothing)  4 may read the cache  5 may replay a finished duplicate
--       6 hold amount  7 hold expiry  8 day  9 month  10 state lifetime
--       11 usage record up to its kind  12 usage log lifetime in seconds  13 body digest
--       14 rest of the record that is written ahead of a call; a hold stands for it where there is one
--       15 what has to fit: the request's expected cost, of which the hold is the most  16 hold in tokens  17 what has to fit in tokens
--       then per budget, the user's first: of the day, of the month, in tokens of the day, of the month
--       then per limit: owner (u: user, a: address)  name  maximum  window  lockout  when (every: each request, call: only one that calls a model)
-- Reply {code, text, used of the first limit, its reset, length of the usage log if written}: 0 go {lost holds, …}
--       1 cached {entry, …}  2 in flight {record, …}  3 duplicate done {record, …}; 4 limited / 5 locked {limit, wait, maximum}
--       6 over budget {period, spent and held, budget, held, whose: 0 the user's, else of which shared one, 1 money or 2 tokens}  7 the record is of another body
local now, day, month = tonumber(ARGV[1]), ARGV[8], ARGV[9]
local v = redis.call('MGET', unpack(KEYS))
local user, address = read_state(v[1], now, day, month), read_state(v[2], now, day, month)
local every, calls = {}, {}
for i = 18 + 4 * (#KEYS - 4), #ARGV, 6 do
  local limit = {owner = ARGV[i] == 'u' and user or address, name = ARGV[i + 1], max = tonumber(ARGV[i + 2]),
    window = tonumber(ARGV[i + 3]), lockout = tonumber(ARGV[i + 4])}
  local list = ARGV[i + 5] == 'every' and every or calls
  list[#list + 1] = limit
end
local function save(s, key) redis.call('SET', key, dump_state(s), 'PX', ARGV[10]) end
local function refused_by(limits)
  for _, limit in ipairs(limits) do
    local reply, locked = refusal(limit.owner, limit)
    if reply then
      if locked then save(limit.owner, limit.owner == user and KEYS[1] or KEYS[2]) end
      return reply
    end
  end
end
local logged = 0
local function book(record)
  logged = redis.call('RPUSH', KEYS[5], record)
  if logged == 1 then redis.call('EXPIRE', KEYS[5], ARGV[12]) end
end
local no = refused_by(every)
if no then return no end
local entry = ARGV[4] == '1' and v[3] or nil
local mark, digest = string.match(v[4] or '', '^([DF])([^\n]*)')
if mark and digest ~= ARGV[13] then return {7, '', 0, 0} end
local code = 0
if entry then code = 1
elseif mark == 'D' and ARGV[5] == '1' then code = 3
elseif mark == 'F' and ARGV[3] ~= '0' then code = 2 end
local text = entry or v[4]
if code == 0 then
  no = refused_by(calls)
  if no then return no end
  local hold, expiry, tokens, shared = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[16]), {}
  local need = {tonumber(ARGV[15]), tonumber(ARGV[17])}
  local function over(s, whose)
    local held = {0, 0}
    for _, h in ipairs(s.holds) do held[1], held[2] = held[1] + h[2], held[2] + h[5] end
    for i = 0, 3 do
      local limit, unit, period = tonumber(ARGV[18 + 4 * whose + i]), i < 2 and 1 or 2, i % 2 == 0 and 'day' or 'month'
      local taken = s[period][1 + unit] + held[unit]
      if limit > 0 and taken + need[unit] > limit then return {6, period, taken, limit, held[unit], whose, unit} end
    end
  end
  no = over(user, 0)
  for i = 1, #KEYS - 5 do
    shared[i] = read_state(v[5 + i], now, day, month)
    no = no or over(shared[i], i)
  end
  if no then return no end
  if ARGV[3] ~= '0' then redis.call('SET', KEYS[4], 'F' .. ARGV[13] .. '\n' .. ARGV[2], 'PX', ARGV[3]) end
  if hold > 0 then
    user.holds[#user.holds + 1] = {ARGV[2], hold, expiry, need[1] ~= hold and need[1] or nil, tokens}
    for i, s in ipairs(shared) do
      hold_shared(s, hold, tokens, expiry)
      redis.call('SET', KEYS[5 + i], dump_state(s), 'PX', ARGV[10])
    end
  end
  user.changed = hold > 0 or #user.lost > 0
  local lost = {}
  local whose = string.match(ARGV[11], ',"u":"[^"]*","t":"[^"]*","at":[%d.]+')
  for _, h in ipairs(user.lost) do
    local cost = int(h[4] or h[2])
    lost[#lost + 1] = h[1] .. ',' .. cost
    if whose then book('{"id":"' .. h[1] .. '"' .. whose .. ',"k":"open","cost":' .. cost .. '}') end
  end
  if hold == 0 and ARGV[14] ~= '' then book(ARGV[11] .. ARGV[14]) end
  text, user.lost = table.concat(lost, ';'), {}
  for _, limit in ipairs(calls) do count(limit.owner, limit) end
end
for _, limit in ipairs(every) do count(limit.owner, limit) end
if user.changed then save(user, KEYS[1]) end
if address.changed then save(address, KEYS[2]) end
local used, reset = 0, 0
if every[1] then
  local w, n = window_of(every[1].owner, every[1])
  used, reset = n, wait_until_free(every[1].owner, w, n, {max = n, window = every[1].window})
end
if (code == 1 or code == 3) and ARGV[11] ~= '' then
  local body = code == 1 and entry or string.match(v[4], '\n(.*)')
  local kind = code == 1 and '"exact","c":"' .. string.match(KEYS[3], '[^:]*$') .. '"' or '"duplicate"'
  book(ARGV[11] .. kind .. ',"entry":' .. string.match(body, '^[^\n]*') .. '}')
end
return {code, text, used, reset, logged}
