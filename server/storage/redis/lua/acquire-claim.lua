#!lua
--[[
  Claims every touch for a feature, or nothing. A grant is provisional until it is confirmed.

  The session's lease is renewed also when the claim is refused, but not when the lease has run out already. Nothing
  is written before everything was looked at; without memory to spare Redis refuses the script before its first line.

  KEYS  the project's keys (keys.lua); writes all but draining

  ARGV
    1  epoch
    2  server identity
    3  claim id
    4  feature id
    5  session id
    6  ttl of the lease in milliseconds
    7  milliseconds after which an unconfirmed claim is overdue
    8  touches as JSON: [{ path, mode, terms }, ...] (index.lua)
    9  most entries to look at
    10 most steps of comparison
    11 most pairs in a refusal

  Reply
    { "GRANTED", token, acquire_ms, expire_ms }
    { "CONFLICT", { row, ... }, { touch, text, row number, ... } }   numbers from 0; row as in claims.lua
    { "FEATURE_HELD", row }
    { "SESSION_EXPIRED" }
    { "TOO_BROAD", touch }   counted from 0
    { "RECOVERING" } or { "RECOVERING", epoch }
]]
local claim_id, feature, session, touches_json = ARGV[3], ARGV[4], ARGV[5], ARGV[8]

local state = read_state()
local refusal = recovering(state, ARGV[1], ARGV[2])
if refusal then
  return refusal
end
local now = state.now
if now < state.grants_from then
  return { 'RECOVERING', state.epoch }
end
local lease = live_lease(session, now)
if not lease then
  return { 'SESSION_EXPIRED' }
end

local held = load_claim(claim_id)
if not held then
  local of_feature = redis.call('HGET', FEATURES, feature)
  held = of_feature and load_claim(of_feature)
  held = held and is_live(held, now) and held
end
local touches, found, too_broad = nil, nil, nil
if not held then
  touches = cjson.decode(touches_json)
  found, too_broad = find_held(touches, now, function(touch)
    -- Two shared touches get along, so a shared one has nothing to fear from shared ones.
    return touch.mode == 'shared' and { 'e' } or { 'e', 's' }
  end, {
    candidates = tonumber(ARGV[9]),
    steps = tonumber(ARGV[10]),
    pairs = tonumber(ARGV[11]),
    pairs_per_touch = tonumber(ARGV[11]),
  })
end

remember_time(state)
local expire = renew_lease(session, lease, now + tonumber(ARGV[6]))
if held then
  return { 'FEATURE_HELD', claim_row(held, now) }
end
if too_broad then
  return { 'TOO_BROAD', too_broad - 1 }
end
if #found > 0 then
  return { 'CONFLICT', held_reply(found, now) }
end

local counter = redis.call('HINCRBY', STATE, 'counter', 1)
local token = decimal(tonumber(state.epoch) * 4294967296 + counter)
local deadline = now + tonumber(ARGV[7])
add_claim({
  id = claim_id,
  feature = feature,
  session = session,
  token = token,
  state = 'provisional',
  acquired = now,
  ends = deadline,
}, touches_json, touches)
redis.call('ZADD', PROVISIONAL, decimal(deadline), claim_id)
return { 'GRANTED', token, now, expire }
