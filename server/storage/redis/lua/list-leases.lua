#!lua flags=no-writes
--[[
  Every lease of the project, those that have run out included.

  KEYS  the project's keys (keys.lua)

  ARGV
    1  epoch
    2  server identity

  Reply
    { "LISTED", now_ms, { session, expire_ms, session, expire_ms, ... } }   earliest end first
    { "RECOVERING" } or { "RECOVERING", epoch }
]]
local state = read_state()
local refusal = recovering(state, ARGV[1], ARGV[2])
if refusal then
  return refusal
end
return { 'LISTED', state.now, redis.call('ZRANGE', LEASES, 0, -1, 'WITHSCORES') }
