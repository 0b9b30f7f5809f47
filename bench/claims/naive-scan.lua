--[[
  What a store without an index would do: takes every held touch and compares it with every asked one, until one stands
  in the way. For the benchmark only. Needs claims.lua, overlap.lua, ranges.lua and search.lua.

  KEYS  the project's keys (keys.lua)
  ARGV  touches as JSON: [{ terms }, ...] (index.lua)
  Reply 1 when one stands in the way, else 0
]]
local asked = {}
for _, touch in ipairs(cjson.decode(ARGV[1])) do
  for _, term in ipairs(touch.terms) do
    asked[#asked + 1] = alternative_of(term)
  end
end
local cursor = '0'
repeat
  local page = redis.call('HSCAN', TOUCHES, cursor, 'COUNT', 100)
  cursor = page[1]
  for i = 2, #page[2], 2 do
    for _, touch in ipairs(cjson.decode(page[2][i])) do
      for _, term in ipairs(touch.terms) do
        if alternatives_overlap({ alternative_of(term) }, asked, { steps = math.huge }) then
          return 1
        end
      end
    end
  end
until cursor == '0'
return 0
