--[[
  Whether two entries of the path language cover a path in common. A prelude: it is put before the scripts that need it
  and defines one local function for them.

    alternatives_overlap(a, b, budget)

  a, b     the compiled readings of two entries (server/domain/paths/pattern.ts, decoded from JSON): arrays of
           { segments = { "literal" | 0 | { token, ... }, ... }, tree = boolean }, folded already
  budget   a table { steps = N }; steps is counted down by one for each pair of readings, of segments, and of positions
           within two segments that is looked at (and by the lengths of two character classes)

  Returns true or false; nil when the budget was used up before the answer was found: then steps is below zero.

  The decision is exact and the steps are those of server/domain/paths/overlap.ts, where the algorithm is explained: the
  product of two automata over segments, each pair of which is decided by the product of two automata over characters.
  O(|a|*|b|), no recursion, no patterns of Lua. A test sends the same pairs through both.
]]
local alternatives_overlap
do
  -- Tokens; any other number is a code point, a table is a class { negated, low, high, low, high, ... }.
  local ANY, STAR = -1, -2
  local DOT = 46

  -- What two segments have both read so far: nothing, ".", "..", or what is a name whatever follows. A greater state
  -- never accepts less, so a cell keeps the greatest; nil is not reached.
  local NOTHING, NAME = 1, 4

  -- What two tokens have in common.
  local NO_CHARACTER, ONLY_DOT, CHARACTER = 0, 1, 2

  local byte, floor = string.byte, math.floor

  -- The state after one more character; a third "." makes a name, too.
  local function read(state, character)
    if character == CHARACTER or state == NAME then
      return NAME
    end
    return state + 1
  end

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
    local x_is_class, y_is_class = type(x) == "table", type(y) == "table"
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

  local function is_code_point(token)
    return type(token) == "number" and token >= 0
  end

  -- Cheap and mostly enough: "*.ts" and "*.js" part at their last characters.
  local function ends_differ(a, b)
    local length_a, length_b = #a, #b
    local shorter = length_a < length_b and length_a or length_b
    for at = 1, shorter do
      local x, y = a[at], b[at]
      if not (is_code_point(x) and is_code_point(y)) then
        break
      end
      if x ~= y then
        return true
      end
    end
    for back = 0, shorter - 1 do
      local x, y = a[length_a - back], b[length_b - back]
      if not (is_code_point(x) and is_code_point(y)) then
        break
      end
      if x ~= y then
        return true
      end
    end
    return false
  end

  -- Whether some name is read by both arrays of tokens. False also when the budget is used up.
  local function segments_overlap(a, b, budget)
    if ends_differ(a, b) then
      return false
    end
    local past_a, past_b = #a + 1, #b + 1
    local row, low, high = { NOTHING }, 1, 1
    for i = 1, past_a do
      local next_row, next_low, next_high = {}, past_b + 1, 0
      local x = a[i]
      local j = low
      while j <= high do
        local state = row[j]
        if state then
          local y = b[j]
          local reached, reached_state
          local beside
          if x == STAR then
            if y == STAR then
              -- Two stars read any name together.
              state = NAME
              beside = NAME
            elseif y then
              beside = read(state, common(y, ANY, budget))
            end
            reached, reached_state = j, state
          elseif y == STAR then
            beside = state
            if x then
              reached, reached_state = j, read(state, common(x, ANY, budget))
            end
          elseif x and y then
            local both = common(x, y, budget)
            if both ~= NO_CHARACTER then
              reached, reached_state = j + 1, read(state, both)
            end
          end
          if beside then
            if beside > (row[j + 1] or 0) then
              row[j + 1] = beside
            end
            if j == high then
              high = j + 1
            end
          end
          if reached then
            if reached_state > (next_row[reached] or 0) then
              next_row[reached] = reached_state
            end
            if reached < next_low then
              next_low = reached
            end
            if reached > next_high then
              next_high = reached
            end
          end
        end
        j = j + 1
      end
      budget.steps = budget.steps - (j - low)
      if i == past_a then
        return row[past_b] == NAME
      end
      if next_high == 0 or budget.steps < 0 then
        return false
      end
      row, low, high = next_row, next_low, next_high
    end
    return false
  end

  -- The code points of valid UTF-8.
  local function code_points(literal)
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
    return points
  end

  -- Spares most literals from being decoded. Only ASCII is looked at: what lies above is compared once decoded.
  local function end_differs(literal, tokens)
    local first, last = tokens[1], tokens[#tokens]
    if is_code_point(first) and first < 0x80 and byte(literal, 1) ~= first then
      return true
    end
    return is_code_point(last) and last < 0x80 and byte(literal, -1) ~= last
  end

  -- Whether two segments, neither of them "**", read a name in common.
  local function names_overlap(x, y, budget)
    local x_is_literal, y_is_literal = type(x) == "string", type(y) == "string"
    if x_is_literal and y_is_literal then
      return x == y
    end
    if x_is_literal then
      if end_differs(x, y) then
        return false
      end
      x = code_points(x)
    elseif y_is_literal then
      if end_differs(y, x) then
        return false
      end
      y = code_points(y)
    end
    return segments_overlap(x, y, budget)
  end

  -- Cheap and mostly enough for entries that begin with "**": two paths that end differently are not one.
  local function last_names_differ(a, b, budget)
    if a.tree or b.tree then
      return false
    end
    local x, y = a.segments[#a.segments], b.segments[#b.segments]
    return x ~= nil and x ~= 0 and y ~= nil and y ~= 0 and not names_overlap(x, y, budget)
  end

  -- Whether some path is read by both readings. False also when the budget is used up.
  local function alternative_overlaps(a, b, budget)
    budget.steps = budget.steps - 1
    if last_names_differ(a, b, budget) then
      return false
    end
    local segments_a, segments_b = a.segments, b.segments
    local past_a, past_b = #segments_a + 1, #segments_b + 1
    local row, low, high = { true }, 1, 1
    for i = 1, past_a do
      local next_row, next_low, next_high = {}, past_b + 1, 0
      local x = segments_a[i]
      local a_reads_anything = x == 0 or (a.tree and i == past_a)
      local j = low
      while j <= high do
        if row[j] then
          local y = segments_b[j]
          local b_reads_anything = y == 0 or (b.tree and j == past_b)
          if y == 0 or (y and a_reads_anything) then
            row[j + 1] = true
            if j == high then
              high = j + 1
            end
          end
          local reached
          if x == 0 or (x and b_reads_anything) then
            reached = j
          elseif x and y and y ~= 0 and names_overlap(x, y, budget) then
            reached = j + 1
          end
          if reached then
            next_row[reached] = true
            if reached < next_low then
              next_low = reached
            end
            if reached > next_high then
              next_high = reached
            end
          end
        end
        j = j + 1
      end
      budget.steps = budget.steps - (j - low)
      if i == past_a then
        return row[past_b] == true
      end
      if next_high == 0 or budget.steps < 0 then
        return false
      end
      row, low, high = next_row, next_low, next_high
    end
    return false
  end

  function alternatives_overlap(a, b, budget)
    for _, x in ipairs(a) do
      for _, y in ipairs(b) do
        if alternative_overlaps(x, y, budget) then
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
