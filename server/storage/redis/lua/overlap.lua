--[[
  Whether two entries of the path language cover a path in common. A prelude: it is put before the scripts that need it
  and defines two local functions for them.

    alternative_overlaps(a, b, budget)
    alternatives_overlap(as, bs, budget)

  a, b     compiled readings of two entries (server/domain/paths/pattern.ts, decoded from JSON), folded already:
           { segments = { "literal" | 0 | { token, ... }, ... }, tree = boolean }; as and bs are arrays of them
  budget   a table { steps = N }; steps is counted down by one for each pair of readings, of segments, and of positions
           within two segments that is looked at (and by the lengths of two character classes)

  Both return true or false. When the budget was used up before the answer was found, steps is below zero; then
  alternative_overlaps returns false and alternatives_overlap nil.

  The decision is exact and the steps are those of server/domain/paths, where sequence-overlap.ts explains the algorithm:
  beginnings and ends first, then the runs between the stars of one, found in order in the other. O(|a|+|b|), O(|a|*|b|)
  only where runs are looked for; no patterns of Lua. A test sends the same pairs through both.
]]
local alternative_overlaps, alternatives_overlap
do
  -- Tokens; any other number is a code point, a table is a class { negated, low, high, low, high, ... }.
  local ANY, STAR = -1, -2
  local DOT = 46

  -- What two tokens have in common.
  local NO_CHARACTER, ONLY_DOT, CHARACTER = 0, 1, 2

  local byte, floor = string.byte, math.floor

  local function common_of_classes(x, y)
    -- No class reaches above U+EFFFF, so two negated ones share all that lies there.
    if x[1] == 1 and y[1] == 1 then
      return CHARACTER
    end
    if x[1] == 1 then
      x, y = y, x
    end
    local negated = y[1] == 1
    local most = NO_CHARACTER
    local first = 2
    for at = 2, #x, 2 do
      local low, high = x[at], x[at + 1]
      while first < #y and y[first + 1] < low do
        first = first + 2
      end
      local from, other = low, first
      while other < #y and y[other] <= high do
        local shared_low, shared_high
        if negated then
          shared_low, shared_high = from, y[other] - 1
        else
          shared_low, shared_high = math.max(low, y[other]), math.min(high, y[other + 1])
        end
        if shared_low <= shared_high then
          most = math.max(most, shared_low == DOT and shared_high == DOT and ONLY_DOT or CHARACTER)
        end
        from = y[other + 1] + 1
        other = other + 2
      end
      if negated and from <= high then
        most = math.max(most, from == DOT and high == DOT and ONLY_DOT or CHARACTER)
      end
      if most == CHARACTER then
        return most
      end
    end
    return most
  end

  -- Neither token is STAR; for a STAR, ANY stands in.
  local function common(x, y, budget)
    local x_is_class, y_is_class = type(x) == 'table', type(y) == 'table'
    if x_is_class and y_is_class then
      budget.steps = budget.steps - floor((#x + #y) / 2)
      return common_of_classes(x, y)
    end
    if y_is_class then
      x, y, x_is_class = y, x, true
    end
    if x_is_class then
      -- A class of one character is compiled as that character, so a class always has one that is not ".".
      if y == ANY then
        return CHARACTER
      end
      budget.steps = budget.steps - floor(#x / 2)
      return common_of_classes(x, { 0, y, y })
    end
    if x == ANY then
      x = y
    elseif y ~= ANY and x ~= y then
      return NO_CHARACTER
    end
    return x == DOT and ONLY_DOT or CHARACTER
  end

  local function characters_meet(x, y, budget)
    budget.steps = budget.steps - 1
    -- Mostly code points; the same class is compared like any other, so that it costs the same.
    return x == y and type(x) == 'number' or common(x, y, budget) ~= NO_CHARACTER
  end

  -- Whether the runs between the stars of one sequence stand in another one that has no star, in order; both from
  -- `front` to their ends.
  local function runs_found(starred, end_of_starred, plain, end_of_plain, front, star, meet, budget)
    -- Else the other one is too short for what is demanded before the first star or after the last one.
    if starred[front] ~= star or starred[end_of_starred] ~= star then
      return false
    end
    local at, run = front, front + 1
    while run <= end_of_starred do
      local past = run
      while starred[past] ~= star do
        past = past + 1
      end
      local length = past - run
      while true do
        if at + length - 1 > end_of_plain then
          return false
        end
        local met = 0
        while met < length and meet(starred[run + met], plain[at + met], budget) do
          met = met + 1
        end
        if budget.steps < 0 then
          return false
        end
        if met == length then
          break
        end
        at = at + 1
      end
      at, run = at + length, past + 1
    end
    return true
  end

  local function has_star(sequence, star, first, last)
    for at = first, last do
      if sequence[at] == star then
        return true
      end
    end
    return false
  end

  -- Whether some sequence is read by both: of tokens, or of segments. False also when the budget is used up.
  local function sequences_overlap(a, b, star, meet, budget)
    local end_a, end_b = #a, #b
    local front = 1
    while front <= end_a and front <= end_b do
      local x, y = a[front], b[front]
      if x == star or y == star then
        break
      end
      if not meet(x, y, budget) then
        return false
      end
      front = front + 1
    end
    while end_a >= front and end_b >= front do
      local x, y = a[end_a], b[end_b]
      if x == star or y == star then
        break
      end
      if not meet(x, y, budget) then
        return false
      end
      end_a, end_b = end_a - 1, end_b - 1
    end
    if has_star(a, star, front, end_a) then
      return has_star(b, star, front, end_b) or runs_found(a, end_a, b, end_b, front, star, meet, budget)
    end
    if has_star(b, star, front, end_b) then
      return runs_found(b, end_b, a, end_a, front, star, meet, budget)
    end
    return end_a < front and end_b < front
  end

  -- Whether a segment without stars of one or two characters, from i on, and another one, from j on, read something in
  -- common that is a name: here "." and ".." have to be told from names.
  local function short_overlap(short, i, other, j, named, budget)
    budget.steps = budget.steps - 1
    local x, y = short[i], other[j]
    if y == STAR then
      return short_overlap(short, i, other, j + 1, named, budget)
        or x ~= nil and short_overlap(short, i + 1, other, j, named or common(x, ANY, budget) == CHARACTER, budget)
    end
    if x == nil or y == nil then
      return x == y and named
    end
    local both = common(x, y, budget)
    return both ~= NO_CHARACTER and short_overlap(short, i + 1, other, j + 1, named or both == CHARACTER, budget)
  end

  local function is_short(tokens)
    return #tokens <= 2 and tokens[1] ~= STAR and tokens[2] ~= STAR
  end

  -- Whether some name is read by both arrays of tokens. False also when the budget is used up.
  local function segments_overlap(a, b, budget)
    if is_short(a) then
      return short_overlap(a, 1, b, 1, false, budget)
    end
    if is_short(b) then
      return short_overlap(b, 1, a, 1, false, budget)
    end
    return sequences_overlap(a, b, STAR, characters_meet, budget)
  end

  -- The code points of valid UTF-8; what was taken apart once is kept.
  local known_points = {}
  local function code_points(literal)
    local known = known_points[literal]
    if known then
      return known
    end
    local bytes = { byte(literal, 1, -1) }
    local points, count, at = {}, 0, 1
    while at <= #bytes do
      local lead = bytes[at]
      local point, more
      if lead < 0x80 then
        point, more = lead, 0
      elseif lead < 0xE0 then
        point, more = lead - 0xC0, 1
      elseif lead < 0xF0 then
        point, more = lead - 0xE0, 2
      else
        point, more = lead - 0xF0, 3
      end
      for follow = at + 1, at + more do
        point = point * 64 + bytes[follow] - 0x80
      end
      count = count + 1
      points[count] = point
      at = at + more + 1
    end
    known_points[literal] = points
    return points
  end

  local function differs(token, code)
    return type(token) == 'number' and token >= 0 and token < 0x80 and token ~= code
  end

  -- Spares most literals from being decoded. Only ASCII is looked at: what lies above is compared once decoded.
  local function end_differs(literal, tokens)
    return differs(tokens[1], byte(literal, 1)) or differs(tokens[#tokens], byte(literal, -1))
  end

  -- Whether two segments, neither of them "**", read a name in common.
  local function names_overlap(x, y, budget)
    budget.steps = budget.steps - 1
    if type(x) == 'string' then
      if type(y) == 'string' then
        return x == y
      end
      return not end_differs(x, y) and segments_overlap(code_points(x), y, budget)
    end
    if type(y) == 'string' then
      return not end_differs(y, x) and segments_overlap(x, code_points(y), budget)
    end
    return segments_overlap(x, y, budget)
  end

  -- The segments of a reading; a plain literal goes on with whatever lies below it.
  local function sequence_of(alternative)
    if alternative.tree and not alternative.sequence then
      alternative.sequence = { unpack(alternative.segments) }
      alternative.sequence[#alternative.segments + 1] = 0
    end
    return alternative.sequence or alternative.segments
  end

  function alternative_overlaps(a, b, budget)
    budget.steps = budget.steps - 1
    return sequences_overlap(sequence_of(a), sequence_of(b), 0, names_overlap, budget)
  end

  function alternatives_overlap(as, bs, budget)
    for _, a in ipairs(as) do
      for _, b in ipairs(bs) do
        if alternative_overlaps(a, b, budget) then
          return true
        end
        if budget.steps < 0 then
          return nil
        end
      end
    end
    return false
  end
end
