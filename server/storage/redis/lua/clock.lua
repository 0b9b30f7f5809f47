-- The time of day in milliseconds, by the only clock that decides. Tests put a clock of their own in its place.
local function clock()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

-- How far the clock may run on from the last tick of a reconciler (list-due-work.lua) before nobody knows any more
-- whether time passed or jumped, and whether anybody could have given a sign of life meanwhile.
local MAX_TICK_GAP_MS = 15000
