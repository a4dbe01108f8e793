-- A cache of one nginx worker that stays small: two tables, of which the older one is dropped when the younger one is full.
-- What is asked for moves to the younger one. Plain tables, because this is read for every request. Pure.
local M = {}
M.__index = M

-- Holds the last `size` keys at least, twice as many at most.
function M.new(size)
  return setmetatable({ size = size, count = 0, young = {}, old = {} }, M)
end

function M:get(key)
  local value = self.young[key]
  if value == nil then
    value = self.old[key]
    if value ~= nil then
      self:set(key, value)
    end
  end
  return value
end

function M:set(key, value)
  if self.young[key] == nil then
    if self.count >= self.size then
      self.old, self.young, self.count = self.young, {}, 0
    end
    self.count = self.count + 1
  end
  self.young[key] = value
end

function M:delete(key)
  self.old[key] = nil
  if self.young[key] ~= nil then
    self.young[key] = nil
    self.count = self.count - 1
  end
end

return M
