#!lua flags=allow-oom
--[[
  Starts a rebuild: forgets everything of the project and takes this epoch and intent mark. A rebuild that another
  caller began and did not finish is replaced. Refused when the project is at a higher epoch, or at this one and served.

  KEYS  the project's keys (keys.lua); removes all, writes state

  ARGV
    1  epoch
    2  server identity
    3  intent mark

  Reply
    { "BEGUN" }
    { "SUPERSEDED" }
]]
local epoch, server, intent = ARGV[1], ARGV[2], ARGV[3]

local state = read_state()
if state.epoch then
  local served = state.epoch == epoch and state.ready and state.server == server
  if tonumber(state.epoch) > tonumber(epoch) or served then
    return { 'SUPERSEDED' }
  end
end

for _, key in ipairs(KEYS) do
  redis.call('UNLINK', key)
end
redis.call('HSET', STATE, 'epoch', epoch, 'server', server, 'intent', intent, 'ready', '0', 'counter', '0')
tick(state)
return { 'BEGUN' }
