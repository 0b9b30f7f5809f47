#!lua flags=allow-oom
--[[
  Ends a rebuild: from here on the project is served at this epoch. Repeating it is safe.

  KEYS  the project's keys (keys.lua); writes state

  ARGV
    1  epoch
    2  server identity
    3  intent mark

  Reply
    { "REBUILT" }
    { "SUPERSEDED" }   another rebuild took over
]]
local state = read_state()
if state.epoch ~= ARGV[1] or state.server ~= ARGV[2] or state.intent ~= ARGV[3] then
  return { 'SUPERSEDED' }
end
if not state.ready then
  redis.call('HSET', STATE, 'ready', '1')
  tick(state)
end
return { 'REBUILT' }
