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
    10 most units of work (ranges.lua)
    11 most pairs in a refusal
    12 most of them for one touch
    13 most steps of one comparison (overlap.lua)
    14 id of the claim that this one is to stand beside, or ""
    15.. ids of claims that this one replaces; those of other features are not passed over

  Reply
    { "GRANTED", token, acquire_ms, expire_ms }
    { "CONFLICT", { row, ... }, { touch, text, mode, row number, ... } }   numbers from 0; row as in claims.lua
    { "FEATURE_HELD", row }   this claim id, or the lowest token of the feature's live claims
    { "CLAIM_GONE" }          the claim to stand beside
    { "SESSION_EXPIRED" }
    { "TOO_BROAD", touch }   counted from 0
    { "RECOVERING" } or { "RECOVERING", epoch }
]]
local claim_id, feature, session, touches_json, alongside = ARGV[3], ARGV[4], ARGV[5], ARGV[8], ARGV[14]

local state = read_state()
local refusal = recovering(state, ARGV[1], ARGV[2])
if refusal then
  return refusal
end
local now = state.now
local lease = live_lease(session, now)
if not lease then
  return { 'SESSION_EXPIRED' }
end

local replaced = {}
for i = 15, #ARGV do
  replaced[ARGV[i]] = true
end
local function is_replaced(claim)
  return replaced[claim.id] and claim.feature == feature
end
local function is_own(claim)
  return claim.feature == feature and claim.session == session and claim.state ~= 'draining'
end

local held = load_claim(claim_id)
local pick = nil
if alongside == '' then
  held = held or first_of_feature(feature, now, is_replaced)
elseif not held then
  pick = load_claim(alongside)
end
local gone = alongside ~= '' and not held and not (pick and is_own(pick))
local touches, found, nodes = nil, nil, nil
if not held and not gone then
  touches = cjson.decode(touches_json)
  found, nodes = find_held(touches, now, conflicting_modes, {
    candidates = tonumber(ARGV[9]),
    units = tonumber(ARGV[10]),
    pairs = tonumber(ARGV[11]),
    pairs_per_touch = tonumber(ARGV[12]),
    steps_per_pair = tonumber(ARGV[13]),
  }, function(claim)
    return is_replaced(claim) or pick ~= nil and is_own(claim)
  end)
end

remember_time(state)
local expire = renew_lease(session, lease, now + tonumber(ARGV[6]))
if held then
  return { 'FEATURE_HELD', claim_row(held, now) }
end
if gone then
  return { 'CLAIM_GONE' }
end
if not found then
  return { 'TOO_BROAD', nodes - 1 }
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
}, touches_json, touches, nodes)
redis.call('ZADD', PROVISIONAL, decimal(deadline), claim_id)
return { 'GRANTED', token, now, expire }
