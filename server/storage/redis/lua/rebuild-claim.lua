#!lua flags=allow-oom
--[[
  Restores a claim as held, with the token it has. Whether it overlaps others is not looked at. Repeating it is safe.

  KEYS  the project's keys (keys.lua); writes claims, touches, features, holdings and the index

  ARGV
    1  epoch
    2  server identity
    3  intent mark
    4  claim id
    5  feature id
    6  session id; its lease must have been restored
    7  token
    8  acquire time in milliseconds
    9  touches as JSON: [{ path, mode, terms }, ...] (index.lua)

  Reply
    { "REBUILT" }
    { "SUPERSEDED" }   another rebuild took over, or this one has finished
    { "NO_SESSION" }   the session was not restored before; nothing was changed
]]
local claim_id, session, touches_json = ARGV[4], ARGV[6], ARGV[9]

local state = read_state()
if not is_rebuilding(state, ARGV[1], ARGV[2], ARGV[3]) then
  return { 'SUPERSEDED' }
end
if not redis.call('ZSCORE', LEASES, session) then
  return { 'NO_SESSION' }
end
if not load_claim(claim_id) then
  add_claim({
    id = claim_id,
    feature = ARGV[5],
    session = session,
    token = ARGV[7],
    state = 'held',
    acquired = tonumber(ARGV[8]),
  }, touches_json, cjson.decode(touches_json))
end
return { 'REBUILT' }
