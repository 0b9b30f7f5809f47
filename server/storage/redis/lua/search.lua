-- Finds which held entries overlap asked touches. Needs claims.lua, index.lua, overlap.lua and ranges.lua, whose budget
-- counts what is done here, too. What the ranges yield is rejected by its literal beginning and ending first, and
-- compared exactly last.

local UNITS_PER_STEP = 4
local UNITS_PER_REJECT = 15
local UNITS_PER_COMPARISON = 30
local UNITS_PER_COMPILATION = 30
-- More steps than names and globs that people write ever take; entries made to be slow are not let go on.
local MOST_STEPS_PER_PAIR = 10000

local function segments_of(at)
  local segments = {}
  for segment in at:gmatch('([^/]+)/') do
    segments[#segments + 1] = segment
  end
  return segments
end

-- The compiled form of a term, with the number of names that every match has (`depth`; nil when that is open) and the
-- least that one has (`least`).
local function alternative_of(term)
  local alternative
  if term.kind == 'glob' then
    alternative = cjson.decode(term.alternative)
  else
    alternative = { segments = segments_of(term.at), tree = term.kind == 'tree' }
  end
  local least = 0
  for _, segment in ipairs(alternative.segments) do
    if segment ~= 0 then
      least = least + 1
    end
  end
  alternative.least = least
  alternative.depth = not alternative.tree and least == #alternative.segments and least or nil
  return alternative
end

-- Whether two alternatives part without a comparison of characters: one demands more names than the other can have, or
-- they name something else at the same depth, before any "**".
local function part_early(a, b)
  if a.depth and a.depth < b.least or b.depth and b.depth < a.least then
    return true
  end
  for i, x in ipairs(a.segments) do
    local y = b.segments[i]
    if x == 0 or y == 0 or y == nil then
      return false
    end
    if x ~= y and type(x) == 'string' and type(y) == 'string' then
      return true
    end
  end
  return false
end

local function one_begins_with_other(a, b)
  local length = math.min(#a, #b)
  return a:sub(1, length) == b:sub(1, length)
end

-- Whether a term and a held entry that stands at, above or below it overlap: true, false, or nil when the budget is
-- used up. Compiled forms of held entries are kept, since many touches may meet the same ones.
local function overlaps(term, held, compiled, budget)
  if term.kind ~= 'glob' and held.kind ~= 'glob' then
    -- What stands below a tree is in it, and a file is looked up at its own place only.
    return held.kind == 'tree' or #held.at >= #term.at
  end
  budget.units = budget.units - UNITS_PER_REJECT
  term.compiled = term.compiled or alternative_of(term)
  local key = held.kind .. held.at .. held.alternative
  if not compiled[key] then
    compiled[key] = alternative_of(held)
    budget.units = budget.units - UNITS_PER_COMPILATION
  end
  if part_early(term.compiled, compiled[key]) then
    return false
  end
  budget.units = budget.units - UNITS_PER_COMPARISON
  local most = math.max(0, math.min(MOST_STEPS_PER_PAIR, math.floor(budget.units / UNITS_PER_STEP)))
  local pair = { steps = most }
  local result = alternatives_overlap({ term.compiled }, { compiled[key] }, pair)
  budget.units = budget.units - UNITS_PER_STEP * (most - pair.steps)
  return result
end

-- Whether the beginnings and endings of a term and a held entry let them meet at all.
local function may_meet(term, at, head, tail)
  return one_begins_with_other(term.at .. term.head, at .. head) and one_begins_with_other(term.tail, tail)
end

-- How the members of each set begin: class, at, head, tail, place of the rest.
local function parts_of(key, member)
  if key == SUFFIXES then
    local tail, head, at, rest = member:match('^.([^%z]*)%z([^%z]*)%z([^%z]*)%z()')
    return 'o', at, head, tail, rest
  end
  return member:match('^.(.).([^%z]*)%z([^%z]*)%z([^%z]*)%z()')
end

-- What a member stands for, when the term may meet it; nil otherwise. Most members are told apart here, so it takes as
-- little of them to pieces as it can.
local function meet(term, key, member)
  local class, at, head, tail, rest = parts_of(key, member)
  if not may_meet(term, at, head, tail) then
    return nil
  end
  local claim, text, alternative = member:match('^([^%z]*)%z([^%z]*)%z(.*)$', rest)
  local kind = class == 't' and 'tree' or alternative == '' and 'file' or 'glob'
  local mode = member:sub(1, 1) == 's' and 'shared' or 'exclusive'
  return { kind = kind, at = at, claim = claim, text = text, alternative = alternative, mode = mode }
end

-- Calls visit(term, held) for every entry of one mode that may overlap the term, but for those of claims already found.
-- Returns true when stopped.
local function scan_mode(term, mode, nodes, known, budget, found, visit)
  local function scan_set(key, range)
    return scan(key, range, budget, found, function(member)
      local held = meet(term, key, member)
      return held and visit(term, held)
    end)
  end

  local stopped = false
  each_ancestor(term.at, function(directory)
    if members_at(nodes[directory]) > 0 then
      for _, class in ipairs({ mode .. 't', mode .. 'o' }) do
        local here = class .. depth_byte(depth_at(directory)) .. directory .. '\0'
        stopped = stopped or depths_of(class, known) and scan_set(ENTRIES, here)
      end
    end
  end)
  local node = nodes[term.at]
  if stopped or node == 0 then
    return stopped
  end
  for _, class in ipairs({ 't', 'o' }) do
    local key, ranges = ranges_of(term, mode, class, node, known, budget)
    for _, range in ipairs(ranges) do
      if scan_set(key, range) then
        return true
      end
    end
  end
  return false
end

-- Finds the live claims that overlap the touches, each pair of touch and claim once.
--   modes_of(touch)  the modes of held entries that matter to it, such as { 'e', 's' }
--   limits           candidates and units as above, pairs_per_touch, pairs
--   passes_over(claim)  whether a claim stands in nobody's way here; nothing is passed over when it is nil
-- Returns a list of { touch = number, text, mode, claim } and the nodes that were looked up, or nil and the number of the
-- touch that used up the budget.
local function find_held(touches, now, modes_of, limits, passes_over)
  local budget = { candidates = limits.candidates, units = limits.units }
  local nodes, too_broad = find_nodes(touches, budget)
  if not nodes then
    return nil, too_broad
  end
  local claims, compiled, known, found = {}, {}, {}, {}
  for number, touch in ipairs(touches) do
    local of_touch, seen = 0, {}
    local function visit(term, held)
      local claim = claims[held.claim] or load_claim(held.claim)
      claims[held.claim] = claim
      if not is_live(claim, now) or passes_over and passes_over(claim) then
        return false
      end
      local result = overlaps(term, held, compiled, budget)
      if result == nil then
        budget.exhausted = true
        return true
      end
      if result then
        local text = held.text == '' and held.at:sub(1, -2) or held.text
        seen[held.claim] = true
        of_touch = of_touch + 1
        found[#found + 1] = { touch = number, text = text, mode = held.mode, claim = claim }
      end
      return of_touch >= limits.pairs_per_touch or #found >= limits.pairs
    end
    for _, term in ipairs(touch.terms) do
      if term.kind == 'glob' then
        term.compiled = alternative_of(term)
        term.depth = term.compiled.depth
      end
      for _, mode in ipairs(modes_of(touch)) do
        if of_touch < limits.pairs_per_touch and #found < limits.pairs then
          scan_mode(term, mode, nodes, known, budget, seen, visit)
          if budget.exhausted then
            return nil, number
          end
        end
      end
    end
  end
  return found, nodes
end

-- Held pairs as replies carry them: { row, ... }, { touch, text, mode, row number, ... }, counted from 0.
local function held_reply(found, now)
  local rows, numbers, blocked = {}, {}, {}
  for _, pair in ipairs(found) do
    local id = pair.claim.id
    if not numbers[id] then
      numbers[id] = #rows
      rows[#rows + 1] = claim_row(pair.claim, now)
    end
    blocked[#blocked + 1] = pair.touch - 1
    blocked[#blocked + 1] = pair.text
    blocked[#blocked + 1] = pair.mode
    blocked[#blocked + 1] = numbers[id]
  end
  return rows, blocked
end
