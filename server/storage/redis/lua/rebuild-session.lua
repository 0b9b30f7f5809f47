#!lua flags=allow-oom
--[[
  Restores a session's lease with a fresh ttl.

  KEYS  the project's keys (keys.lua); writes leases

  ARGV
    1  epoch
    2  server identity
    3  intent mark
    4  session id
    5  ttl in milliseconds

  Reply
    { "REBUILT" }
    { "SUPERSEDED" }   another rebuild took over, or this one has finished
]]
local state = read_state()
if not is_rebuilding(state, ARGV[1], ARGV[2], ARGV[3]) then
  return { 'SUPERSEDED' }
end
renew_lease(ARGV[4], 0, state.now + tonumber(ARGV[5]))
return { 'REBUILT' }
