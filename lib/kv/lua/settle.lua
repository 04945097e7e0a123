-- Settlement: takes a request's hold off and books what it really cost, with its user and all who share a budget with it.
-- KEYS 1 user state  2 the user's tombstone: while it stands, a state that is gone does not come back; then the states of shared budgets, those of admission
-- ARGV 1 now  2 token  3 cost  4 day  5 month  6 state lifetime
--      7 tokens  8 'held': only if the hold is still there, so that a repetition books nothing twice
-- Reply of each state {spent of the day, of the month, tokens of the day, of the month}, with this request; nothing where nothing was booked
local now, cost, tokens = tonumber(ARGV[1]), tonumber(ARGV[3]), tonumber(ARGV[7])
local texts = redis.call('MGET', unpack(KEYS))
local s, hold = read_state(texts[1], now, ARGV[4], ARGV[5]), nil
for _, list in ipairs({'holds', 'lost'}) do
  local kept = {}
  for _, h in ipairs(s[list]) do
    if h[1] ~= ARGV[2] then kept[#kept + 1] = h else hold = h end
  end
  s[list] = kept
end
if ARGV[8] and not hold then return {} end
local sums = {}
local function book(state, i)
  for _, spent in ipairs({state.day, state.month}) do spent[2], spent[3] = spent[2] + cost, spent[3] + tokens end
  for unit = 2, 3 do
    sums[#sums + 1], sums[#sums + 2] = state.day[unit], state.month[unit]
  end
  if texts[i] or not texts[2] then redis.call('SET', KEYS[i], dump_state(state), 'PX', ARGV[6]) end
end
book(s, 1)
for i = 3, #KEYS do
  local shared = read_state(texts[i], now, ARGV[4], ARGV[5])
  shared.lost = {}
  if hold then hold_shared(shared, -hold[2], -hold[5], hold[3]) end
  book(shared, i)
end
return sums
