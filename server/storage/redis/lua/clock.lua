-- The time of day in milliseconds, by the only clock that decides. Tests put a clock of their own in its place.
local function clock()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
