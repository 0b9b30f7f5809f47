#!lua flags=allow-oom
--[[
  Restores a claim with the token it has, as held or draining. One that overlaps what another feature was given back is
  left out; where that takes more work than one search may, it is restored unseen. Repeating it is safe.

  KEYS  the project's keys (keys.lua); writes claims, touches, features, holdings, draining and the index

  ARGV
    1  epoch
    2  server identity
    3  intent mark
    4  claim id
    5  feature id
    6  session id; of a held claim its lease must have been restored
    7  token
    8  acquire time in milliseconds
    9  touches as JSON: [{ path, mode, terms }, ...] (index.lua)
    10 milliseconds for which it drains, or "" for a held one
    11 most entries to look at
    12 most units of work (ranges.lua)
    13 most steps of one comparison

  Reply
    { "REBUILT" }
    { "OVERLAPS" }     another feature's claim; nothing was changed
    { "SUPERSEDED" }   another rebuild took over, or this one has finished
    { "NO_SESSION" }   the session was not restored before; nothing was changed
]]
local claim_id, feature, session, touches_json, drain_ms = ARGV[4], ARGV[5], ARGV[6], ARGV[9], tonumber(ARGV[10])

local state = read_state()
if not is_rebuilding(state, ARGV[1], ARGV[2], ARGV[3]) then
  return { 'SUPERSEDED' }
end
if not drain_ms and not redis.call('ZSCORE', LEASES, session) then
  return { 'NO_SESSION' }
end
if load_claim(claim_id) then
  return { 'REBUILT' }
end
local touches = cjson.decode(touches_json)
local found, nodes = find_held(touches, state.now, conflicting_modes, {
  candidates = tonumber(ARGV[11]),
  units = tonumber(ARGV[12]),
  pairs = 1,
  pairs_per_touch = 1,
  steps_per_pair = tonumber(ARGV[13]),
}, function(claim)
  return claim.feature == feature
end)
if found and #found > 0 then
  return { 'OVERLAPS' }
end
local claim = {
  id = claim_id,
  feature = feature,
  session = session,
  token = ARGV[7],
  state = 'held',
  acquired = tonumber(ARGV[8]),
}
add_claim(claim, touches_json, touches, found and nodes)
if drain_ms then
  drain_claim(claim, state.now, drain_ms)
end
return { 'REBUILT' }
