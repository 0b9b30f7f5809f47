-- Where in the index to look for what may overlap a term, and reading it. Needs index.lua.
--
-- Every entry that can overlap a term stands at a directory above it, or at or below it. The nodes tell where anything
-- stands at all, so a literal costs their look-up, and a range or two for each that is not empty. What stands below a term is
-- one range for each depth that it reaches and at which anything stands; for a glob those that end like it instead,
-- where they are fewer. A budget bounds all of it:
--   candidates  entries looked at
--   units       of work, each a tenth of a microsecond or less on the machine of docs/claims.md

local UNITS_PER_CANDIDATE = 8
local UNITS_PER_READ = 20
local UNITS_PER_RANGE = 25
local UNITS_PER_NODE = 12
local UNITS_PER_TERM = 100
-- So few members are sooner looked at than others counted.
local SHORT_RANGE = 8
-- How many members are read at once: few at first, since the first ones may stop the search.
local SMALLEST_BATCH = 8
local LARGEST_BATCH = 256

-- The members of a lexicographic set that begin with `prefix`, to be read in batches.
local function range_of(key, prefix, budget)
  budget.units = budget.units - UNITS_PER_RANGE
  return { key = key, min = '[' .. prefix, max = '(' .. after(prefix), size = SMALLEST_BATCH }
end

-- The next members of a range; none after the last.
local function next_batch(range, budget)
  if range.is_read then
    return {}
  end
  local members = redis.call('ZRANGE', range.key, range.min, range.max, 'BYLEX', 'LIMIT', 0, range.size)
  budget.units = budget.units - UNITS_PER_READ * #members
  range.is_read = #members < range.size
  range.min = '(' .. (members[#members] or '')
  range.size = math.min(4 * range.size, LARGEST_BATCH)
  return members
end

-- Whether the budget allows to look at another entry; if so it is counted.
local function may_look(budget)
  if budget.candidates <= 0 or budget.units < 0 then
    budget.exhausted = true
    return false
  end
  budget.candidates = budget.candidates - 1
  budget.units = budget.units - UNITS_PER_CANDIDATE
  return true
end

-- The nodes of the touches' places and of the directories above them. Nil and the number of the touch when they are more
-- than the budget allows to look up.
local function find_nodes(touches, budget)
  local nodes, places = {}, {}
  for number, touch in ipairs(touches) do
    for _, term in ipairs(touch.terms) do
      local wanted = want_node(nodes, places, term.at)
      budget.units = budget.units - UNITS_PER_NODE * wanted - UNITS_PER_TERM
      if budget.units < 0 then
        return nil, number
      end
    end
  end
  load_nodes(nodes, places)
  return nodes
end

-- The depths at which anything of each mode and class stands: { et = { [2] = true, greatest = 2 }, ... }.
local function read_depths()
  local depths = {}
  local counts = redis.call('HGETALL', DEPTHS)
  for at = 1, #counts, 2 do
    local class, depth = counts[at]:sub(1, 2), counts[at]:byte(3) - 32
    local of_class = depths[class] or { greatest = 0 }
    of_class[depth] = true
    of_class.greatest = math.max(of_class.greatest, depth)
    depths[class] = of_class
  end
  return depths
end

-- How the ranges of `entries` begin in which every entry of a mode and class stands that may overlap the term at or
-- below its place, by what is there.
local function entry_ranges(term, class, node, depths)
  local of_class = depths[class]
  if not of_class then
    return {}
  end
  local depth = depth_at(term.at)
  local first = members_at(node) > 0 and depth or depth + 1
  local last = node >= CHILD and term.kind ~= 'file' and (term.depth or of_class.greatest) or depth
  local prefixes = {}
  for reached = first, math.min(last, of_class.greatest) do
    if of_class[reached] then
      prefixes[#prefixes + 1] = class .. depth_byte(reached) .. term.at
    end
  end
  return prefixes
end

-- How the ranges of `suffixes` begin in which every file and glob stands whose ending goes together with the term's:
-- those that end in nothing certain, those whose known ending is a part of its own, and those that end like it.
local function suffix_ranges(term, mode, budget)
  local prefixes = { mode .. '\0' }
  for length = 1, #term.tail - 1 do
    local part = mode .. term.tail:sub(1, length)
    budget.units = budget.units - UNITS_PER_RANGE
    local first = redis.call('ZRANGE', SUFFIXES, '[' .. part, '(' .. after(part), 'BYLEX', 'LIMIT', 0, 1)[1]
    if not first then
      return prefixes
    end
    if first:byte(#part + 1) == 0 then
      prefixes[#prefixes + 1] = part .. '\0'
    end
  end
  prefixes[#prefixes + 1] = mode .. term.tail
  return prefixes
end

-- How many members the ranges hold together; counted no further than `enough`.
local function count_of(key, prefixes, enough, budget)
  local count = 0
  for _, prefix in ipairs(prefixes) do
    if count >= enough then
      break
    end
    budget.units = budget.units - UNITS_PER_RANGE
    count = count + redis.call('ZLEXCOUNT', key, '[' .. prefix, '(' .. after(prefix))
  end
  return count
end

-- Those of the ranges that are not empty, and whether few members stand in them all.
local function short_of(key, prefixes, budget)
  local filled, count = {}, 0
  for _, prefix in ipairs(prefixes) do
    budget.units = budget.units - UNITS_PER_RANGE
    local members = redis.call('ZRANGE', key, '[' .. prefix, '(' .. after(prefix), 'BYLEX', 'LIMIT', 0, SHORT_RANGE + 1)
    if #members > 0 then
      filled[#filled + 1] = prefix
      count = count + #members
    end
  end
  return filled, count <= SHORT_RANGE
end

-- The set, and how the ranges in it begin, to look at for what stands at or below a term: those of `entries` or, for
-- files and globs that a glob may meet, those of `suffixes` where they hold less.
local function ranges_below(term, mode, class, node, depths, budget)
  local prefixes = entry_ranges(term, mode .. class, node, depths)
  if class == 'o' and term.kind == 'glob' and term.tail ~= '' and #prefixes > 0 and node > SHORT_RANGE then
    local alike, few = short_of(SUFFIXES, suffix_ranges(term, mode, budget), budget)
    if not few then
      local count = count_of(SUFFIXES, alike, math.huge, budget)
      few = count_of(ENTRIES, prefixes, count + 1, budget) > count
    end
    if few then
      return SUFFIXES, alike
    end
  end
  return ENTRIES, prefixes
end
