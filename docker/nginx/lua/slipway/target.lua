-- What a request asks for, from its raw target and host: compared byte by byte and never decoded, so that what is matched
-- here is what the container gets. Pure.
local M = {}

-- "/a/b?c" → "/a/b", "?c". An absolute target without a path ("http://host?c") is "/".
function M.split(request_uri)
  local path, query = request_uri:match("^([^?]*)(.*)$")
  if path:sub(1, 1) ~= "/" then
    path = "/" .. path
  end
  return path, query
end

-- Whether a segment is `.` or `..`, encoded or not: a container might resolve it to a path that another rule was meant for.
function M.has_dot_segment(path)
  if not path:find("[/\\][.%%]") then
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

-- Whether a Host header is a name or an address, and at most a port in digits: nginx itself takes any text for a port.
function M.is_host_header(header)
  return header:find("^[^:%[%]]+:?%d*$") ~= nil or header:find("^%[[%x:.]+%]:?%d*$") ~= nil
end

-- Of the gateway's own hosts: whether a path is the dashboard's. It has all but the environments' and hidden ones.
function M.is_of_dashboard(path)
  return path:sub(1, 10) ~= "/projects/" and path ~= "/projects" and path:sub(1, 2) ~= "/."
end

-- "/projects/<namespace>/<environment>/rest" → namespace, environment, "/rest" ("" where the slash is missing).
function M.project_path(path)
  return path:match("^/projects/(project_%d+_[a-z0-9]+)/([a-z]+)(/?.*)$")
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
  for _, service in ipairs(services) do
    local prefix = service.prefix
    if prefix == "/" then
      return service
    end
    if path:sub(1, #prefix) == prefix then
      local next_byte = path:sub(#prefix + 1, #prefix + 1)
      if next_byte == "" or next_byte == "/" then
        return service
      end
    end
  end
end

-- The smallest of nginx.conf's body classes that holds `bytes`.
local CLASSES = {
  { 1024 ^ 2, "1m" }, { 10 * 1024 ^ 2, "10m" }, { 100 * 1024 ^ 2, "100m" },
  { 1024 ^ 3, "1g" }, { 10 * 1024 ^ 3, "10g" }, { 1024 ^ 4, "1t" },
}
function M.body_class(bytes)
  for _, class in ipairs(CLASSES) do
    if bytes <= class[1] then
      return "/.slipway/body/" .. class[2]
    end
  end
  return "/.slipway/body/1t"
end

return M
