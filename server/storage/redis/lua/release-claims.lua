#!lua flags=allow-oom
--[[
  Frees claims at once, whatever their state. Claims that are not known are passed over.

  KEYS  the project's keys (keys.lua); writes all but leases

  ARGV
    1   epoch
    2   server identity
    3.. claim ids

  Reply
    { "RELEASED" }
    { "RECOVERING" } or { "RECOVERING", epoch }
]]
local state = read_state()
local refusal = recovering(state, ARGV[1], ARGV[2])
if refusal then
  return refusal
end

remember_time(state)
for i = 3, #ARGV do
  local claim = load_claim(ARGV[i])
  if claim then
    forget_claim(claim)
  end
end
return { 'RELEASED' }
