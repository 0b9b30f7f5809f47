#!lua flags=no-writes
--[[
  Finds for each touch the live claims that overlap it, whatever the modes. Changes nothing.

  KEYS  the project's keys (keys.lua)

  ARGV
    1  epoch
    2  server identity
    3  touches as JSON: [{ path, mode, terms }, ...] (index.lua)
    4  most entries to look at
    5  most units of work (ranges.lua)
    6  most pairs for one touch
    7  most steps of one comparison (overlap.lua)

  Reply
    { "CHECKED", { row, ... }, { touch, text, mode, row number, ... } }   numbers from 0; row as in claims.lua
    { "TOO_BROAD", touch }   counted from 0
    { "RECOVERING" } or { "RECOVERING", epoch }
]]
local state = read_state()
local refusal = recovering(state, ARGV[1], ARGV[2])
if refusal then
  return refusal
end
local found, too_broad = find_held(cjson.decode(ARGV[3]), state.now, function()
  return { 'e', 's' }
end, {
  candidates = tonumber(ARGV[4]),
  units = tonumber(ARGV[5]),
  pairs = math.huge,
  pairs_per_touch = tonumber(ARGV[6]),
  steps_per_pair = tonumber(ARGV[7]),
})
if not found then
  return { 'TOO_BROAD', too_broad - 1 }
end
return { 'CHECKED', held_reply(found, state.now) }
