-- A table on disk (of routes, of certificates): one record a line, `put <json>` or `remove <name>`; the last word on a
-- name counts.
-- A push appends one line; a full push, and every so often a push, rewrites the file beside and renames it over.
-- There is no fsync: after a power cut the worker pushes everything anyway; a killed nginx loses nothing written.
local M = {}
M.__index = M

function M.open(path)
  return setmetatable({ path = path }, M)
end

-- Each line begins with a line break of its own, so that a record torn by a full disk spoils itself alone.
local function line(record)
  return "\n" .. record .. "\n"
end

function M.put_record(json)
  return "put " .. json
end

function M.remove_record(name)
  return "remove " .. name
end

-- Appends one record; nil and the reason where the disk would not have it.
function M:append(record)
  local file, cannot_open = io.open(self.path, "a")
  if not file then
    return nil, cannot_open
  end
  local written, cannot_write = file:write(line(record))
  local closed, cannot_close = file:close()
  if not written or not closed then
    return nil, cannot_write or cannot_close
  end
  return true
end

-- Makes `records` the whole file, at once: a reader finds the old or the new one. nil and the reason on failure.
function M:rewrite(records)
  local beside = self.path .. ".new"
  local file, cannot_open = io.open(beside, "w")
  if not file then
    return nil, cannot_open
  end
  for _, record in ipairs(records) do
    local written, cannot_write = file:write(line(record))
    if not written then
      file:close()
      return nil, cannot_write
    end
  end
  local closed, cannot_close = file:close()
  if not closed then
    return nil, cannot_close
  end
  return os.rename(beside, self.path)
end

-- The last record of each name, as {name → json}, and how many lines could not be read. A torn last line (its
-- line break is missing) counts as unreadable: that push was never answered.
function M:read(name_of)
  local file = io.open(self.path, "r")
  if not file then
    return {}, 0
  end
  local content = file:read("*a")
  file:close()
  local found, unreadable = {}, 0
  for record, ending in content:gmatch("([^\n]+)(\n?)") do
    local removed = record:match("^remove (%S+)$")
    local json = record:match("^put (.*)$")
    local name = json and name_of(json)
    if ending == "" or not (removed or name) then
      unreadable = unreadable + 1
    elseif removed then
      found[removed] = nil
    else
      found[name] = json
    end
  end
  return found, unreadable
end

return M
