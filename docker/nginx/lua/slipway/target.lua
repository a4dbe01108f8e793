-- What a request asks for, from its raw target and host: compared byte by byte and never decoded, so that what is matched
-- here is what the container gets. Pure.
local byte, find, sub = string.byte, string.find, string.sub
local SLASH, DOT = byte("/"), byte(".")
local PROJECTS = "/projects/"

local M = {}

-- "/a/b?c" → "/a/b", "?c". An absolute target without a path ("http://host?c") is "/".
function M.split(request_uri)
  local mark = find(request_uri, "?", 1, true)
  local path, query = request_uri, ""
  if mark then
    path, query = sub(request_uri, 1, mark - 1), sub(request_uri, mark)
  end
  if byte(path, 1) ~= SLASH then
    path = "/" .. path
  end
  return path, query
end

-- Whether a segment is `.` or `..`, encoded or not: a container might resolve it to a path that another rule was meant for.
function M.has_dot_segment(path)
  if not (find(path, "/.", 1, true) or find(path, "/%", 1, true) or find(path, "\\", 1, true)) then
    return false
  end
  for segment in path:gmatch("[^/\\]+") do
    local plain = segment:gsub("%%2[eE]", ".")
    if plain == "." or plain == ".." then
      return true
    end
  end
  return false
end

-- The name or address in a Host header, written as nginx has it in $host; nil where there is more behind it than a port in
-- digits, because nginx itself takes any text for one.
function M.host_of_header(header)
  local host = header:match("^([^:%[%]]+):?%d*$") or header:match("^(%[[%x:.]+%]):?%d*$")
  return host and host:lower():gsub("%.$", "", 1) or nil
end

-- Of the gateway's own hosts: whether a path is the dashboard's. It has all but the environments' and hidden ones.
function M.is_of_dashboard(path)
  return sub(path, 1, #PROJECTS) ~= PROJECTS and path ~= "/projects" and byte(path, 2) ~= DOT
end

-- "/projects/<namespace>/<environment>/rest" → namespace, environment, "/rest" ("" where the slash is missing). What stands
-- in those two places may be anything: it is looked up as it stands.
function M.project_path(path)
  if sub(path, 1, #PROJECTS) ~= PROJECTS then
    return nil
  end
  local first = find(path, "/", #PROJECTS + 1, true)
  if not first then
    return nil
  end
  local second = find(path, "/", first + 1, true)
  local namespace = sub(path, #PROJECTS + 1, first - 1)
  if not second then
    return namespace, sub(path, first + 1), ""
  end
  return namespace, sub(path, first + 1, second - 1), sub(path, second)
end

-- Whether `name` is one that projects' environments have.
local IS_KIND = { dev = true, test = true, deploy = true }
function M.is_environment_kind(name)
  return IS_KIND[name] == true
end

-- Whether `name` could be an environment's, though there is none of that name.
function M.is_environment_name(name)
  return name:find("^[a-z]+$") ~= nil
end

-- "<environment>--<slug>.<base>" → environment, slug.
function M.project_host(host, base_suffix)
  if #host <= #base_suffix or host:sub(-#base_suffix) ~= base_suffix then
    return nil
  end
  return host:sub(1, -#base_suffix - 1):match("^([a-z]+)%-%-([a-z0-9-]+)$")
end

-- The service whose prefix holds `path`; `services` come longest prefix first.
function M.service(services, path)
  for index = 1, #services do
    local service = services[index]
    local prefix = service.prefix
    if prefix == "/" then
      return service
    end
    if sub(path, 1, #prefix) == prefix then
      local next_byte = byte(path, #prefix + 1)
      if not next_byte or next_byte == SLASH then
        return service
      end
    end
  end
end

-- The smallest of nginx.conf's body classes that holds `bytes`: each is twice the one before.
function M.body_class(bytes)
  local mebibytes = 1
  while mebibytes * 1024 ^ 2 < bytes and mebibytes < 1024 ^ 2 do
    mebibytes = mebibytes * 2
  end
  return ("/.slipway/body/%dm"):format(mebibytes)
end

return M
