#!lua flags=allow-oom
--[[
  Renews a session's lease and answers what it holds. One that has run out or is not known is not revived.

  KEYS  the project's keys (keys.lua); writes state, leases

  ARGV
    1  epoch
    2  server identity
    3  session id
    4  ttl in milliseconds

  Reply
    { "ALIVE", expire_ms, row, ... }   row as in claims.lua
    { "SESSION_EXPIRED" }
    { "RECOVERING" } or { "RECOVERING", epoch }
]]
local session = ARGV[3]

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

remember_time(state)
return alive(session, renew_lease(session, lease, now + tonumber(ARGV[4])), now)
